package promotion_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// checked is line with checks asked for by staging, in which 1.1.0 came to dev, built from a known commit, and nothing is read yet.
func checked(t *testing.T, checks ...config.Check) (w *world, revision, source forge.SHA) {
	t.Helper()
	w = line(t, func(staging, _ *config.Environment) { staging.Checks = checks })
	source = sha(9_000_000)
	w.s.Sources = []promotion.Announced{{Image: promotion.ParseImage(image + ":1.1.0"), Source: "acme/Checkout", Commit: source, Seq: 1, At: w.now}}
	w.commit("dev", "1.1.0")
	w.report("dev", promotion.HealthHealthy)
	w.s.CheckWants = w.look().CheckWants
	for i := range w.s.CheckWants {
		w.s.CheckWants[i].Since = w.now
	}
	return w, sha(w.seq), source
}

// read lets the checks of a commit be read.
func (w *world) read(target string, at forge.SHA, seq int64, checks ...forge.Check) {
	names := []string{}
	for _, c := range w.env("staging").Checks {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	w.s.Checked = append(w.s.Checked, promotion.CheckedCommit{Target: target, SHA: at, Seq: seq, Names: names, Checks: checks})
}

func green(name string) forge.Check { return forge.Check{Name: name, By: "ci", State: forge.Success} }

func red(name string) forge.Check {
	return forge.Check{Name: name, By: "ci", State: forge.Failure, Description: "2 of 9 failed", URL: "https://ci.example/9"}
}

func TestChecks(t *testing.T) {
	t.Parallel()
	e2e, unit := config.Check{Name: "e2e"}, config.Check{Name: "unit"}
	pinned := config.Check{Name: "e2e", PostedBy: "e2e-bot[bot]"}
	run := func(by string, state forge.State) forge.Check {
		return forge.Check{Name: "e2e", By: by, Run: true, State: state, Word: "timed out"}
	}
	for _, test := range []struct {
		name     string
		checks   []config.Check
		revision []forge.Check // on the revision that brought it to dev
		source   []forge.Check // on the commit it was built from
		state    promotion.GateState
		words    string
	}{
		{"nothing is posted", []config.Check{e2e}, nil, nil, promotion.GateWaiting, "nothing is posted as e2e on 0000000 or acme/checkout@0000000"},
		{"another name", []config.Check{e2e}, []forge.Check{green("e2e2"), green("E2E")}, nil, promotion.GateWaiting, "nothing is posted as e2e"},
		{"green upstream", []config.Check{e2e}, []forge.Check{green("e2e")}, nil, promotion.GateOpen, "e2e is green on 0000000"},
		{"green at the source", []config.Check{e2e}, nil, []forge.Check{green("e2e")}, promotion.GateOpen, "e2e is green on acme/checkout@0000000"},
		{"green upstream, failed at the source", []config.Check{e2e}, []forge.Check{green("e2e")}, []forge.Check{red("e2e")}, promotion.GateOpen, "green on 0000000"},
		{"failed", []config.Check{e2e}, []forge.Check{red("e2e")}, nil, promotion.GateClosed, "e2e failed on 0000000: 2 of 9 failed, https://ci.example/9"},
		{"failed, and under way again elsewhere", []config.Check{e2e}, []forge.Check{red("e2e")}, []forge.Check{{Name: "e2e", State: forge.Pending}}, promotion.GateClosed, "failed"},
		{"under way", []config.Check{e2e}, []forge.Check{{Name: "e2e", State: forge.Pending, Description: "3 of 9"}}, nil, promotion.GateWaiting, "e2e is under way on 0000000"},
		{"one of two", []config.Check{e2e, unit}, []forge.Check{green("e2e")}, nil, promotion.GateWaiting, "nothing is posted as unit"},
		{"both, on different commits", []config.Check{e2e, unit}, []forge.Check{green("e2e")}, []forge.Check{green("unit")}, promotion.GateOpen, "e2e is green on 0000000; unit is green on acme/checkout@0000000"},
		{"one failed, one missing", []config.Check{unit, e2e}, []forge.Check{red("e2e")}, nil, promotion.GateClosed, "e2e failed on 0000000: 2 of 9 failed, https://ci.example/9; nothing is posted as unit on 0000000 or acme/checkout@0000000"},
		{"a status and a check run of that name", []config.Check{e2e}, []forge.Check{green("e2e"), run("actions", forge.Failure)}, nil, promotion.GateClosed, "failed on 0000000: timed out"},
		{"two Apps, one still at it", []config.Check{e2e}, []forge.Check{run("a", forge.Success), run("b", forge.Pending)}, nil, promotion.GateWaiting, "under way"},
		{"pinned, posted by somebody else", []config.Check{pinned}, []forge.Check{green("e2e"), run("other", forge.Success)}, nil, promotion.GateWaiting, "nothing is posted as e2e by e2e-bot[bot]"},
		{"pinned, failed by somebody else", []config.Check{pinned}, []forge.Check{red("e2e"), run("e2e-bot", forge.Success)}, nil, promotion.GateOpen, "green"},
		{"pinned, a status of the App", []config.Check{pinned}, []forge.Check{{Name: "e2e", By: "E2E-bot[bot]", State: forge.Success}}, nil, promotion.GateOpen, "green"},
		{"a link that is none", []config.Check{e2e}, []forge.Check{{Name: "e2e", State: forge.Failure, URL: "javascript:alert(1)", Description: "no"}}, nil, promotion.GateClosed, "failed on 0000000: no"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w, revision, source := checked(t, test.checks...)
			w.read("", revision, w.seq, test.revision...)
			w.read("acme/checkout", source, 0, test.source...)
			w.look()
			if g := w.gate("staging", "checks"); g.State != test.state || !strings.HasPrefix(g.Reason, test.words) && !strings.Contains(g.Reason, test.words) || strings.Contains(g.Reason, "javascript") {
				t.Errorf("it is %s: %q, want %s with %q", g.State, g.Reason, test.state, test.words)
			}
			w.proposed("staging", "1.1.0")
			if got := w.gatesStatus("staging").State == forge.Success; got != (test.state == promotion.GateOpen) {
				t.Errorf("ferry/gates is %+v", w.gatesStatus("staging"))
			}
		})
	}
}

// TestUnreadChecksDecideNothing: unknown is not absent, until reading takes too long.
func TestUnreadChecksDecideNothing(t *testing.T) {
	t.Parallel()
	w, revision, source := checked(t, config.Check{Name: "e2e"})
	w.proposed("staging", "")
	if got := w.cell("staging"); got.Why != "Ferry reads the checks of 1.1.0" || !got.Proposed.Same(release("1.1.0")) {
		t.Fatalf("%+v", got)
	}
	if want := w.now.Add(time.Minute); !w.plan.DueAt.Equal(want) {
		t.Fatalf("due at %s, want %s", w.plan.DueAt, want)
	}
	if len(w.s.CheckWants) != 2 || w.s.CheckWants[0].SHA != revision || w.s.CheckWants[1].SHA != source || w.s.CheckWants[1].Target != "acme/checkout" {
		t.Fatalf("%+v", w.s.CheckWants)
	}
	w.read("", revision, w.seq)
	w.look()
	w.proposed("staging", "") // the source is not read yet
	w.wait(time.Minute)
	w.look()
	w.proposed("staging", "1.1.0")
	if g := w.gate("staging", "checks"); g.State != promotion.GateWaiting {
		t.Fatalf("%+v", g)
	}
	if want := []string{"e2e"}; !slices.Equal(w.plan.CheckWants[0].Names, want) {
		t.Fatalf("%+v", w.plan.CheckWants)
	}
}

// TestChecksOnOtherRevisions: any revision counts at which the release stands upstream, and no other.
func TestChecksOnOtherRevisions(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		seq   int64 // from the one that brought 1.1.0 to dev
		state promotion.GateState
	}{
		"before it": {-1, promotion.GateWaiting}, "at it": {0, promotion.GateOpen}, "later": {2, promotion.GateOpen}, "at the next release": {3, promotion.GateWaiting}, "after it": {9, promotion.GateWaiting},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, revision, source := checked(t, config.Check{Name: "e2e"})
			first := w.seq
			w.read("", revision, first)
			w.read("acme/checkout", source, 0)
			w.read("", sha(first+100), first+test.seq, green("e2e"))
			w.seq += 2
			w.commit("dev", "1.2.0") // not converged: 1.1.0 is what may go on
			w.look()
			w.proposed("staging", "1.1.0")
			if g := w.gate("staging", "checks"); g.State != test.state {
				t.Fatalf("%+v", g)
			}
		})
	}
}

// TestReportedRevisionsAreWanted: a check may be posted where an agent says that it has arrived. The first ones stay wanted; an agent that follows every
// commit does not let Ferry ask for ever more.
func TestReportedRevisionsAreWanted(t *testing.T) {
	t.Parallel()
	w, _, _ := checked(t, config.Check{Name: "e2e"})
	for i := range 10 {
		w.seq++
		w.report("dev", promotion.HealthHealthy)
		w.wait(time.Second)
		w.s.CheckWants = w.look().CheckWants
		if n := len(w.s.CheckWants); n != min(i+1, 3)+2 {
			t.Fatalf("%d commits are wanted: %+v", n, w.s.CheckWants)
		}
	}
}
