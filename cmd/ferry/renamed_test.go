package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/forge/sandbox"
)

// renamed is newCheckout's .ferry.yaml with another name for the app, which stays where it is, and for prod.
func renamedConfig(h *harness) string {
	s := h.file(acmeEnv, "main", ".ferry.yaml")
	s = strings.Replace(s, "  - name: prod\n", "  - name: production\n    was: prod\n    dir: prod\n", 1)
	return strings.Replace(s, "  - name: checkout\n", "  - name: till\n    was: checkout\n", 1)
}

// TestARenameCarriesEverythingOver: history, soak, hold, rejection and promotion of the old names are the new ones'.
func TestARenameCarriesEverythingOver(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "    soak: 1h\n")
	h.reportAll("dev", "staging", "prod")
	h.arrive("1.1.0")
	h.merge(acmeEnv, h.staging().Number)
	h.report(acmeEnv, "staging", "healthy")
	h.arrive("1.2.0")
	h.does(h.forge.ClosePull(acmeEnv, h.staging().Number, "dora"))
	old := h.pullOn(acmeEnv, "ferry/prod/checkout")
	h.say(old.Number, "dora", "/hold checkout prod stocktaking")
	before := query[int](h, `select count(*) from deployments`)

	h.later(30 * time.Minute)
	h.say(old.Number, "dora", "/resume checkout prod")
	h.say(h.board().Number, "dora", "/hold production2 nothing") // no such thing: refused, and no hold
	h.say(h.board().Number, "dora", "/hold checkout dev for a while")
	renamed := renamedConfig(h)
	sha := h.commit(acmeEnv, map[string]string{".ferry.yaml": renamed})
	h.wantStatus(acmeEnv, sha, "ferry/config", "success", "in force")

	if got := h.pull(old.Number); got.State != "closed" || h.hasBranch("ferry/prod/checkout") {
		t.Errorf("the old promotion is %+v", got)
	}
	if said := h.remarks(old.Number); !strings.Contains(said[len(said)-1].Body, "till in production") {
		t.Errorf("under it stands %+v", said)
	}
	anew := h.pullOn(acmeEnv, "ferry/production/till")
	if !strings.Contains(anew.Title, "till to production: 1.0.0 → 1.1.0") {
		t.Errorf("anew is open %+v", anew)
	}
	h.wantStatus(acmeEnv, anew.Head.SHA, "ferry/gates", "pending", "soak") // half of it had passed
	if len(h.openPulls(acmeEnv)) != 1 {
		t.Errorf("open are %+v: the rejection of 1.2.0 in staging was forgotten", h.openPulls(acmeEnv))
	}
	if got := query[int](h, `select count(*) from deployments`); got != before {
		t.Errorf("there were %d deployments, and are %d", before, got)
	}
	if left := query[int](h, `select count(*) from (select app, environment from deployments union all select app, environment from promotions union all select app, environment from holds
		union all select app, environment from rejections union all select app, environment from manifests) x where app = 'checkout' or environment = 'prod'`); left != 0 {
		t.Errorf("%d rows have the old names", left)
	}
	if got := query[string](h, `select app || ' ' || environment from holds where lifted_at is null`); got != "till dev" {
		t.Errorf("held is %q", got)
	}
	if state := h.file(acmeEnv, "ferry-state", "decisions.yaml"); strings.Contains(state, "checkout\n") || !strings.Contains(state, "production") {
		t.Errorf("the decisions are\n%s", state)
	}
	h.later(31 * time.Minute)
	h.wantStatus(acmeEnv, anew.Head.SHA, "ferry/gates", "success", "")

	events := len(h.events())
	h.commit(acmeEnv, map[string]string{".ferry.yaml": renamed + "# a remark\n"}) // twice the same is nothing
	if kinds := h.events()[:len(h.events())-events]; slices.ContainsFunc(kinds, func(e postgresEvent) bool { return e.Kind == "renamed" }) {
		t.Errorf("a second time: %+v", kinds)
	}
	if got := h.pullOn(acmeEnv, "ferry/production/till"); got.Number != anew.Number || got.Head.SHA != anew.Head.SHA {
		t.Errorf("open was %+v, is %+v", anew, got)
	}
	// The agent of prod has its token of before, and may call the app as it was called.
	merged := h.merge(acmeEnv, anew.Number)
	if code, body := h.post("/api/v1/reports", h.token(acmeEnv, "prod"), map[string]any{"app": "checkout", "revision": merged, "health": "healthy"}); code/100 != 2 {
		t.Fatal(code, body)
	}
	h.settle()
	h.wantStatus(acmeEnv, merged, "ferry/production", "success", "till 1.1.0 runs in production")
}

// soakingCheckout is a repository in which 1.1.0 soaks in staging and waits for prod, and 1.2.0 waits for staging.
func soakingCheckout(t *testing.T) *harness {
	t.Helper()
	h := newCheckout(t, "    soak: 1h\n")
	h.reportAll("dev", "staging", "prod")
	h.arrive("1.1.0")
	h.merge(acmeEnv, h.staging().Number)
	h.report(acmeEnv, "staging", "healthy")
	h.later(20 * time.Minute)
	h.arrive("1.2.0")
	return h
}

// TestLossAfterARename: what stands at the forge under the old names is read as the new ones'.
func TestLossAfterARename(t *testing.T) {
	t.Parallel()
	h := soakingCheckout(t)
	rejected := h.staging()
	h.does(h.forge.ClosePull(acmeEnv, rejected.Number, "dora"))
	h.say(h.board().Number, "dora", "/hold checkout dev for a while")
	h.commit(acmeEnv, map[string]string{".ferry.yaml": renamedConfig(h)})
	h.reportAll("dev", "staging", "prod")
	anew := h.pullOn(acmeEnv, "ferry/production/till")
	h.loseAndCompare()
	if got := h.pullOn(acmeEnv, "ferry/production/till"); got.Head.SHA != anew.Head.SHA {
		t.Errorf("open was %+v, is %+v", anew, got)
	}
	h.reportAll("dev", "staging", "prod")
	if len(h.openPulls(acmeEnv)) != 1 {
		t.Errorf("open are %+v", h.openPulls(acmeEnv))
	}
}

// TestLossWithARenameUnheard: the database goes, then the names change, and only the old ones stand at the forge.
func TestLossWithARenameUnheard(t *testing.T) {
	t.Parallel()
	h := soakingCheckout(t)
	h.does(h.forge.ClosePull(acmeEnv, h.staging().Number, "dora"))
	old := h.pullOn(acmeEnv, "ferry/prod/checkout")
	h.say(h.board().Number, "dora", "/hold checkout dev for a while")
	renamed := renamedConfig(h)
	h.drop()
	h.doesUnheard(h.forge.Commit(acmeEnv, sandbox.Edit{As: "dora", Message: "new names", Files: map[string]string{".ferry.yaml": renamed}}))
	h.settle()
	if err := h.svc.work.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.settle()
	if got := h.pull(old.Number); got.State != "closed" {
		t.Errorf("the old promotion is %+v", got)
	}
	anew := h.pullOn(acmeEnv, "ferry/production/till")
	if !strings.Contains(anew.Title, "1.1.0") || len(h.openPulls(acmeEnv)) != 1 {
		t.Errorf("open are %+v", h.openPulls(acmeEnv))
	}
	if got := query[string](h, `select app || ' ' || environment from holds where lifted_at is null`); got != "till dev" {
		t.Errorf("held is %q", got)
	}
	h.reportAll("dev", "staging")
	h.later(45 * time.Minute)
	h.reportAll("dev", "staging")
	h.wantStatus(acmeEnv, anew.Head.SHA, "ferry/gates", "success", "") // the soak went on
	h.loseAndCompare()
}

// TestLossAfterFoldersWereRenamed: the manifests moved with the names; what stood under the old ones is read back by the configuration of then.
func TestLossAfterFoldersWereRenamed(t *testing.T) {
	t.Parallel()
	h := soakingCheckout(t)
	config := h.file(acmeEnv, "main", ".ferry.yaml")
	config = strings.Replace(config, "  - name: staging\n", "  - name: qa\n    was: staging\n", 1)
	config = strings.ReplaceAll(config, "from: [staging]", "from: [qa]")
	config = strings.Replace(config, "  - name: checkout\n", "  - name: till\n    was: checkout\n", 1)
	config = strings.Replace(config, "apps/checkout/{env}", "apps/till/{env}", 1)
	files := map[string]string{".ferry.yaml": config}
	var gone []string
	for now, was := range map[string]string{"dev": "dev", "qa": "staging", "prod": "prod"} {
		files["apps/till/"+now+"/kustomization.yaml"] = h.file(acmeEnv, "main", checkoutPath(was))
		gone = append(gone, checkoutPath(was))
	}
	_, err := h.forge.Commit(acmeEnv, sandbox.Edit{As: "dora", Message: "new names", Files: files, Delete: gone})
	h.does(err)
	into := h.pullOn(acmeEnv, "ferry/prod/till")
	h.wantStatus(acmeEnv, into.Head.SHA, "ferry/gates", "pending", "soak: 1h in qa")
	if got := h.pullOn(acmeEnv, "ferry/qa/till"); !strings.Contains(got.Title, "1.2.0") {
		t.Errorf("into qa is open %+v", got)
	}
	h.loseAndCompare()
	h.reportAll("dev", "staging")
	h.later(45 * time.Minute)
	h.reportAll("dev", "staging")
	h.wantStatus(acmeEnv, into.Head.SHA, "ferry/gates", "success", "")
}

// TestARenameInAPullRequest: what is open is closed and opened anew under the new name, with what people have decided; the check says so before, and so it
// comes.
func TestARenameInAPullRequest(t *testing.T) {
	t.Parallel()
	h := soakingCheckout(t)
	rejected := h.staging()
	h.does(h.forge.ClosePull(acmeEnv, rejected.Number, "dora"))
	old := h.pullOn(acmeEnv, "ferry/prod/checkout").Number
	renamed := renamedConfig(h)
	h.say(old, "dora", "/hold checkout prod stocktaking")
	h.wantCheck("held", renamed, "would close 1 promotion; changes: prod is called production now, checkout: called till from now on")
	h.say(old, "dora", "/resume checkout prod")
	h.wantCheck("plain", renamed, "would open 1 promotion, close 1; changes: prod is called production now, checkout: called till from now on",
		"**It would open**\n\n- till into production\n", "**It would close**\n\n- checkout into prod\n")
	h.wantCheck("with-more", strings.Replace(renamed, "soak: 1h", "soak: 1s", 1),
		"would open 1 promotion, close 1; loosens: soak of production 1h → 1s; changes: prod is called production now, checkout: called till from now on")
	h.merge(acmeEnv, h.pullOn(acmeEnv, "plain").Number)
	h.pullOn(acmeEnv, "ferry/production/till")
	h.noPullOf("ferry/prod/checkout")
	h.noPullOf("ferry/staging/till")
}
