package sandbox

import (
	"net/http"
	"path"
	"strings"

	"ferry/forge/sandbox/bare"
)

// GitHub's limits of a comparison and of a file in an answer (docs.github.com, REST, "Compare two commits" and "Get
// repository content").
const (
	maxCompareCommits = 250
	maxCompareFiles   = 300
	maxInlineFile     = 1 << 20
)

func unknownCommit(name string) *problem {
	return fail(http.StatusUnprocessableEntity, "No commit found for SHA: %s", name)
}

func listCommits(c *call) (reply, error) {
	start := c.query("sha")
	if start == "" {
		start = c.repo.branch
	}
	sha := c.repo.resolve(start)
	if sha == "" {
		return reply{}, notFound()
	}
	args := []string{"--date-order", sha}
	if p := c.query("path"); p != "" {
		args = append(args, "--", p)
	}
	shas, err := c.repo.git.RevList(args...)
	if err != nil {
		return reply{}, err
	}
	list, err := c.s.commitsJSON(c.repo, paged(c, shas))
	if err != nil {
		return reply{}, err
	}
	return ok(list)
}

func getCommit(c *call) (reply, error) {
	commit, err := c.repo.git.Commit(c.repo.resolve(c.params["ref"]))
	if err != nil {
		return reply{}, orMissing(err, unknownCommit(c.params["ref"]))
	}
	if strings.Contains(c.r.Header.Get("Accept"), "application/vnd.github.sha") {
		return ok(text{"application/vnd.github.sha; charset=utf-8", commit.SHA})
	}
	files, err := c.repo.changes(commit)
	if err != nil {
		return reply{}, err
	}
	o := c.s.commitJSON(c.repo, commit)
	added, deleted := 0, 0
	for _, f := range files {
		added, deleted = added+f.Additions, deleted+f.Deletions
	}
	from, to := c.window(len(files), maxCompareFiles, maxCompareFiles)
	o["stats"] = object{"additions": added, "deletions": deleted, "total": added + deleted}
	o["files"] = c.s.filesJSON(c.repo, commit.SHA, files[from:to])
	return ok(o)
}

// changes returns what a commit changed against its first parent.
func (r *repository) changes(c bare.Commit) ([]bare.FileChange, error) {
	from := bare.EmptyTree
	if len(c.Parents) > 0 {
		from = c.Parents[0]
	}
	return r.git.Diff(from, c.SHA)
}

// getContents answers a file, a link, a submodule or a folder as GitHub does: each in its own shape.
func getContents(c *call) (reply, error) {
	name := c.query("ref")
	if name == "" {
		name = c.repo.branch
	}
	sha := c.repo.resolve(name)
	if sha == "" {
		return reply{}, fail(http.StatusNotFound, "No commit found for the ref %s", name)
	}
	at := strings.Trim(c.params["path"], "/")
	if at == "" {
		return c.folder(sha, name, "")
	}
	e, err := c.repo.entry(sha, at)
	if err != nil {
		return reply{}, orMissing(err, notFound())
	}
	if e.Type == "tree" {
		return c.folder(e.SHA, name, at)
	}
	o := c.entryJSON(e, name)
	if err := c.fill(o, e); err != nil {
		return reply{}, err
	}
	return ok(o)
}

// entry returns what stands at a path of a commit's tree.
func (r *repository) entry(commit, at string) (bare.Entry, error) {
	parent := commit
	if dir := path.Dir(at); dir != "." {
		folder, err := r.git.Object(commit + ":" + dir)
		if err != nil || folder.Type != "tree" {
			return bare.Entry{}, bare.ErrMissing
		}
		parent = folder.SHA
	}
	entries, err := r.git.Tree(parent, false)
	if err != nil {
		return bare.Entry{}, err
	}
	for _, e := range entries {
		if e.Path == path.Base(at) {
			e.Path = at
			return e, nil
		}
	}
	return bare.Entry{}, bare.ErrMissing
}

func (c *call) folder(tree, ref, at string) (reply, error) {
	entries, err := c.repo.git.Tree(tree, false)
	if err != nil {
		return reply{}, err
	}
	list := []object{}
	for _, e := range entries {
		e.Path = path.Join(at, e.Path)
		list = append(list, c.entryJSON(e, ref))
	}
	return ok(list)
}

func (c *call) entryJSON(e bare.Entry, ref string) object {
	p := escapePath(e.Path)
	self := c.s.api("/repos/%s/contents/%s?ref=%s", c.repo.fullName(), p, escapeSegment(ref))
	git := c.s.api("/repos/%s/git/%ss/%s", c.repo.fullName(), e.Type, e.SHA)
	page := c.s.html("/%s/blob/%s/%s", c.repo.fullName(), escapePath(ref), p)
	o := object{
		"type": kindOf(e), "size": e.Size, "name": path.Base(e.Path), "path": e.Path, "sha": e.SHA, "url": self, "git_url": git,
		"html_url": page, "download_url": c.s.html("/%s/raw/%s/%s", c.repo.fullName(), escapePath(ref), p),
		"_links": object{"self": self, "git": git, "html": page},
	}
	if e.Type != "blob" {
		o["download_url"] = nil
	}
	return o
}

func kindOf(e bare.Entry) string {
	switch {
	case e.Mode == "120000":
		return "symlink"
	case e.Type == "tree":
		return "dir"
	case e.Type == "commit":
		return "submodule"
	}
	return "file"
}

// fill adds what only the answer about a single path holds.
func (c *call) fill(o object, e bare.Entry) error {
	if e.Type == "commit" {
		o["submodule_git_url"] = c.s.html("/%s", c.repo.fullName())
		return nil
	}
	obj, err := c.repo.git.Object(e.SHA)
	if err != nil {
		return err
	}
	switch {
	case kindOf(e) == "symlink":
		o["target"] = string(obj.Data)
	case len(obj.Data) > maxBlob:
		return fail(http.StatusForbidden, "This API returns blobs up to 100 MB in size.")
	case len(obj.Data) > maxInlineFile:
		o["encoding"], o["content"] = "none", ""
	default:
		o["encoding"], o["content"] = "base64", wrapped(obj.Data)
	}
	return nil
}

// compare answers what lies between two commits. As at GitHub the files are on the first page only.
func compare(c *call) (reply, error) {
	baseName, headName, found := strings.Cut(c.params["basehead"], "...")
	base, head := c.side(baseName), c.side(headName)
	if !found || base == "" || head == "" {
		return reply{}, notFound()
	}
	git := c.repo.git
	fork, err := git.MergeBase(base, head)
	if err != nil {
		return reply{}, err
	}
	if fork == "" {
		return reply{}, fail(http.StatusNotFound, "No common ancestor between %s and %s.", baseName, headName)
	}
	ahead, err := git.RevList("--topo-order", "--reverse", head, "^"+base)
	if err != nil {
		return reply{}, err
	}
	behind, err := git.RevList(base, "^"+head)
	if err != nil {
		return reply{}, err
	}
	usual, most := maxCompareCommits, maxCompareCommits
	if c.query("page") != "" || c.query("per_page") != "" {
		usual, most = 30, 100 // who pages gets pages as everywhere
	}
	from, to := c.window(len(ahead), usual, most)
	commits, err := c.s.commitsJSON(c.repo, ahead[from:to])
	if err != nil {
		return reply{}, err
	}
	ends, err := c.s.commitsJSON(c.repo, []string{base, fork})
	if err != nil {
		return reply{}, err
	}
	page := c.s.html("/%s/compare/%s", c.repo.fullName(), escapePath(c.params["basehead"]))
	o := object{
		"url": c.s.api("/repos/%s/compare/%s", c.repo.fullName(), escapePath(c.params["basehead"])), "html_url": page, "permalink_url": page,
		"diff_url": page + ".diff", "patch_url": page + ".patch", "base_commit": ends[0], "merge_base_commit": ends[1],
		"status": relation(len(ahead), len(behind)), "ahead_by": len(ahead), "behind_by": len(behind), "total_commits": len(ahead), "commits": commits,
	}
	if from == 0 {
		files, err := git.Diff(fork, head)
		if err != nil {
			return reply{}, err
		}
		o["files"] = c.s.filesJSON(c.repo, head, files[:min(len(files), maxCompareFiles)])
	}
	return ok(o)
}

// side returns the commit of one side of a comparison, which may be written as owner:branch.
func (c *call) side(name string) string {
	if owner, branch, ok := strings.Cut(name, ":"); ok {
		from := c.s.forkOf(c.repo, owner)
		if from == nil {
			return ""
		}
		sha, err := c.repo.reach(from, branch)
		if err != nil || sha == "" {
			return ""
		}
		name = sha
	}
	commit, err := c.repo.git.Commit(c.repo.resolve(name))
	if err != nil {
		return ""
	}
	return commit.SHA
}

func relation(ahead, behind int) string {
	switch {
	case ahead > 0 && behind > 0:
		return "diverged"
	case ahead > 0:
		return "ahead"
	case behind > 0:
		return "behind"
	}
	return "identical"
}
