package main

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

// commitProxy stands between Ferry and its database and calls committed after each commit that the database has made and Ferry does not know of yet.
type commitProxy struct {
	socket    string
	committed func()
}

// newCommitProxy returns the address under which the database at databaseURL is reached through the proxy.
func newCommitProxy(t *testing.T, databaseURL string, committed func()) string {
	t.Helper()
	return inFrontOf(t, databaseURL, func(client net.Conn, socket string) {
		(&commitProxy{socket: socket, committed: committed}).serve(client)
	})
}

// inFrontOf returns the address under which the database at databaseURL is reached through serve, which is given each client and the server's socket.
func inFrontOf(t *testing.T, databaseURL string, serve func(client net.Conn, socket string)) (through string) {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	socket := filepath.Join(u.Query().Get("host"), ".s.PGSQL."+u.Query().Get("port"))
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(client, socket)
		}
	}()
	return "postgres://" + u.User.Username() + "@" + listener.Addr().String() + u.Path + "?sslmode=disable"
}

func (p *commitProxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("unix", p.socket)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		_, _ = io.Copy(server, client) // either side ends it by closing
		_ = server.Close()
	}()
	handOnAnswers(bufio.NewReader(server), bufio.NewWriter(client), func() bool {
		p.committed()
		return false
	})
}

// handOnAnswers hands on what a PostgreSQL server says, message by message (its manual, "Frontend/Backend Protocol"): C tells what a statement was, Z that
// the server waits for the next, I in it that no transaction is open. It tells of each commit before the client hears of it, and ends where that returns
// true or either side does.
func handOnAnswers(server *bufio.Reader, client *bufio.Writer, committed func() (stop bool)) {
	open, wrote := false, false
	for {
		head, body, err := readMessage(server)
		if err != nil {
			return
		}
		switch head[0] {
		case 'C':
			tag, _, _ := strings.Cut(strings.TrimRight(string(body), "\x00"), " ")
			wrote = wrote || tag == "COMMIT" || !open && (tag == "INSERT" || tag == "UPDATE" || tag == "DELETE")
		case 'Z':
			if open = body[0] != 'I'; !open && wrote {
				if wrote = false; committed() {
					return
				}
			}
		}
		if _, err := client.Write(append(head, body...)); err != nil {
			return
		}
		if server.Buffered() == 0 {
			if err := client.Flush(); err != nil {
				return
			}
		}
	}
}

// readMessage reads one message: its kind and length, and what it says.
func readMessage(from io.Reader) (head, body []byte, err error) {
	head = make([]byte, 5)
	if _, err := io.ReadFull(from, head); err != nil {
		return nil, nil, err
	}
	body = make([]byte, binary.BigEndian.Uint32(head[1:])-4)
	_, err = io.ReadFull(from, body)
	return head, body, err
}
