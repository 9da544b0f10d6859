package main

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ferry/promotion/postgres/local/localtest"
)

// swamp is a forge that answers nothing any more once it is told to, until it is told otherwise.
type swamp struct {
	hangs  atomic.Bool
	caught chan struct{} // closed when the first request hangs
	once   sync.Once
}

func (s *swamp) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.hangs.Load() && strings.HasPrefix(r.UserAgent(), "ferry") {
			s.once.Do(func() { close(s.caught) })
			<-r.Context().Done() // whoever asked has given up
			return
		}
		next.ServeHTTP(w, r)
	})
}

// TestStopsWhileEverybodyHangs: neither a forge that does not answer nor somebody who sends half a delivery keeps Ferry from ending within ten seconds; and
// who starts next does what was under way.
func TestStopsWhileEverybodyHangs(t *testing.T) {
	t.Parallel()
	s := &swamp{caught: make(chan struct{})}
	db := localtest.Database(t)
	w := newWorld(t, db, db, 1, fleetLease, s.wrap)
	c := w.replicas(t, 1)[0]
	w.until(func() {}, w.unseen)
	s.hangs.Store(true)
	w.begin()
	select {
	case <-s.caught:
	case <-time.After(patience):
		t.Fatal("Ferry asks the forge nothing")
	}
	half, err := net.Dial("tcp", c.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = half.Close() })
	if _, err := fmt.Fprintf(half, "POST /webhooks/github HTTP/1.1\r\nHost: ferry\r\nX-GitHub-Event: push\r\nX-GitHub-Delivery: half\r\nX-Hub-Signature-256: sha256=%s\r\nContent-Length: 1000\r\n\r\n{", strings.Repeat("0", 64)); err != nil {
		t.Fatal(err)
	}
	if code := c.answers("/readyz"); code != http.StatusOK { // and with that the server has taken the connection before
		t.Errorf("/readyz says %d", code)
	}
	t.Logf("stopped in %s", c.stops(t).Round(time.Millisecond))
	s.hangs.Store(false)
	w.replicas(t, 1)
	w.until(func() {}, w.unfinished)
	w.nothingTwice()
}
