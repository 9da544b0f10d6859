package main

import (
	"strings"

	"ferry/forge"
	"ferry/forge/sandbox"
)

// What stands here is of storms whose branch is merged by a merge queue.

// mergesByQueue lets a merge queue merge the branch, once ferry/gates is green on what it is about to merge. dora's commits come from elsewhere.
func (w *storm) mergesByQueue() {
	w.t.Helper()
	rules := sandbox.Rules{MergeQueue: true, Checks: []sandbox.RequiredCheck{{Context: "ferry/gates"}}}
	if err := w.harness.forge.SetRuleset(acmeEnv, sandbox.Ruleset{Name: "queue", Branches: []string{"main"}, Rules: rules, Bypass: []string{"dora"}}); err != nil {
		w.t.Fatal(err)
	}
}

// judgeGroup holds ferry/gates of a merge group that Ferry has just made green against what it knew, where it had decided all that it had heard of: the
// forge merges what is in it.
func (w *storm) judgeGroup(x forgeWrite) {
	w.t.Helper()
	m := stormStatus.FindStringSubmatch(x.path)
	if m == nil || w.kind != stormQueued || !strings.Contains(x.body, `"success"`) || !strings.Contains(x.body, `"ferry/gates"`) || w.decides() {
		return
	}
	members := query[[]int32](w.harness, `select coalesce((select members from merge_groups where sha = $1), '{}')`, forge.SHA(m[1]))
	for _, number := range members {
		p := w.pull(int(number))
		if !strings.HasPrefix(p.Head.Ref, "ferry/") {
			continue
		}
		w.met["a green merge group"]++
		for _, c := range w.cars(p.Number) {
			if shut := w.shut(p, strings.Split(p.Head.Ref, "/")[1], c); shut != "" && (c.State == "open" || c.State == "merged") {
				w.t.Errorf("the queue is let merge #%d, %s %s: %s", p.Number, c.App, c.Tag, shut)
			}
		}
	}
}

// decides says whether anything is left to be decided.
func (w *storm) decides() bool {
	w.t.Helper()
	for _, one := range w.due() {
		if strings.HasPrefix(one.what, "decide") {
			return true
		}
	}
	return false
}
