package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// The moments at which a crasher ends its Ferry.
const (
	beforeWrite  = "before a write at the forge"
	afterWrite   = "after a write at the forge"
	beforeRead   = "before a read"
	beforeCommit = "before a commit"
	afterCommit  = "after a commit"
)

func crashMoments() []string {
	return []string{beforeWrite, afterWrite, beforeRead, beforeCommit, afterCommit}
}

// crasher ends a Ferry without killing its process: from a moment on, neither the forge nor the database hears of it or answers it any more.
type crasher struct {
	mu     sync.Mutex
	moment string
	left   int
	dead   bool
	conns  []net.Conn
	next   http.RoundTripper
	writes []forgeWrite
	faults []requestFault
}

// requestFault is a request of Ferry's that goes wrong: carried out or not, and answered by an error of the forge or by none at all.
type requestFault struct {
	method string // empty: any
	after  int    // how many go right before
	done   bool
	cut    bool
}

// fail lets a request go wrong.
func (c *crasher) fail(f requestFault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, f)
}

// mend takes back what has not gone wrong yet.
func (c *crasher) mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = nil
}

// fault uses up what is to go wrong with a request.
func (c *crasher) fault(method string) *requestFault {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.faults {
		f := &c.faults[i]
		if f.method != "" && f.method != method {
			continue
		}
		if f.after--; f.after < 0 {
			found := *f
			c.faults = slices.Delete(c.faults, i, i+1)
			return &found
		}
		return nil
	}
	return nil
}

// forgeWrite is a request by which Ferry changed something at the forge.
type forgeWrite struct {
	method, path, body string
	code               int // of the forge's answer; 0: Ferry got none
}

var errCrashed = errors.New("crashed, as the simulation wanted")

// newCrasher returns a crasher and the address at which its Ferry reaches the database.
func newCrasher(t *testing.T, databaseURL string) (c *crasher, through string) {
	t.Helper()
	c = &crasher{next: http.DefaultTransport}
	return c, inFrontOf(t, databaseURL, c.serve)
}

// aim lets Ferry crash at the nth such moment.
func (c *crasher) aim(moment string, nth int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moment, c.left = moment, nth
}

// aimed returns the moment at which it is to crash.
func (c *crasher) aimed() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.moment
}

// revive lets it start again, and says whether it had crashed.
func (c *crasher) revive() (crashed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	crashed, c.dead, c.moment = c.dead, false, ""
	return crashed
}

// reaches says whether Ferry is dead at this moment.
func (c *crasher) reaches(moment string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.dead && moment != "" && moment == c.moment {
		c.left--
		c.dead = c.left <= 0
	}
	if c.dead {
		for _, conn := range c.conns {
			_ = conn.Close()
		}
		c.conns = nil
	}
	return c.dead
}

// RoundTrip carries Ferry's requests to the forge.
func (c *crasher) RoundTrip(r *http.Request) (res *http.Response, err error) {
	body := []byte{}
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	asks := strings.HasSuffix(r.URL.Path, "/graphql") && bytes.HasPrefix(body, []byte(`{"query":"query`))
	before, after := beforeRead, ""
	if r.Method != http.MethodGet && !strings.HasSuffix(r.URL.Path, "/access_tokens") && !asks {
		before, after = beforeWrite, afterWrite
		defer func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			x := forgeWrite{method: r.Method, path: r.URL.Path, body: string(body)}
			if res != nil {
				x.code = res.StatusCode
			}
			c.writes = append(c.writes, x)
		}()
	}
	if c.reaches(before) {
		return nil, errCrashed
	}
	f := c.fault(r.Method)
	if f != nil && !f.done {
		return f.answer(r)
	}
	res, err = c.next.RoundTrip(r)
	if err == nil && f != nil {
		_ = res.Body.Close()
		return f.answer(r)
	}
	if err == nil && c.reaches(after) {
		_ = res.Body.Close()
		return nil, errCrashed
	}
	return res, err
}

func (f *requestFault) answer(r *http.Request) (*http.Response, error) {
	if f.cut {
		return nil, io.ErrUnexpectedEOF
	}
	body := `{"message":"Server Error"}`
	return &http.Response{Status: "502 Bad Gateway", StatusCode: http.StatusBadGateway, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}, nil
}

func (c *crasher) serve(client net.Conn, socket string) {
	defer client.Close()
	if c.reaches("") {
		return
	}
	server, err := net.Dial("unix", socket)
	if err != nil {
		return
	}
	defer server.Close()
	c.mu.Lock()
	c.conns = append(c.conns, client, server)
	c.mu.Unlock()
	go func() {
		c.asks(bufio.NewReader(client), server)
		_ = server.Close()
	}()
	handOnAnswers(bufio.NewReader(server), bufio.NewWriter(client), func() bool { return c.reaches(afterCommit) })
}

// asks hands on what Ferry says, message by message (PostgreSQL's manual, "Frontend/Backend Protocol"): the first has no type.
func (c *crasher) asks(client *bufio.Reader, server io.Writer) {
	first := true
	for {
		head := make([]byte, 5)
		if first {
			head = head[:4]
		}
		if _, err := io.ReadFull(client, head); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head[len(head)-4:])-4)
		if _, err := io.ReadFull(client, body); err != nil {
			return
		}
		if !first && head[0] == 'Q' && strings.HasPrefix(strings.ToLower(string(body)), "commit") && c.reaches(beforeCommit) {
			return
		}
		first = false
		if _, err := server.Write(append(head, body...)); err != nil {
			return
		}
	}
}
