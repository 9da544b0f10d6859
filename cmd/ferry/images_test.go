package main

import (
	"strings"
	"testing"
	"time"

	"ferry/forge"
)

// announcing is an environment repository whose dev Ferry updates, with the app's source repository beside it.
func (h *harness) announcing(repo, update string) (ci string, source forge.SHA) {
	h.t.Helper()
	files := checkoutFiles("")
	files[".ferry.yaml"] = strings.Replace(files[".ferry.yaml"], "  - name: dev\n", "  - name: dev\n    update: "+update+"\n", 1)
	if _, err := h.forge.AddRepository("acme", "checkout", map[string]string{"main.go": "package main\n"}); err != nil {
		h.t.Fatal(err)
	}
	h.environments(repo, files)
	if _, err := h.forge.Install(testAppID, "acme", "acme/checkout"); err != nil {
		h.t.Fatal(err)
	}
	h.settle()
	return h.token(repo, ""), h.head("acme/checkout", "main")
}

// announce says as CI that an image was built.
func (h *harness) announce(ci, tag string, commit forge.SHA) {
	h.t.Helper()
	body := map[string]any{"image": "ghcr.io/acme/checkout", "tag": tag}
	if commit != "" {
		body["commit"] = commit
	}
	if code, answer := h.post("/api/v1/images", ci, body); code != 202 || !strings.Contains(answer, `"checkout"`) {
		h.t.Fatalf("announcing %s: %d %s", tag, code, answer)
	}
	h.settle()
}

const devManifest = "apps/checkout/dev/kustomization.yaml"

func TestAnnouncedImageIsCommitted(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	const repo = "acme/environments"
	ci, source := h.announcing(repo, "commit")
	h.announce(ci, "1.1.0", source)
	if got := h.file(repo, "main", devManifest); got != kustomization("checkout", "1.1.0") {
		t.Fatalf("dev has\n%s", got)
	}
	head := h.head(repo, "main")
	var commit struct{ Commit struct{ Message string } }
	h.api("/repos/"+repo+"/commits/"+string(head), &commit)
	want := "Ferry-Source: ghcr.io/acme/checkout@1.1.0 acme/checkout@" + string(source)
	if !strings.Contains(commit.Commit.Message, want) {
		t.Errorf("the commit says\n%s\nwant %s", commit.Commit.Message, want)
	}
	h.wantStatus("acme/checkout", source, "ferry/dev", "pending", "checkout 1.1.0")
	h.report(repo, "dev", "healthy")
	h.wantStatus("acme/checkout", source, "ferry/dev", "success", "checkout 1.1.0")
	if body := h.pullOn(repo, "ferry/staging/checkout").Body; !strings.Contains(body, "acme/checkout@"+string(source)) {
		t.Errorf("the promotion does not name its source:\n%s", body)
	}
	h.merge(repo, h.pullOn(repo, "ferry/staging/checkout").Number)
	h.report(repo, "staging", "healthy")
	h.wantStatus("acme/checkout", source, "ferry/staging", "success", "runs in staging")
	if n := h.commits(repo); n != 4 { // first, bump, promotion, merge
		t.Errorf("%d commits on main", n)
	}
	before := h.trace()
	h.announce(ci, "1.1.0", source)
	if after := h.trace(); after != before {
		t.Errorf("announcing it again changed %s to %s", before, after)
	}
}

func (h *harness) commits(repo string) int {
	h.t.Helper()
	var list []struct{ SHA string }
	h.api("/repos/"+repo+"/commits?per_page=100", &list)
	return len(list)
}

func TestAnnouncedImageByPullRequest(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	const repo = "acme/environments"
	ci, source := h.announcing(repo, "pr")
	h.announce(ci, "1.1.0", source)
	p := h.pullOn(repo, "ferry/dev/checkout")
	h.announce(ci, "1.2.0", source)
	if again := h.pullOn(repo, "ferry/dev/checkout"); again.Number != p.Number || !strings.Contains(again.Title, "1.2.0") {
		t.Errorf("a newer image made %+v of %+v", again, p)
	}
	merged := h.merge(repo, p.Number)
	h.report(repo, "dev", "healthy")
	h.wantStatus(repo, merged, "ferry/dev", "success", "1.2.0")
	h.wantStatus("acme/checkout", source, "ferry/dev", "success", "1.2.0")
}

func TestAnnouncedOlderImageIsNotWritten(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	const repo = "acme/environments"
	ci, source := h.announcing(repo, "commit")
	h.announce(ci, "1.2.0", source)
	h.announce(ci, "1.1.0", source)
	if got := h.file(repo, "main", devManifest); got != kustomization("checkout", "1.2.0") {
		t.Errorf("dev has\n%s", got)
	}
}

// TestDirectCommitsStay: what a person commits is not overwritten with what CI announced before.
func TestDirectCommitsStay(t *testing.T) {
	t.Parallel()
	build := func(digit string) string { return "sha-" + strings.Repeat(digit, 40) }
	for _, c := range []struct {
		name             string
		announced, byNow []string
		committed        string
	}{
		{"back from a version", []string{"1.1.0", "1.2.0"}, nil, "1.1.0"},
		{"another branch's build", []string{build("a")}, nil, build("b")},
		{"back to the build before", []string{build("a"), build("b")}, nil, build("a")},
		{"words", []string{"main-1", "main-2"}, nil, "hotfix"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			const repo = "acme/environments"
			ci, _ := h.announcing(repo, "commit")
			for _, tag := range c.announced {
				h.announce(ci, tag, "")
				if got := h.file(repo, "main", devManifest); got != kustomization("checkout", tag) {
					t.Fatalf("after %s was announced dev has\n%s", tag, got)
				}
			}
			h.commit(repo, map[string]string{devManifest: kustomization("checkout", c.committed)})
			h.later(time.Hour)
			if err := h.svc.work.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			h.settle()
			if got := h.file(repo, "main", devManifest); got != kustomization("checkout", c.committed) {
				t.Errorf("dev has\n%s", got)
			}
			h.announce(ci, "9.9.9", "")
			h.announce(ci, "sha-"+strings.Repeat("c", 40), "")
			if got := h.file(repo, "main", devManifest); got != kustomization("checkout", "sha-"+strings.Repeat("c", 40)) {
				t.Errorf("what was announced afterwards did not come: dev has\n%s", got)
			}
		})
	}
}

// TestTheTagNamesTheSource: without CI's word a tag that ends in a commit names it.
func TestTheTagNamesTheSource(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	const repo = "acme/environments"
	_, source := h.announcing(repo, "commit")
	h.commit(repo, map[string]string{devManifest: kustomization("checkout", "sha-"+string(source))})
	h.report(repo, "dev", "healthy")
	h.wantStatus("acme/checkout", source, "ferry/dev", "success", "sha-"+string(source)[:7])
}

func TestImagesThatAreRefused(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	const repo = "acme/environments"
	h.environments(repo, checkoutFiles(""))
	ci, agent := h.token(repo, ""), h.token(repo, "dev")
	const good = `{"image":"ghcr.io/acme/checkout","tag":"1.1.0"}`
	for _, c := range []struct {
		name, token, body string
		code              int
		says              string
	}{
		{"no token", "", good, 401, "Authorization"},
		{"an agent's token", agent, good, 403, "kind agent"},
		{"no image", ci, `{"tag":"1"}`, 400, "image"},
		{"a reference", ci, `{"image":"ghcr.io/acme/checkout:1","tag":"1 1"}`, 400, "tag"},
		{"a tag in the image", ci, `{"image":"ghcr.io/acme/checkout:1.1.0","tag":"1.1.0"}`, 400, "image"},
		{"a broken digest", ci, `{"image":"ghcr.io/acme/checkout","tag":"1","digest":"sha256:1"}`, 400, "digest"},
		{"half a commit", ci, `{"image":"ghcr.io/acme/checkout","tag":"1","commit":"abc"}`, 400, "commit"},
		{"a line break in the tag", ci, `{"image":"ghcr.io/acme/checkout","tag":"1\n2"}`, 400, "tag"},
		{"an unknown field", ci, `{"image":"ghcr.io/acme/checkout","tag":"1","sha":"x"}`, 400, "sha"},
		{"a list", ci, `[` + good + `]`, 400, "JSON"},
	} {
		code, answer := h.post("/api/v1/images", c.token, c.body)
		if code != c.code || !strings.Contains(answer, c.says) {
			t.Errorf("%s: %d %s, want %d with %q", c.name, code, answer, c.code, c.says)
		}
		if n := query[int](h, `select count(*) from announced`); n != 0 {
			t.Fatalf("%s: it was stored", c.name)
		}
	}
	if code, answer := h.post("/api/v1/images", ci, `{"image":"ghcr.io/acme/nobody","tag":"1"}`); code != 202 || !strings.Contains(answer, `"apps":[]`) {
		t.Errorf("an image of no app: %d %s", code, answer)
	}
}
