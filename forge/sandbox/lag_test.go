package sandbox_test

import (
	"fmt"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox"
)

// GitHub answers reads from copies that come after its webhooks (docs.github.com, "Best practices for using the REST API",
// and "Get a pull request", whose mergeable and head lag).
func TestReadsLagBehindWebhooks(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lag  sandbox.Lag
		pass func(w *world, token string)
	}{
		"by the clock": {sandbox.Lag{For: 2 * time.Second}, func(w *world, _ string) { w.clock.advance(2 * time.Second) }},
		"by reads": {sandbox.Lag{Reads: 10}, func(w *world, token string) {
			for range 10 {
				w.call(token, "GET", "~/git/ref/heads/main", "", 200)
			}
		}},
		"until it ends": {sandbox.Lag{For: time.Hour}, func(w *world, _ string) {
			if err := w.forge.SetLag(sandbox.Lag{}); err != nil {
				w.t.Fatal(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			token := w.token("")
			n, head := w.openPull(token, "change", "a")
			before := w.call(token, "GET", "~/git/ref/heads/main", "", 200).str("object.sha")
			w.inbox.clear()
			if err := w.forge.SetLag(test.lag); err != nil {
				t.Fatal(err)
			}
			merged, err := w.forge.Merge("acme/environments", 1, "ann", forge.MergeSquash)
			if err != nil {
				t.Fatal(err)
			}
			w.flush()
			if push := w.inbox.last(t, "push"); push.field(t, "after") != string(merged) {
				t.Errorf("push = %s, want the truth", push.raw)
			}
			reads := func(open, main string) {
				t.Helper()
				w.call(token, "GET", "~/git/ref/heads/main", "", 200).want(map[string]string{"object.sha": main})
				w.call(token, "GET", "~/branches/main", "", 200).want(map[string]string{"commit.sha": main})
				w.call(token, "GET", "~/pulls/"+n, "", 200).want(map[string]string{"state": open, "head.sha": head})
				w.call(token, "GET", "~/commits/main", "", 200).want(map[string]string{"sha": main})
			}
			reads("open", before)
			w.call(token, "GET", "~/contents/a", "", 404)
			w.call(token, "GET", "~/git/commits/"+string(merged), "", 200) // by its SHA
			test.pass(w, token)
			reads("closed", string(merged))
			w.call(token, "GET", "~/contents/a", "", 200)
		})
	}
}

func TestOnlyTheNewestChangesLag(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	if err := w.forge.SetLag(sandbox.Lag{For: 30 * time.Minute, Newest: 1}); err != nil {
		t.Fatal(err)
	}
	var made []string
	for i := range 3 {
		sha, err := w.forge.Commit("acme/environments", sandbox.Edit{As: "ann", Message: "x", Files: map[string]string{"a": fmt.Sprint(i)}})
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, string(sha))
	}
	w.call(token, "GET", "~/git/ref/heads/main", "", 200).want(map[string]string{"object.sha": made[1]})
	// What was seen once is not unseen again, and writes know the truth.
	w.call(token, "PATCH", "~/git/refs/heads/main", fmt.Sprintf(`{"sha":%q}`, made[0]), 422)
	w.commitOn(token, "another", "b", "1")
	w.call(token, "GET", "~/git/ref/heads/another", "", 404)
	w.clock.advance(30 * time.Minute)
	w.call(token, "GET", "~/git/ref/heads/another", "", 200)
}
