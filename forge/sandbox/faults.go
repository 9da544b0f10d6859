package sandbox

import (
	"net/http"
	"strings"
	"sync"
)

// Fault is an API request that goes wrong on purpose.
type Fault struct {
	// Method and Route choose the requests: Route is a path of GitHub's API reference without the prefix, as
	// "/repos/{owner}/{repo}/pulls". An empty one means all.
	Method string
	Route  string
	// Status is what is answered, 502 where it is 0.
	Status int
	// Times is how often, 1 where it is 0.
	Times int
	// Done carries the request out before the error is answered: the client cannot know that it was.
	Done bool
}

// what becomes of a delivery on purpose.
type fate int

const (
	sent fate = iota
	lost
	doubled
)

// Faults are the switches for what goes wrong on purpose. The zero value lets everything go right.
type Faults struct {
	mu    sync.Mutex
	calls []Fault
	lose  map[string]int
	twice map[string]int
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
func (f *Faults) Lose(event string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lose == nil {
		f.lose = map[string]int{}
	}
	f.lose[event] += n
}

// Double sends the next n deliveries of event twice, of any event where it is empty.
func (f *Faults) Double(event string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.twice == nil {
		f.twice = map[string]int{}
	}
	f.twice[event] += n
}

// Clear takes back every fault that has not happened yet.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.lose, f.twice, f.down = nil, nil, nil, false
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
		if x.Method != "" && !strings.EqualFold(x.Method, method) || x.Route != "" && x.Route != route {
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
		if f.lose[key] > 0 {
			f.lose[key]--
			return lost
		}
		if f.twice[key] > 0 {
			f.twice[key]--
			return doubled
		}
	}
	return sent
}
