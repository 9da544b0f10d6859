// Package ferry_test holds the repository to its own rules: who may import whom, one sentence for every package, and
// what no file may contain.
package ferry_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "ferry"

// row is one package of the layout.
type row struct {
	pkg   string   // below the module
	why   string   // the reason for the limit, shown when it is broken
	may   []string // what it may import beside the standard library; a library stands for its subpackages too
	tests []string // what its tests may import beside that, beside itself and beside what is for tests only
}

const (
	anything = "*" // the one row that ties everything together

	cel            = "cel.dev/cel-go"
	chi            = "github.com/go-chi/chi/v5"
	cmp            = "github.com/google/go-cmp"
	cronSchedules  = "github.com/robfig/cron/v3"
	ghinstallation = "github.com/bradleyfalzon/ghinstallation/v2"
	goldmark       = "github.com/yuin/goldmark"
	goPretty       = "github.com/jedib0t/go-pretty/v6"
	goTerm         = "golang.org/x/term"
	goUdiff        = "github.com/aymanbagabas/go-udiff"
	goSync         = "golang.org/x/sync"
	goRate         = "golang.org/x/time/rate"
	containers     = "github.com/google/go-containerregistry"
	goGitHub       = "github.com/google/go-github/v60"
	gjson          = "github.com/tidwall/gjson"
	gqlparser      = "github.com/vektah/gqlparser/v2"
	golangMigrate  = "github.com/golang-migrate/migrate/v4"
	jsonSchema     = "github.com/santhosh-tekuri/jsonschema/v6"
	jwt            = "github.com/golang-jwt/jwt/v4"
	openAPI        = "github.com/getkin/kin-openapi"
	pgx            = "github.com/jackc/pgx/v5"
	prometheus     = "github.com/prometheus/client_golang"
	river          = "github.com/riverqueue/river"
	semver         = "github.com/Masterminds/semver/v3"
	semaphore      = "golang.org/x/sync/semaphore"
	yaml           = "go.yaml.in/yaml/v4"
)

// layout is the table of imports, from the top down; arrows only go down.
func layout() []row {
	return []row{
		{pkg: "cmd/ferry", may: []string{anything}, why: "it ties the parts together, and so nothing may depend on it"},

		{pkg: "server", may: []string{"web", "promotion", "promotion/argocd", "promotion/config", "promotion/postgres", "forge", chi, prometheus, semaphore, goRate},
			tests: []string{"migrations", pgx},
			why:   "the HTTP edge knows no forge's client and no job: what it stores is worked on elsewhere; it bounds what strangers make it keep"},
		{pkg: "server/setup", may: []string{"forge", chi},
			why: "the pages of the first start, before there is anything that the others serve; what becomes of the App is decided where the settings are"},
		{pkg: "web", may: []string{"promotion", "promotion/config", "promotion/doctor", "promotion/postgres", "forge"},
			why: "pages show what is stored; they call no forge and decide nothing"},

		{pkg: "terminal", may: []string{goPretty, goUdiff, goTerm},
			why: "it writes to a terminal what others decided, and knows nothing of what it is about"},

		{pkg: "promotion/worker", may: []string{"promotion", "promotion/config", "promotion/doctor", "promotion/manifest", "promotion/postgres", "forge", river},
			tests: []string{"migrations", "forge/github", "forge/sandbox", pgx},
			why:   "River works here; forges are reached through the small interfaces that it declares, SQL through promotion/postgres"},
		{pkg: "promotion/checkout", may: []string{"promotion", "promotion/config", "promotion/manifest", goSync},
			why: "it reads and writes a folder of a person's disk, confined to it, and runs git to list it; no network, no database"},
		{pkg: "promotion/lint", may: []string{"promotion", "promotion/checkout", "promotion/config", "promotion/manifest", goSync}, tests: []string{jsonSchema},
			why: "it judges what a checkout desires, and reads and writes nothing itself"},
		{pkg: "promotion/doctor", may: []string{"forge", "promotion/config"},
			why: "it judges what a forge said, and asks nothing itself"},
		{pkg: "promotion/agent", may: []string{"forge", "promotion"},
			why: "the agent runs in the environments: it must not carry the server's database or a forge's client there"},
		{pkg: "promotion/postgres", may: []string{"promotion", "promotion/config", "promotion/doctor", "forge", pgx, river},
			tests: []string{"migrations"},
			why:   "every SQL statement stands here, and a job is inserted in the transaction that makes it due; no network but the database"},
		{pkg: "promotion/postgres/local", may: []string{pgx},
			why: "it starts a server and knows nothing of what is stored there"},
		{pkg: "promotion/postgres/local/localtest", may: []string{"promotion/postgres/local", pgx},
			why: "each test's own database, on the server that Ferry starts for users too"},
		{pkg: "migrations", may: []string{pgx, golangMigrate, river},
			why: "the schema, Ferry's and River's, and nothing that uses it"},

		{pkg: "promotion", may: []string{"promotion/config", "promotion/manifest", "promotion/policy", "promotion/window", "forge", goldmark, yaml, semver},
			why: "the domain does no I/O: pure functions of what they are given"},
		{pkg: "deploy/argocd/engine", may: []string{"github.com/argoproj/notifications-engine", "k8s.io/api", "k8s.io/apimachinery"},
			why: "Argo CD's own engine, for tests, in a module of its own: Kubernetes' libraries do not belong into Ferry's"},
		{pkg: "promotion/argocd", may: []string{"promotion", "forge"},
			why: "it translates what Argo CD says, and does nothing about it"},
		{pkg: "promotion/survey", may: []string{"promotion/manifest"}, tests: []string{"promotion/config"},
			why: "it guesses from paths and bytes that strangers wrote, and only a person's command may act on what it guesses"},
		{pkg: "promotion/config", may: []string{"promotion/policy", "promotion/window", yaml},
			tests: []string{jsonSchema},
			why:   "it reads bytes that strangers wrote, and must not be able to do more; a freeze is a window, a rule an expression"},
		{pkg: "promotion/window", may: []string{cronSchedules},
			why: "calendar arithmetic, and nothing of what it opens and shuts"},
		{pkg: "promotion/policy", may: []string{cel},
			why: "people's expressions are evaluated here, over facts and nothing else"},
		{pkg: "promotion/manifest", may: []string{yaml},
			why: "it edits bytes that strangers wrote, and must not be able to do more"},

		{pkg: "registry", may: []string{containers},
			why: "it talks to hosts that strangers name: it knows nothing of Ferry, so that nothing of Ferry can get there"},

		{pkg: "forge/github", may: []string{"forge", goGitHub, ghinstallation, gjson},
			tests: []string{"forge/sandbox", jwt},
			why:   "GitHub's client library stays in its adapter"},
		{pkg: "forge/sandbox", may: []string{"forge", "forge/sandbox/bare", chi, gqlparser, jwt},
			why: "a forge built by the hands of its client would only prove itself: no forge/github, no go-github"},
		{pkg: "forge/sandbox/bare", why: "it runs git, and knows no forge"},
		{pkg: "forge/forgetest", may: []string{"forge", gqlparser, openAPI},
			why: "it judges adapters and the sandbox by GitHub's own description, so it uses neither"},
		{pkg: "forge", why: "the words that all others share stand on the standard library alone"},
	}
}

// testsOnly are the packages that no program may contain.
func testsOnly() []string {
	return []string{"forge/forgetest", "promotion/postgres/local/localtest"}
}

// inTests are the libraries that every package's tests may use.
func inTests() []string { return append(testsOnly(), cmp) }

func TestImports(t *testing.T) {
	t.Parallel()
	have := packages(t)
	rows := map[string]row{}
	for _, r := range layout() {
		rows[r.pkg] = r
		if _, ok := have[r.pkg]; !ok {
			t.Errorf("the table in rules_test.go has a row for %s, which does not exist: remove the row", r.pkg)
		}
	}
	for name, p := range have {
		r, ok := rows[name]
		if !ok {
			t.Errorf("%s is a new package: give it a row in the table of rules_test.go, with the reason", name)
			continue
		}
		for file, imports := range p.imports {
			for _, imp := range imports {
				test := strings.HasSuffix(file, "_test.go")
				if own := strings.TrimPrefix(imp, module+"/"); !test && slices.Contains(testsOnly(), own) {
					t.Errorf("%s imports %s, which is for tests only", file, imp)
				} else if !allowed(r, imp, test) {
					t.Errorf("%s imports %s, which the table in rules_test.go does not allow in %s: %s", file, imp, name, r.why)
				}
			}
		}
	}
}

// allowed reports whether the package of r may import imp, in a test or elsewhere.
func allowed(r row, imp string, test bool) bool {
	own, isOwn := strings.CutPrefix(imp, module+"/")
	first, _, _ := strings.Cut(imp, "/")
	switch {
	case !isOwn && !strings.Contains(first, "."):
		return true // the standard library
	case test && (own == r.pkg || covers(inTests(), imp) || covers(r.tests, imp)):
		return true
	case slices.Contains(r.may, anything):
		return own != r.pkg
	}
	return covers(r.may, imp)
}

// covers reports whether list names imp: one of the module's packages itself, or a library or a package of one.
func covers(list []string, imp string) bool {
	if own, ok := strings.CutPrefix(imp, module+"/"); ok {
		return slices.Contains(list, own)
	}
	return slices.ContainsFunc(list, func(lib string) bool { return imp == lib || strings.HasPrefix(imp, lib+"/") })
}

func TestPackageDocs(t *testing.T) {
	t.Parallel()
	for name, p := range packages(t) {
		if len(p.docs) != 1 {
			t.Errorf("%s has %d package comments %v: exactly one file has it", name, len(p.docs), slices.Sorted(maps.Keys(p.docs)))
			continue
		}
		for file, doc := range p.docs {
			sentence, _, _ := strings.Cut(doc, "\n\n")
			start := "Package " + p.name + " "
			if p.name == "main" {
				start = "Command " + path.Base(name) + " "
			}
			if !strings.HasPrefix(doc, start) || !strings.HasSuffix(strings.TrimSpace(sentence), ".") {
				t.Errorf("%s: the package comment must be a sentence, from %q to a full stop", file, start)
			}
		}
	}
}

// goPackage is what the rules need to know of a package.
type goPackage struct {
	name    string
	imports map[string][]string // file → import paths
	docs    map[string]string   // file → package comment, of files that are no tests
}

// packages returns the module's packages by their folder. They are parsed here and not asked of the go command, so that
// the test's cached result ends when a file changes.
func packages(t *testing.T) map[string]*goPackage {
	t.Helper()
	found := map[string]*goPackage{}
	for _, name := range files(t) {
		dir := path.Dir(name)
		if path.Ext(name) != ".go" || dir == "." || strings.Contains("/"+dir+"/", "/testdata/") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, read(t, name), parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		p := found[dir]
		if p == nil {
			p = &goPackage{imports: map[string][]string{}, docs: map[string]string{}}
			found[dir] = p
		}
		p.add(t, name, f)
	}
	return found
}

func (p *goPackage) add(t *testing.T, name string, f *ast.File) {
	t.Helper()
	for _, spec := range f.Imports {
		imp, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		p.imports[name] = append(p.imports[name], imp)
	}
	if strings.HasSuffix(name, "_test.go") {
		return
	}
	p.name = f.Name.Name
	if f.Doc != nil {
		p.docs[name] = f.Doc.Text()
	}
}

// ban is a text that may not stand in the repository.
type ban struct {
	pattern *regexp.Regexp
	files   string // the end of the names of the files it is for; "" for all
	why     string
}

func bans() []ban {
	return []ban{
		{regexp.MustCompile(`(?:^|[^\w.})-])/(?:work|root|Users|mnt)/`), "", "a path of one machine means nothing on another"},
		{regexp.MustCompile(`/home/(?:[^l]|l[^i])\w*/`), "", "a home folder of one machine means nothing on another"}, // not Linuxbrew's, which is the same everywhere
		{regexp.MustCompile(`(?:proxy|sum)\.golang\.org|registry\.(?:npmjs\.org|yarnpkg\.com)|(?:deb|security)\.debian\.org|archive\.ubuntu\.com|pypi\.org`), "",
			"where packages come from is the machine's setting"},
		{regexp.MustCompile(`\b(?:t|b|f|tb)\.Skip(?:f|Now)?\(`), ".go", "a test that is skipped proves nothing: it passes or fails"},
		{regexp.MustCompile(`\btime\.Sleep\(`), "_test.go", "a test that sleeps is slow on one machine and wrong on another: wait for what happens"},
		{regexp.MustCompile(`(?m)^func init\(\)`), ".go", "what happens at import is not seen where it is used"},
		{regexp.MustCompile(`(?m)^\s*replace\b`), "go.mod", "a module with a replacement builds another program where it is installed with go install"},
	}
}

func TestNoFileContains(t *testing.T) {
	t.Parallel()
	for _, name := range files(t) {
		data := read(t, name)
		if bytes.IndexByte(data, 0) >= 0 {
			continue // not text
		}
		for _, b := range bans() {
			if at := b.pattern.FindIndex(data); at != nil && strings.HasSuffix(name, b.files) {
				t.Errorf("%s:%d: %q: %s", name, 1+bytes.Count(data[:at[1]-1], []byte("\n")), strings.TrimSpace(string(data[at[0]:at[1]])), b.why)
			}
		}
	}
}

// TestBans shows what the patterns find. The examples are put together here so that this file does not contain them.
func TestBans(t *testing.T) {
	t.Parallel()
	bad := []string{
		"see /wo" + "rk/notes", "x=\"/ro" + "ot/.ssh\"", "/ho" + "me/jane/ferry", "https://proxy.golang" + ".org/x", "https://registry.npmjs" + ".org",
		"\tt.Sk" + "ip(\"later\")", "\ttb.Sk" + "ipNow()", "\ttime.Sl" + "eep(1)", "package x\n\nfunc in" + "it() {", "module x\n\nrepl" + "ace a => b",
	}
	good := []string{
		"/etc/root/", "group/work/item", "{dir}/work/", "/home/linuxbrew/.linuxbrew", "golang.org/x/mod", "dec.Skip()", "func initial()", "replaced",
	}
	found := func(text string) bool {
		return slices.ContainsFunc(bans(), func(b ban) bool { return b.pattern.MatchString(text) })
	}
	for _, text := range bad {
		if !found(text) {
			t.Errorf("nothing forbids %q", text)
		}
	}
	for _, text := range good {
		if found(text) {
			t.Errorf("%q is forbidden", text)
		}
	}
}

// files returns the names of the repository's files: all in the tree that .gitignore does not name. A Git folder of its
// own makes the answer the same in a clone, in a linked worktree and in an unpacked archive, whoever owns them.
func files(t *testing.T) []string {
	t.Helper()
	watch(t)
	git := filepath.Join(t.TempDir(), "git")
	if out, err := exec.Command("git", "init", "--quiet", "--bare", git).CombinedOutput(); err != nil {
		t.Fatalf("git init: %v %s", err, out)
	}
	cmd := exec.Command("git", "--git-dir", git, "--work-tree", ".", "ls-files", "-z", "--others", "--exclude-standard")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	var names []string
	for name := range strings.SplitSeq(string(out), "\x00") {
		if name != "" && !strings.HasSuffix(name, "/") { // another repository ends with a slash
			names = append(names, name)
		}
	}
	if len(names) < 100 {
		t.Fatalf("git ls-files names only %d files: is this the whole repository?", len(names))
	}
	return names
}

// watch opens every folder, so that the test's cached result ends when a file comes or goes: the go command does not
// see what git reads.
func watch(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == ".git" || d.Name() == "bin") {
			return fs.SkipDir
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
