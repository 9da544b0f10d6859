package main

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	store "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"ferry/forge"
	"ferry/forge/sandbox"
)

// silentCI is checkout with its source, of whose images CI never said from which commits they were built; with these changes to its files.
func silentCI(t *testing.T, changes ...string) *harness {
	t.Helper()
	h := newHarness(t)
	if _, err := h.forge.AddRepository("acme", "checkout", map[string]string{"main.go": "package main\n"}); err != nil {
		t.Fatal(err)
	}
	files := checkoutFiles("")
	for path, content := range files {
		files[path] = strings.NewReplacer(changes...).Replace(content)
	}
	h.person("dora", acmeSource, forge.PermissionWrite)
	h.environments(acmeEnv, files)
	if _, err := h.forge.Install(testAppID, "acme", acmeSource); err != nil {
		t.Fatal(err)
	}
	h.settle()
	return h
}

// sourceCommit makes a commit in the source, and a Git tag on it where one is given.
func (h *harness) sourceCommit(message, tag string) forge.SHA {
	h.t.Helper()
	sha, err := h.forge.Commit(acmeSource, sandbox.Edit{As: "dora", Message: message, Files: map[string]string{"main.go": "package main // " + message + "\n"}})
	h.does(err)
	if tag != "" {
		req, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.forgeAt+"/api/v3/repos/"+acmeSource+"/git/refs", strings.NewReader(`{"ref":"refs/tags/`+tag+`","sha":"`+string(sha)+`"}`))
		h.does(err)
		req.Header.Set("Authorization", "Bearer "+h.forge.AddUser("dora").Token)
		req.Header.Set("Content-Type", "application/json")
		if code, answer := h.send(req); code != http.StatusCreated {
			h.t.Fatalf("tagging %s: %d %s", tag, code, answer)
		}
	}
	return sha
}

// bring lets a release of the image come to dev and converge there, and returns its pull request into staging.
func (h *harness) bring(registry, tag string) pull {
	h.t.Helper()
	h.commit(acmeEnv, map[string]string{checkoutPath("dev"): strings.ReplaceAll(kustomization("checkout", tag), "ghcr.io", registry)})
	h.report(acmeEnv, "dev", "healthy")
	return h.staging()
}

// TestASourceCommitByTheTag: what the tag names by the app's own form is looked up in the source: a Git tag, or a commit in short. What is there shows in the
// pull request with what changed, and the source commit gets its status; what is not is said to be unknown, and why.
func TestASourceCommitByTheTag(t *testing.T) {
	t.Parallel()
	h := silentCI(t, "    source: acme/checkout\n", "    source: acme/checkout\n    source_tag: ['{version}', '*-{commit}-*']\n")
	first, second := h.sourceCommit("first", "1.0.9"), h.sourceCommit("Pay by card (#7)", "v1.1.0")
	h.bring("ghcr.io", "1.0.9")
	p := h.bring("ghcr.io", "1.1.0")
	mustContain(t, p.Body, "Built from `acme/checkout@"+string(second)+"`")
	h.wantStatus(acmeSource, second, "ferry/dev", "success", "1.1.0")
	h.wantStatus(acmeSource, first, "ferry/dev", "success", "1.0.9")
	h.merge(acmeEnv, p.Number)
	h.report(acmeEnv, "staging", "healthy")
	third := h.sourceCommit("Pay later (#8)", "")
	p = h.bring("ghcr.io", "main-"+string(third[:9])+"-20260102")
	mustContain(t, p.Body, "Built from `acme/checkout@"+string(third)+"` ([changes]", "1 commit, 1 pull request in `acme/checkout`", "`Pay later`")
	if n := query[int](h, `select count(*) from image_lookups where state = 'found'`); n != 3 {
		t.Errorf("%d were found", n)
	}
	h.later(2 * time.Minute) // the issue is edited once a minute
	h.quiet("nothing new", func() { h.later(time.Minute) })
	p = h.bring("ghcr.io", "9.9.9")
	mustContain(t, p.Body, "The source of `ghcr.io/acme/checkout` is unknown: CI gave no commit with it, its source has no v9.9.9 and no 9.9.9.")
	h.announce(h.token(acmeEnv, ""), "9.9.9", first)
	mustContain(t, h.staging().Body, "Built from `acme/checkout@"+string(first)+"`")
}

// TestAShortCommitIsNoBranch: a branch or tag that is named like a commit is not taken for one.
func TestAShortCommitIsNoBranch(t *testing.T) {
	t.Parallel()
	h := silentCI(t, "    source: acme/checkout\n", "    source: acme/checkout\n    source_tag: 'b-{commit}'\n")
	h.sourceCommit("first", "deadbee")
	p := h.bring("ghcr.io", "b-deadbee")
	mustContain(t, p.Body, "CI gave no commit with it, its source has no deadbee.")
}

// images serves a registry over HTTP, and lets the harness' Ferry read it.
func images(t *testing.T) (host string, push func(tag string, labels map[string]string)) {
	t.Helper()
	server := httptest.NewServer(store.New(store.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	host = strings.TrimPrefix(server.URL, "http://")
	return host, func(tag string, labels map[string]string) {
		t.Helper()
		ref, err := name.ParseReference(host + "/acme/checkout:" + tag)
		if err != nil {
			t.Fatal(err)
		}
		image, err := mutate.Config(empty.Image, v1.Config{Labels: labels})
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(ref, image); err != nil {
			t.Fatal(err)
		}
	}
}

// TestASourceCommitByTheLabel: without a word of CI's and of the tag's, what the image says of itself in its registry counts; of another repository's image it
// does not.
func TestASourceCommitByTheLabel(t *testing.T) {
	t.Parallel()
	host, push := images(t)
	h := silentCI(t, "ghcr.io", host)
	h.svc.settings.secrets.registries = []byte(`{"auths": {"` + host + `": {}}}`)
	h.does(h.svc.readRegistries())
	h.svc.work.Labels = h.svc.labels
	const revision, source = "org.opencontainers.image.revision", "org.opencontainers.image.source"
	a := h.sourceCommit("Pay by card (#7)", "")
	push("1.1.0", map[string]string{revision: string(a)})
	mustContain(t, h.bring(host, "1.1.0").Body, "Built from `acme/checkout@"+string(a)+"`")
	h.wantStatus(acmeSource, a, "ferry/dev", "success", "1.1.0")
	b := h.sourceCommit("Pay later (#8)", "")
	push("1.2.0", map[string]string{revision: string(b), source: h.forgeAt + "/acme/checkout.git"})
	mustContain(t, h.bring(host, "1.2.0").Body, "Built from `acme/checkout@"+string(b)+"`")
	for _, c := range []struct {
		tag    string
		labels map[string]string
		words  string
	}{
		{"1.3.0", nil, "it has no label " + revision},
		{"1.4.0", map[string]string{revision: string(b), source: h.forgeAt + "/globex/shop"}, "its label " + source + " names another repository"},
		{"1.5.0", map[string]string{revision: "main"}, "its label " + revision + " names no commit"},
		{"1.6.0", map[string]string{revision: strings.Repeat("ab", 20)}, "the commit in its label " + revision + " is not in its source"},
	} {
		push(c.tag, c.labels)
		mustContain(t, h.bring(host, c.tag).Body, "is unknown: CI gave no commit with it, "+c.words)
	}
	mustContain(t, h.bring(host, "1.7.0").Body, "its registry does not show what it says of itself")
	h.later(2 * time.Minute)
	h.quiet("nothing new", func() { h.later(time.Hour) })
}

// TestNoRegistryIsAsked where that is switched off.
func TestNoRegistryIsAsked(t *testing.T) {
	t.Parallel()
	asked := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	h := silentCI(t, "ghcr.io", host)
	s, err := readSettings(envs("FERRY_REGISTRY", "off"))
	h.does(err)
	h.svc.settings.NoRegistry = s.NoRegistry
	h.svc.settings.secrets.registries = []byte(`{"auths": {"` + host + `": {}}}`) // it might be asked
	h.does(h.svc.readRegistries())
	h.svc.work.Labels = h.svc.labels
	mustContain(t, h.bring(host, "1.1.0").Body, "CI gave no commit with it.")
	h.later(time.Hour)
	if asked {
		t.Error("it was asked")
	}
}

// TestARegistryThatFails delays nothing, is tried again, and is given up in the end.
func TestARegistryThatFails(t *testing.T) {
	t.Parallel()
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(http.StatusInternalServerError)
	}))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	h := silentCI(t, "ghcr.io", host)
	h.svc.settings.secrets.registries = []byte(`{"auths": {"` + host + `": {}}}`)
	h.does(h.svc.readRegistries())
	h.svc.work.Labels = h.svc.labels
	mustContain(t, h.bring(host, "1.1.0").Body, "CI gave no commit with it.")
	for range 12 {
		h.later(6 * time.Minute)
	}
	mustContain(t, h.staging().Body, "CI gave no commit with it, and looking it up failed.")
	before := asked
	h.later(24 * time.Hour)
	if asked != before || asked > 20 {
		t.Errorf("the registry was asked %d times, and %d after it was given up", asked, asked-before)
	}
}

// TestHotfixOfWhatIsInNoRegistry: nothing is promised of an image that is not there; where the registry cannot be asked, the answer says so.
func TestHotfixOfWhatIsInNoRegistry(t *testing.T) {
	t.Parallel()
	host, push := images(t)
	h := silentCI(t, "ghcr.io", host)
	mia := h.maintainer()
	h.svc.settings.secrets.registries = []byte(`{"auths": {"` + host + `": {}}}`)
	h.does(h.svc.readRegistries())
	h.svc.work.Has = h.svc.has
	board := h.board().Number
	mustContain(t, h.ask(board, mia, "/hotfix prod 1.0.1 it loses orders"), "Nothing was done: the registry has no `"+host+"/acme/checkout:1.0.1`")
	h.noPulls()
	push("1.0.1", nil)
	mustContain(t, h.ask(board, mia, "/hotfix prod checkout:1.0.1 it loses orders"), "A hotfix of `checkout` in `prod`: `1.0.0` → `1.0.1`.")
	mustContain(t, h.pullOn(acmeEnv, "ferry/prod/checkout").Title, "1.0.1")
	h.svc.settings.secrets.registries = nil // then what is at a private address is not asked
	h.does(h.svc.readRegistries())
	h.svc.work.Has = h.svc.has
	mustContain(t, h.ask(board, mia, "/hotfix checkout prod 1.0.2 it still does"), "→ `1.0.2`", "Whether the registry has `"+host+"/acme/checkout:1.0.2` could not be checked: it is at a private address")
}

// TestHotfixAsksWhateverIsSaid: however the place is written, the registry is asked for the image; what it was not asked for, the answer says.
func TestHotfixAsksWhateverIsSaid(t *testing.T) {
	t.Parallel()
	host, push := images(t)
	push("1.0.1", nil)
	h := silentCI(t, "ghcr.io", host)
	mia, board := h.maintainer(), h.board().Number
	h.svc.settings.secrets.registries = []byte(`{"auths": {"` + host + `": {}}}`)
	h.does(h.svc.readRegistries())
	h.svc.work.Has = h.svc.has
	for _, said := range []string{"in prod 7.0.0", "to prod 7.0.0", "checkout prod: 7.0.0", "checkout PROD `7.0.0`", "Checkout: on prod, 7.0.0", "prod. 7.0.0"} {
		if got := h.ask(board, mia, "/hotfix "+said+" it loses orders"); !strings.Contains(got, "the registry has no `"+host+"/acme/checkout:7.0.0`") {
			t.Errorf("%q is answered by %q", said, got)
		}
	}
	var five []string
	for _, tag := range []string{"7.0.1", "7.0.2", "7.0.3", "7.0.4", "7.0.5"} {
		five = append(five, "/hotfix in prod "+tag+" it loses orders")
	}
	mustContain(t, h.ask(board, mia, strings.Join(five, "\n")), "has no `"+host+"/acme/checkout:7.0.4`", "→ `7.0.5`", "Whether the registry has `"+host+"/acme/checkout:7.0.5` was not checked")
}
