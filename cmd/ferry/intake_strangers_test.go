package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// begins opens a connection to Ferry and sends the head of a delivery of length bytes, and the first sent bytes of its body.
func (h *harness) begins(headers string, length, sent int64) net.Conn {
	h.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = conn.Close() })
	head := fmt.Sprintf("POST /webhooks/github HTTP/1.1\r\nHost: ferry\r\nX-GitHub-Event: push\r\nX-GitHub-Delivery: stranger\r\n%sContent-Length: %d\r\n\r\n", headers, length)
	if _, err := io.Copy(conn, io.MultiReader(strings.NewReader(head), zeros(sent))); err != nil {
		h.t.Logf("sending: %v", err) // Ferry may have answered and closed already
	}
	return conn
}

// answered returns the status that Ferry answers on the connection.
func (h *harness) answered(conn net.Conn) int {
	h.t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		h.t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		h.t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// TestUnsignedIsRefusedUnread: Ferry answers while nothing of the body was sent yet.
func TestUnsignedIsRefusedUnread(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	for _, headers := range []string{
		"", "X-Hub-Signature: sha1=" + strings.Repeat("0", 40) + "\r\n", "X-Hub-Signature-256: sha256=" + strings.Repeat("0", 63) + "\r\n",
		"X-Hub-Signature-256: sha256=" + strings.Repeat("x", 64) + "\r\n", "X-Hub-Signature-256: " + strings.Repeat("0", 64) + "\r\n",
	} {
		if code := h.answered(h.begins(headers, 25<<20, 0)); code != http.StatusUnauthorized {
			t.Errorf("%q: %d, want 401", headers, code)
		}
	}
}

// TestStrangersShareTheMemory: large bodies from whomever, sent slowly, take no more memory together than there is for them; small deliveries come
// through all the while, and large ones again after it.
func TestStrangersShareTheMemory(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settle()
	signed := "X-Hub-Signature-256: sha256=" + strings.Repeat("0", 64) + "\r\n"
	const each, most = 17 << 20, 10
	codes := make(chan int, most)
	var slow []net.Conn
	for range most {
		conn := h.begins(signed, 25<<20, each)
		slow = append(slow, conn)
		go func() {
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err == nil {
				_ = res.Body.Close()
				codes <- res.StatusCode
			}
		}()
	}
	if code := <-codes; code != http.StatusServiceUnavailable {
		t.Errorf("one that there is no memory for got %d, want 503", code)
	}
	ping := []byte(`{"zen":"x","hook_id":1}`)
	if code, answer := h.hook("ping", "small", ping, nil); code != http.StatusOK {
		t.Errorf("a small delivery meanwhile: %d %s", code, answer)
	}
	for _, conn := range slow {
		_ = conn.Close()
	}
	large := append(ping[:len(ping)-1:len(ping)-1], []byte(`,"more":"`+strings.Repeat("x", 20<<20)+`"}`)...)
	for try := 0; ; try++ { // the server learns of closed connections when it next reads from them
		code, answer := h.hook("ping", "large", large, nil)
		if code == http.StatusOK {
			break
		}
		if try == 100 {
			t.Fatalf("a large delivery after it: %d %s", code, answer)
		}
	}
}
