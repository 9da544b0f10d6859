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
	door   http.Handler
	mu     sync.Mutex
	r      *rand.Rand
	bag    []*http.Request
	lost   int
	came   int
	owns   bool           // that he lost one: he answers 503, and each he loses twice at most
	ofGUID map[string]int // how often he lost it
}

// hire puts a postman before the harness' Ferry.
func (h *harness) hire(seed uint64) *postman {
	p := &postman{door: *h.svc.handler.Load(), ofGUID: map[string]int{}, r: rand.New(rand.NewPCG(seed, 11))}
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
	p.mu.Lock()
	defer p.mu.Unlock()
	p.came++
	if guid := r.Header.Get("X-GitHub-Delivery"); p.r.IntN(2) == 0 && !(p.owns && p.ofGUID[guid] == 2) {
		p.lost++
		p.ofGUID[guid]++
		if p.owns {
			w.WriteHeader(http.StatusServiceUnavailable)
		} else {
			w.WriteHeader(http.StatusAccepted)
		}
		return
	}
	w.WriteHeader(http.StatusAccepted)
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

// TestTheForgeIsAskedForWhatWasLost: as above, but the forge knows what did not arrive. No sweep is needed then: Ferry reads the forge's log and asks again,
// until it has everything and the log is quiet.
func TestTheForgeIsAskedForWhatWasLost(t *testing.T) {
	t.Parallel()
	whole := newCheckout(t, "")
	whole.story(func() {})
	want := whole.endState()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			h := newCheckout(t, "")
			h.sweep() // as at the start; from then on the log is watched
			p := h.hire(seed)
			p.owns = true
			h.storyMended(func() { p.bring(h, p.r.IntN(6)) }, func() {
				for range 9 {
					h.later(3 * time.Minute)
					p.bring(h, -1)
				}
			})
			if got := h.endState(); got != want {
				t.Errorf("the end is\n%s\nwant\n%s", got, want)
			}
			if p.lost == 0 || query[int](h, `select count(*) from lost_deliveries`) != 0 {
				t.Errorf("%d deliveries were lost, and %d are still", p.lost, query[int](h, `select count(*) from lost_deliveries`))
			}
			came := p.came
			h.later(3 * time.Hour)
			if p.came != came {
				t.Errorf("with nothing lost %d deliveries came again", p.came-came)
			}
		})
	}
}

// TestALostDeliveryIsNotAskedForForEver: who refuses a delivery each time gets it a few times, with growing pauses, and whatever is older than three days
// never. With a token instead of an App there is no log.
func TestALostDeliveryIsNotAskedForForEver(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.sweep()
	door, refused, when := *h.svc.handler.Load(), 0, []time.Time{}
	front := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-GitHub-Event") == "push" {
			refused, when = refused+1, append(when, h.clock.Now())
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		door.ServeHTTP(w, r)
	}))
	h.svc.handler.Store(&front)
	h.commit(acmeEnv, map[string]string{"README.md": "new\n"})
	for range 60 {
		h.later(5 * time.Minute)
	}
	for range 40 {
		h.later(2 * time.Hour)
	}
	if refused != 6 {
		t.Errorf("the push came %d times, want 1 and 5 more: %v", refused, when)
	}
	for i := 3; i < len(when); i++ {
		if when[i].Sub(when[i-1]) < when[i-1].Sub(when[i-2])*2 {
			t.Errorf("the pauses do not grow: %v", when)
		}
	}
	if n := query[int](h, `select count(*) from lost_deliveries`); n != 0 {
		t.Errorf("after three days %d are remembered", n)
	}
}
