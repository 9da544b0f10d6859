package github_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ferry/forge"
)

func same(t *testing.T, want, got any, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("want - got +\n%s", diff)
	}
}

func entry(path, kind, mode string, name forge.SHA) string {
	return fmt.Sprintf(`{"path":%q,"type":%q,"mode":%q,"sha":%q,"size":3}`, path, kind, mode, name)
}

// TestTruncatedTree has a tree that GitHub gives in pieces: the root is cut, one of its directories is cut again.
func TestTruncatedTree(t *testing.T) {
	t.Parallel()
	const (
		root  = forge.SHA("1111111111111111111111111111111111111111")
		apps  = forge.SHA("2222222222222222222222222222222222222222")
		small = forge.SHA("3333333333333333333333333333333333333333")
		deep  = forge.SHA("4444444444444444444444444444444444444444")
	)
	f := newFake(t)
	tree := func(name, answered forge.SHA, whole, top string) {
		f.mux.HandleFunc("GET "+repoURL+"/git/trees/"+string(name), func(w http.ResponseWriter, r *http.Request) {
			entries, cut := top, false
			if r.URL.Query().Get("recursive") != "" {
				entries, cut = whole, whole == ""
			}
			_, _ = fmt.Fprintf(w, `{"sha":%q,"truncated":%t,"tree":[%s]}`, answered, cut, entries)
		})
	}
	tree(shaA, root, "", entry("apps", "tree", "040000", apps)+","+entry("small", "tree", "040000", small)+","+entry("README.md", "blob", "100644", shaB))
	tree(apps, apps, "", entry("deep", "tree", "040000", deep)+","+entry("link", "blob", "120000", shaB))
	tree(deep, deep, entry("x", "tree", "040000", shaC)+","+entry("x/values.yaml", "blob", "100644", shaB), "")
	tree(small, small, entry("run", "blob", "100755", shaB)+","+entry("module", "commit", "160000", shaC), "")
	got, err := f.client(t).Tree(t.Context(), acme, shaA)
	same(t, forge.Tree{SHA: root, Entries: []forge.TreeEntry{
		{Path: "apps/deep/x/values.yaml", SHA: shaB, Mode: "100644", Size: 3},
		{Path: "apps/link", SHA: shaB, Mode: "120000", Size: 3},
		{Path: "small/run", SHA: shaB, Mode: "100755", Size: 3},
		{Path: "small/module", SHA: shaC, Mode: "160000", Size: 3},
		{Path: "README.md", SHA: shaB, Mode: "100644", Size: 3},
	}}, got, err)
}

func TestEndlessTree(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.mux.HandleFunc("GET "+repoURL+"/git/trees/", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `{"sha":%q,"truncated":%t,"tree":[%s]}`, shaB, r.URL.Query().Get("recursive") != "", entry("a", "tree", "040000", shaB))
	})
	_, err := f.client(t).Tree(t.Context(), acme, shaA)
	refused(t, err)
	if n := len(f.requests()); n != 500 {
		t.Fatalf("made %d calls", n)
	}
}

// TestTreeUnderTheCommitsName is for the case that GitHub repeats the name it was asked for.
func TestTreeUnderTheCommitsName(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.on("GET "+repoURL+"/git/trees/"+string(shaA), 200, `{"sha":"`+string(shaA)+`","tree":[]}`)
	f.on("GET "+repoURL+"/git/commits/"+string(shaA), 200, `{"sha":"`+string(shaA)+`","tree":{"sha":"`+string(shaC)+`"}}`)
	got, err := f.client(t).Tree(t.Context(), acme, shaA)
	same(t, forge.Tree{SHA: shaC}, got, err)
}

func TestFile(t *testing.T) {
	t.Parallel()
	text := base64.StdEncoding.EncodeToString([]byte("a: 1\n"))
	broken := text[:4] + `\n` + text[4:] + `\n`
	for name, test := range map[string]struct {
		answer string
		want   forge.File
		err    error
	}{
		"a file":              {`{"type":"file","path":"a b/x.yaml","size":5,"encoding":"base64","content":"` + broken + `"`, forge.File{Content: []byte("a: 1\n")}, nil},
		"an empty file":       {`{"type":"file","path":"a b/x.yaml","size":0,"encoding":"base64","content":""`, forge.File{Content: []byte{}}, nil},
		"over 1 MB":           {`{"type":"file","path":"a b/x.yaml","size":2000000,"encoding":"none","content":""`, forge.File{Content: []byte("large")}, nil},
		"over 5 MiB":          {`{"type":"file","path":"a b/x.yaml","size":5242881,"encoding":"none","content":""`, forge.File{}, forge.ErrInvalid},
		"a link to a file":    {`{"type":"file","path":"other.yaml","size":5,"encoding":"base64","content":"` + text + `"`, forge.File{Content: []byte("a: 1\n"), Symlink: true}, nil},
		"a link to elsewhere": {`{"type":"symlink","path":"a b/x.yaml","size":9,"target":"/etc/passwd"`, forge.File{Content: []byte("/etc/passwd"), Symlink: true}, nil},
		"a submodule":         {`{"type":"submodule","path":"a b/x.yaml","size":0`, forge.File{}, forge.ErrInvalid},
		"a directory":         {`[{"type":"file"`, forge.File{}, forge.ErrInvalid},
		"no base64":           {`{"type":"file","path":"a b/x.yaml","size":5,"encoding":"base64","content":"!"`, forge.File{}, forge.ErrUnavailable},
		"no known encoding":   {`{"type":"file","path":"a b/x.yaml","size":5,"encoding":"rot13","content":"n"`, forge.File{}, forge.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			end := `,"sha":"` + string(shaB) + `"}`
			if strings.HasPrefix(test.answer, "[") {
				end = "}]"
			}
			f.on("GET "+repoURL+"/contents/a b/x.yaml", 200, test.answer+end)
			f.on("GET "+repoURL+"/git/blobs/"+string(shaB), 200, `{"size":5,"encoding":"base64","content":"`+base64.StdEncoding.EncodeToString([]byte("large"))+`"}`)
			got, err := f.client(t).File(t.Context(), acme, "a b/x.yaml", "a/branch")
			if first := f.requests()[0]; first != "GET "+repoURL+"/contents/a%20b/x.yaml?ref=a%2Fbranch" {
				t.Fatalf("asked %s", first)
			}
			if test.err != nil {
				if !errors.Is(err, test.err) {
					t.Fatalf("got %v, want %v", err, test.err)
				}
				return
			}
			test.want.Path, test.want.SHA = "a b/x.yaml", shaB
			same(t, test.want, got, err)
		})
	}
}

func TestLargeBlob(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.on("GET "+repoURL+"/git/blobs/"+string(shaB), 200, `{"size":5242881,"encoding":"base64","content":""}`)
	_, err := f.client(t).Blob(t.Context(), acme, shaB)
	refused(t, err)
}

// TestCompare has as many pages and files as each case says.
func TestCompare(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		pages, total, files int
		complete            bool
		calls               int
	}{
		"one page":       {1, 1, 2, true, 1},
		"three pages":    {3, 3, 2, true, 3},
		"too many pages": {12, 12, 2, false, 10},
		"too many files": {1, 1, 300, false, 1},
		"cut by GitHub":  {1, 251, 2, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.mux.HandleFunc("GET "+repoURL+"/compare/{range}", func(w http.ResponseWriter, r *http.Request) {
				page := 1
				_, _ = fmt.Sscan(r.URL.Query().Get("page"), &page)
				if page < test.pages {
					w.Header().Set("Link", fmt.Sprintf(`<%s/x?page=%d>; rel="next"`, f.URL, page+1))
				}
				files := ""
				if page == 1 {
					files = strings.Repeat(`,{"filename":"f","previous_filename":"p"}`, test.files)[1:]
				}
				_, _ = fmt.Fprintf(w, `{"status":"ahead","total_commits":%d,"commits":[{"sha":"%040d","commit":{"tree":{"sha":"%040[2]d"}}}],"files":[%s]}`, test.total, page, files)
			})
			got, err := f.client(t).Compare(t.Context(), acme, shaA, shaB)
			if err != nil || got.Relation != forge.Ahead || got.Complete != test.complete || len(got.Paths) != 2*test.files || len(got.Commits) != test.calls {
				t.Fatalf("got %s, %t, %d paths, %d commits, %v", got.Relation, got.Complete, len(got.Paths), len(got.Commits), err)
			}
			if !slices.IsSortedFunc(got.Commits, func(a, b forge.Commit) int { return strings.Compare(string(a.SHA), string(b.SHA)) }) || len(f.requests()) != test.calls {
				t.Fatalf("made %q", f.requests())
			}
		})
	}
}

func TestCompareUnrelated(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.on("GET "+repoURL+"/compare/{range}", 404, `{"message":"No common ancestor between a and b."}`)
	got, err := f.client(t).Compare(t.Context(), acme, shaA, shaB)
	same(t, forge.Comparison{Relation: forge.Diverged}, got, err)
}

func TestCreateCommitSends(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	bodies := map[string]string{}
	answer := func(pattern, body string) {
		f.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			var sent json.RawMessage
			if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
				t.Error(err)
			}
			bodies[r.URL.Path] += string(sent)
			_, _ = fmt.Fprint(w, body)
		})
	}
	f.on("GET "+repoURL+"/git/commits/"+string(shaA), 200, `{"tree":{"sha":"`+string(shaB)+`"}}`)
	answer("POST "+repoURL+"/git/blobs", `{"sha":"`+string(shaC)+`"}`)
	answer("POST "+repoURL+"/git/trees", `{"sha":"`+string(shaB)+`"}`)
	answer("POST "+repoURL+"/git/commits", `{"sha":"`+string(shaC)+`"}`)
	got, err := f.client(t).CreateCommit(t.Context(), acme, forge.NewCommit{Parent: shaA, Message: "a <b> & c", Files: []forge.NewFile{
		{Path: "text", Content: []byte("a: <é>\r\n")}, {Path: "empty"}, {Path: "run", Content: []byte("x"), Executable: true},
		{Path: "latin1", Content: []byte("\xe9")}, {Path: "bom", Content: []byte("\ufeffa")}, {Path: "nul", Content: []byte("a\x00")},
	}})
	same(t, forge.Commit{SHA: shaC, Tree: shaB, Parents: []forge.SHA{shaA}, Message: "a <b> & c"}, got, err)
	for part, want := range map[string]string{
		"/git/trees": `{"base_tree":"` + string(shaB) + `","tree":[{"path":"text","mode":"100644","type":"blob","content":"a: <é>\r\n"},` +
			`{"path":"empty","mode":"100644","type":"blob","content":""},{"path":"run","mode":"100755","type":"blob","content":"x"},` +
			`{"sha":"` + string(shaC) + `","path":"latin1","mode":"100644","type":"blob"},{"sha":"` + string(shaC) + `","path":"bom","mode":"100644","type":"blob"},` +
			`{"sha":"` + string(shaC) + `","path":"nul","mode":"100644","type":"blob"}]}`,
		"/git/commits": `{"message":"a <b> & c","tree":"` + string(shaB) + `","parents":["` + string(shaA) + `"]}`,
		"/git/blobs":   `{"content":"6Q==","encoding":"base64"}{"content":"77u/YQ==","encoding":"base64"}{"content":"YQA=","encoding":"base64"}`,
	} {
		// go-github escapes inside the entries of a tree; what counts is the value.
		sent := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(bodies[repoURL+part])
		if sent != want {
			t.Errorf("%s: sent %s\nwant %s", part, sent, want)
		}
	}
}

func TestPermission(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]forge.Permission{
		`{"permission":"admin","role_name":"admin"}`:    forge.PermissionAdmin,
		`{"permission":"write","role_name":"maintain"}`: forge.PermissionMaintain,
		`{"permission":"write","role_name":"write"}`:    forge.PermissionWrite,
		`{"permission":"read","role_name":"triage"}`:    forge.PermissionTriage,
		`{"permission":"read","role_name":"read"}`:      forge.PermissionRead,
		`{"permission":"none","role_name":""}`:          forge.PermissionNone,
		`{"permission":"write"}`:                        forge.PermissionWrite,
		`{"permission":"write","role_name":"deployer","user":{"permissions":{"pull":true,"push":true,"maintain":false}}}`: forge.PermissionWrite,
		`{"permission":"write","role_name":"deployer","user":{"permissions":{"push":true,"maintain":true}}}`:              forge.PermissionMaintain,
		`{"permission":"something","role_name":"new"}`:                                                                    forge.PermissionNone,
		`{}`: forge.PermissionNone,
	} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.on("GET "+repoURL+"/collaborators/{login}/permission", 200, answer)
			got, err := f.client(t).Permission(t.Context(), acme, "ada")
			same(t, want, got, err)
		})
	}
}

func TestGuarded(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		branch string
		rules  string
		status int
		want   bool
		err    error
	}{
		"protected":            {`{"protected":true,"protection":{"enabled":true}}`, "", 500, true, nil},
		"by a ruleset's rest":  {`{"protected":true,"protection":{"enabled":false}}`, `[{"type":"non_fast_forward"}]`, 200, false, nil},
		"by nothing":           {`{"protected":false}`, `[]`, 200, false, nil},
		"by a pull request":    {`{"protected":false}`, `[{"type":"deletion"},{"type":"pull_request"}]`, 200, true, nil},
		"by checks":            {`{"protected":false}`, `[{"type":"required_status_checks"}]`, 200, true, nil},
		"by what is no guard":  {`{"protected":false}`, `[{"type":"deletion"},{"type":"made_tomorrow"}]`, 200, false, nil},
		"by a server too old":  {`{"protected":false}`, `{"message":"Not Found"}`, 404, false, nil},
		"by a plan too small":  {`{"protected":false}`, `{"message":"Upgrade to GitHub Pro or make this repository public to enable this feature."}`, 403, false, nil},
		"by nobody knows what": {`{"protected":false}`, `{"message":"oops"}`, 500, false, forge.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.on("GET "+repoURL+"/branches/{branch}", 200, test.branch)
			f.on("GET "+repoURL+"/rules/branches/{branch}", test.status, test.rules)
			got, err := f.client(t).Guarded(t.Context(), acme, "a/b")
			if !errors.Is(err, test.err) || got != test.want {
				t.Fatalf("got %t, %v", got, err)
			}
			if first := f.requests()[0]; first != "GET "+repoURL+"/branches/a%2Fb" {
				t.Fatalf("asked %s", first)
			}
		})
	}
}

// TestOpenPullRequestByHead has an answer to a filter that GitHub did not understand, with a fork of the same owner.
func TestOpenPullRequestByHead(t *testing.T) {
	t.Parallel()
	pull := func(number int, ref string, repo int) string {
		return fmt.Sprintf(`{"number":%d,"state":"open","head":{"ref":%q,"sha":%q,"repo":{"id":%d}},"base":{"ref":"main","repo":{"id":7}}}`, number, ref, shaA, repo)
	}
	f := newFake(t)
	f.on("GET "+repoURL+"/pulls", 200, "["+pull(1, "other", 7)+","+pull(2, "ferry/dev/x", 7)+","+pull(3, "ferry/dev/x", 8)+"]")
	got, err := f.client(t).OpenPullRequestByHead(t.Context(), acme, "ferry/dev/x")
	if err != nil || got.Number != 2 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if _, err := f.client(t).OpenPullRequestByHead(t.Context(), acme, "ferry/dev/y"); !errors.Is(err, forge.ErrNotFound) {
		t.Fatalf("got %v", err)
	}
}

func TestUnmergedAnswer(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.on("PUT "+repoURL+"/pulls/3/merge", 200, `{"merged":false,"message":"not now"}`)
	if _, err := f.client(t).Merge(t.Context(), acme, 3, shaA, forge.MergeSquash, "x"); !errors.Is(err, forge.ErrNotMergeable) {
		t.Fatalf("got %v", err)
	}
}
