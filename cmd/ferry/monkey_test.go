package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// TestWhateverPeopleDo lets people commit, report, merge, close, reopen, hold and resume in random order, while deliveries are lost and doubled, and
// holds after each step what is open against a model of rules 2 to 5: the newest release that has converged upstream, is newer than what stands,
// and was not rejected.
func TestWhateverPeopleDo(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			m := &monkey{harness: newCheckout(t, ""), r: rand.New(rand.NewPCG(seed, 7)), tags: map[string]int{}, converged: map[string]map[int]bool{"dev": {}, "staging": {}}, ever: map[string]map[int]bool{"dev": {}, "staging": {}},
				rejected: map[string]map[int]int{"staging": {}, "prod": {}}, held: map[string]bool{}, shown: map[string]int{}}
			for step := range 24 {
				did := m.act()
				m.later(10 * time.Minute)
				m.sweep()
				m.check(fmt.Sprintf("step %d, %s", step, did))
				if t.Failed() {
					return
				}
			}
			m.later(time.Hour) // every silence is said
			m.forge.ResetRequests()
			events := len(m.events())
			m.sweep()
			if w := m.writes(); len(w) != 0 || len(m.events()) != events {
				t.Errorf("with nothing new Ferry wrote %v", w)
			}
		})
	}
}

// monkey is the model: minor versions of checkout by environment.
type monkey struct {
	*harness
	r         *rand.Rand
	newest    int
	tags      map[string]int
	converged map[string]map[int]bool
	ever      map[string]map[int]bool // also before it came back
	rejected  map[string]map[int]int  // release → pull request
	held      map[string]bool
	shown     map[string]int // what was open before, for holds
}

var upstreamOf = map[string]string{"staging": "dev", "prod": "staging"}

func (m *monkey) act() string {
	env := []string{"staging", "prod"}[m.r.IntN(2)]
	p, open := m.openPulls(acmeEnv)["ferry/"+env+"/checkout"]
	if m.r.IntN(4) == 0 {
		m.forge.Faults().Lose("", 1+m.r.IntN(2))
	}
	if m.r.IntN(4) == 0 {
		m.forge.Faults().Double("", 1+m.r.IntN(2))
	}
	defer m.forge.Faults().Clear()
	switch n := m.r.IntN(12); {
	case n < 3:
		return m.release()
	case n < 7:
		return m.healthy([]string{"dev", "staging"}[m.r.IntN(2)])
	case n < 9 && open && !m.held[env]:
		m.merge(acmeEnv, p.Number)
		m.tags[env] = m.shown[env]
		return "merge into " + env
	case n < 10 && open:
		m.does(m.forge.ClosePull(acmeEnv, p.Number, "dora"))
		m.rejected[env][m.shown[env]] = p.Number
		return "close in " + env
	case n < 11:
		return m.reopen(env)
	}
	return m.toggle(env)
}

func (m *monkey) release() string {
	m.newest++
	next := m.newest
	if m.r.IntN(4) == 0 && m.newest > 2 {
		next = 1 + m.r.IntN(m.newest-1)
	}
	if next != m.tags["dev"] {
		delete(m.converged["dev"], next) // what comes again has to converge again
	}
	m.tags["dev"] = next
	m.deploy("dev", fmt.Sprintf("1.%d.0", m.tags["dev"]))
	return fmt.Sprintf("dev gets 1.%d.0", m.tags["dev"])
}

func (m *monkey) healthy(env string) string {
	m.report(acmeEnv, env, "healthy")
	m.converged[env][m.tags[env]], m.ever[env][m.tags[env]] = true, true
	return env + " is healthy"
}

func (m *monkey) reopen(env string) string {
	for release, number := range m.rejected[env] {
		if m.held[env] {
			break
		}
		if m.forge.Reopen(acmeEnv, number, "dora") == nil {
			delete(m.rejected[env], release)
			m.settle()
			return fmt.Sprintf("reopen #%d in %s", number, env)
		}
	}
	return "nothing"
}

func (m *monkey) toggle(env string) string {
	word := "/hold"
	if m.held[env] {
		word = "/resume"
	}
	m.forge.Faults().Clear() // a comment whose delivery is lost is not heard
	m.ask(m.board().Number, "dora", word+" checkout "+env)
	m.held[env] = !m.held[env]
	return word + " " + env
}

// expected is the release that should be open into the environment; 0: none.
func (m *monkey) expected(env string) int {
	best := 0
	up := upstreamOf[env]
	for release := range m.converged[up] {
		if _, no := m.rejected[env][release]; !no && release > m.tags[env] && release <= m.tags[up] && release > best {
			best = release
		}
	}
	return best
}

func (m *monkey) check(after string) {
	m.t.Helper()
	open := m.openPulls(acmeEnv)
	for _, env := range []string{"staging", "prod"} {
		p, ok := open["ferry/"+env+"/checkout"]
		shown := 0
		if ok {
			if _, err := fmt.Sscanf(p.Title[strings.LastIndex(p.Title, " "):], " 1.%d.0", &shown); err != nil {
				m.t.Fatalf("the title is %q", p.Title)
			}
			if got := m.file(acmeEnv, p.Head.Ref, checkoutPath(env)); got != kustomization("checkout", fmt.Sprintf("1.%d.0", shown)) {
				m.t.Errorf("%s: the branch has\n%s", after, got)
			}
		}
		if _, no := m.rejected[env][shown]; no {
			m.t.Errorf("%s: rejected 1.%d.0 is open into %s", after, shown, env)
		}
		switch want := m.expected(env); {
		case m.held[env] && shown != 0 && shown != m.shown[env]:
			m.t.Errorf("%s: %s is held, and 1.%d.0 is open where 1.%d.0 was", after, env, shown, m.shown[env])
		case !m.held[env] && shown > want && m.ever[upstreamOf[env]][shown] && shown <= m.tags[upstreamOf[env]] && shown > m.tags[env]: // it came back there, and waits until it has converged again
			m.shown[env] = shown
			continue
		case !m.held[env] && shown != want:
			m.t.Errorf("%s: 1.%d.0 is open into %s, want 1.%d.0", after, shown, env, want)
		}
		m.shown[env] = shown
		if ok {
			state := map[bool]string{true: "failure", false: "success"}[m.held[env]]
			m.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", state, "")
		}
	}
}
