package sandbox

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// Fault is an API request that goes wrong on purpose.
type Fault struct {
	// Method and Route choose the requests: Route is a path of GitHub's API reference without the prefix, as
	// "/repos/{owner}/{repo}/pulls". An empty one means all. "/graphql#createRef" is that field alone, of a document that may ask for more.
	Method string
	Route  string
	// After is how many such requests go right before.
	After int
	// Status is what is answered, 502 where it is 0.
	Status int
	// Message is GitHub's word for it. Empty: the one that belongs to the status, for a merge's 405 "Base branch was modified".
	Message string
	// RetryAfter is told to the client in whole seconds, with 403 and 429 as a secondary rate limit.
	RetryAfter time.Duration
	// Reset makes a 403 or 429 one of the primary rate limit, which ends after so long by Config.AuthNow.
	Reset time.Duration
	// Times is how often, 1 where it is 0.
	Times int
	// Done carries the request out before the error is answered: the client cannot know that it was.
	Done bool
	// Hang answers nothing, until the client gives up or the sandbox is closed.
	Hang bool
	// Late answers as if nothing were wrong, with Done, once Then has returned.
	Late bool
	// Drop breaks the connection instead of an answer.
	Drop bool
	// Then is called before the answer, with Done once the request is carried out: a test ends its client there.
	Then func()
}

// fate is what becomes of a delivery on purpose.
type fate int

const (
	sent fate = iota
	lost
	doubled
	held
)

// Faults are the switches for what goes wrong on purpose. The zero value lets everything go right.
type Faults struct {
	mu    sync.Mutex
	calls []Fault
	fates map[fate]map[string]int // how many of the next deliveries of an event
	down  bool
}

// Fail lets API requests fail from now on. Faults that were added earlier come first.
func (f *Faults) Fail(x Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if x.Status == 0 {
		x.Status = http.StatusBadGateway
	}
	if x.Times == 0 {
		x.Times = 1
	}
	f.calls = append(f.calls, x)
}

// Down answers every API request with 503, or ends that.
func (f *Faults) Down(down bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = down
}

// Lose drops the next n deliveries of event ("push"), of any event where it is empty.
func (f *Faults) Lose(event string, n int) { f.next(lost, event, n) }

// Double sends the next n deliveries of event twice, of any event where it is empty.
func (f *Faults) Double(event string, n int) { f.next(doubled, event, n) }

// Hold keeps the next n deliveries of event back, of any event where it is empty, until Sandbox.Release sends them: late,
// and in whichever order.
func (f *Faults) Hold(event string, n int) { f.next(held, event, n) }

func (f *Faults) next(what fate, event string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fates == nil {
		f.fates = map[fate]map[string]int{}
	}
	if f.fates[what] == nil {
		f.fates[what] = map[string]int{}
	}
	f.fates[what][event] += n
}

// Clear takes back every fault that has not happened yet. What is held stays held.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.fates, f.down = nil, nil, false
}

// call uses up the first fault that the request falls under.
func (f *Faults) call(method, route string) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down {
		return &Fault{Status: http.StatusServiceUnavailable}
	}
	for i := range f.calls {
		x := &f.calls[i]
		every := x.Route == "" && !strings.Contains(route, "#")
		if x.Method != "" && !strings.EqualFold(x.Method, method) || !every && x.Route != route {
			continue
		}
		if x.After > 0 {
			x.After--
			continue
		}
		found := *x
		if x.Times--; x.Times == 0 {
			f.calls = append(f.calls[:i], f.calls[i+1:]...)
		}
		return &found
	}
	return nil
}

func (f *Faults) delivery(event string) fate {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range []string{event, ""} {
		for _, what := range []fate{lost, doubled, held} {
			if f.fates[what][key] > 0 {
				f.fates[what][key]--
				return what
			}
		}
	}
	return sent
}

// goWrong answers a request as its fault says.
func (s *Sandbox) goWrong(w http.ResponseWriter, r *http.Request, row route, f *Fault) {
	if f.Then != nil {
		f.Then()
	}
	if f.Hang {
		select {
		case <-r.Context().Done():
		case <-s.closed:
		}
	}
	if f.Hang || f.Drop {
		panic(http.ErrAbortHandler) // ends the connection without an answer, see net/http
	}
	answerProblem(w, s.problemOf(row, f))
}

// problemOf is a fault in GitHub's words.
func (s *Sandbox) problemOf(row route, f *Fault) *problem {
	limited := f.Status == http.StatusForbidden || f.Status == http.StatusTooManyRequests
	p := fail(f.Status, "%s", wordsOf(row, f.Status))
	switch {
	case limited && f.Reset > 0:
		reset := s.cfg.AuthNow().Add(f.Reset)
		p = fail(f.Status, "API rate limit exceeded.")
		p.header = balance{limit: hourlyLimit, used: hourlyLimit, reset: reset}.headers()
	case limited && f.RetryAfter > 0:
		p = tooFast(f.Status, f.RetryAfter)
	case f.RetryAfter > 0:
		p.header = tooFast(f.Status, f.RetryAfter).header
	}
	if f.Message != "" {
		p.message = f.Message
	}
	return p
}

func wordsOf(row route, status int) string {
	merge := strings.HasSuffix(row.path, "/merge")
	switch {
	case merge && status == http.StatusMethodNotAllowed:
		return "Base branch was modified. Review and try the merge again."
	case merge && status == http.StatusConflict:
		return "Head branch was modified. Review and try the merge again."
	case status >= 400 && status < 500:
		return http.StatusText(status)
	}
	return "Server Error"
}
