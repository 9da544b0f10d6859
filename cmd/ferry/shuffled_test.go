package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// postman stands before Ferry's door: half of the deliveries he loses, the others he brings twice, late, and in any order.
type postman struct {
	door http.Handler
	mu   sync.Mutex
	r    *rand.Rand
	bag  []*http.Request
	lost int
	came int
}

// hire puts a postman before the harness' Ferry.
func (h *harness) hire(seed uint64) *postman {
	p := &postman{door: *h.svc.handler.Load(), r: rand.New(rand.NewPCG(seed, 11))}
	front := http.Handler(p)
	h.svc.handler.Store(&front)
	return p
}

func (p *postman) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/webhooks/github" {
		p.door.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.came++
	if p.r.IntN(2) == 0 {
		p.lost++
		return
	}
	for range 2 {
		again := httptest.NewRequest(http.MethodPost, "/webhooks/github", bytes.NewReader(body))
		again.Header = r.Header.Clone()
		p.bag = append(p.bag, again)
	}
}

// bring brings n deliveries of the bag, any ones; all of them where n is negative.
func (p *postman) bring(h *harness, n int) {
	h.t.Helper()
	p.mu.Lock()
	p.r.Shuffle(len(p.bag), func(i, j int) { p.bag[i], p.bag[j] = p.bag[j], p.bag[i] })
	if n < 0 || n > len(p.bag) {
		n = len(p.bag)
	}
	now := p.bag[:n]
	p.bag = p.bag[n:]
	p.mu.Unlock()
	for _, r := range now {
		answer := httptest.NewRecorder()
		p.door.ServeHTTP(answer, r)
		if answer.Code >= http.StatusMultipleChoices {
			h.t.Errorf("%s: %d %s", r.Header.Get("X-GitHub-Event"), answer.Code, answer.Body)
		}
		if p.r.IntN(3) == 0 {
			h.settle()
		}
	}
	h.settle()
}

// TestHalfLostTheRestLate: half of all deliveries are lost, the others come twice, late and shuffled. By floors and the sweep the end is the same as
// with every delivery once and in order.
func TestHalfLostTheRestLate(t *testing.T) {
	t.Parallel()
	whole := newCheckout(t, "")
	whole.story(func() {})
	want := whole.endState()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			h := newCheckout(t, "")
			p := h.hire(seed)
			h.story(func() { p.bring(h, p.r.IntN(6)) })
			p.bring(h, -1)
			h.later(10 * time.Minute)
			h.sweep()
			if got := h.endState(); got != want {
				t.Errorf("the end is\n%s\nwant\n%s", got, want)
			}
			if p.lost == 0 || p.lost == p.came {
				t.Errorf("%d of %d deliveries were lost", p.lost, p.came)
			}
			events := query[int](h, `select count(*) from events`)
			h.forge.ResetRequests()
			h.sweep()
			if w := h.writes(); len(w) != 0 || query[int](h, `select count(*) from events`) != events {
				t.Errorf("with nothing new Ferry wrote %v", w)
			}
		})
	}
}
