package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"ferry/forge/sandbox/bare"
)

// GitHub's limits for one answer (docs.github.com, REST, "Get a tree" and "Get a blob").
const (
	maxTreeEntries = 100_000
	maxBlob        = 100 << 20
)

func getRef(c *call) (reply, error) {
	name := "refs/" + c.params["ref"]
	sha, err := c.repo.ref(name)
	if err != nil {
		return reply{}, orMissing(err, notFound())
	}
	return ok(c.s.refJSON(c.repo, bare.Ref{Name: name, SHA: sha}))
}

func matchingRefs(c *call) (reply, error) {
	refs, err := c.repo.refList("")
	if err != nil {
		return reply{}, err
	}
	list := []object{}
	for _, ref := range refs {
		if strings.HasPrefix(ref.Name, "refs/"+c.params["ref"]) {
			list = append(list, c.s.refJSON(c.repo, ref))
		}
	}
	return ok(paged(c, list))
}

func createRef(c *call) (reply, error) {
	var in struct{ Ref, SHA string }
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if err := c.s.createRef(c.repo, in.Ref, in.SHA, c.client.who); err != nil {
		return reply{}, err
	}
	return created(c.s.refJSON(c.repo, bare.Ref{Name: in.Ref, SHA: in.SHA}))
}

func updateRef(c *call) (reply, error) {
	var in struct {
		SHA   string
		Force bool
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	name := "refs/" + c.params["ref"]
	if err := c.s.moveRef(c.repo, name, in.SHA, in.Force, c.client.who); err != nil {
		return reply{}, err
	}
	return ok(c.s.refJSON(c.repo, bare.Ref{Name: name, SHA: in.SHA}))
}

func deleteRef(c *call) (reply, error) {
	if err := c.s.deleteRef(c.repo, "refs/"+c.params["ref"], c.client.who); err != nil {
		return reply{}, err
	}
	return noContent()
}

func getGitCommit(c *call) (reply, error) {
	commit, err := c.repo.git.Commit(c.params["commit_sha"])
	if err != nil || commit.SHA != c.params["commit_sha"] {
		return reply{}, orMissing(err, notFound())
	}
	return ok(c.s.gitCommitJSON(c.repo, commit))
}

// newCommit is what a commit is made from.
type newCommit struct {
	Message   string
	Tree      string
	Parents   []string
	Author    *newSignature
	Committer *newSignature
}

type newSignature struct {
	Name  string
	Email string
	Date  time.Time
}

func createCommit(c *call) (reply, error) {
	var in newCommit
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if in.Message == "" {
		return reply{}, missingField("Commit", "message")
	}
	if obj, err := c.repo.git.Object(in.Tree); err != nil || obj.Type != "tree" || obj.SHA != in.Tree {
		return reply{}, orMissing(err, fail(http.StatusUnprocessableEntity, "Tree SHA does not exist"))
	}
	for _, p := range in.Parents {
		if obj, err := c.repo.git.Object(p); err != nil || obj.Type != "commit" || obj.SHA != p {
			return reply{}, orMissing(err, fail(http.StatusUnprocessableEntity, "Parent SHA does not exist or is not a commit object"))
		}
	}
	commit, err := c.writeCommit(in)
	if err != nil {
		return reply{}, err
	}
	return created(c.s.gitCommitJSON(c.repo, commit))
}

// writeCommit stores a commit. As at GitHub one of an App that names neither author nor committer is signed by the forge
// (docs.github.com, "About commit signature verification", bots).
func (c *call) writeCommit(in newCommit) (bare.Commit, error) {
	now, who := c.s.now(), c.client.who
	commit := bare.Commit{Tree: in.Tree, Parents: in.Parents, Message: in.Message, Author: in.Author.or(who.signature(now), now)}
	commit.Committer = in.Committer.or(commit.Author, now)
	signed := in.Author == nil && in.Committer == nil && c.client.grant != nil
	if signed {
		commit.Committer = webFlow(now)
	}
	sha, err := c.repo.git.WriteCommit(commit)
	if err != nil {
		return bare.Commit{}, err
	}
	if signed {
		c.repo.signed[sha] = true
	}
	return c.repo.git.Commit(sha)
}

func (x *newSignature) or(usual bare.Signature, now time.Time) bare.Signature {
	if x == nil {
		return usual
	}
	if x.Date.IsZero() {
		x.Date = now
	}
	return bare.Signature{Name: x.Name, Email: x.Email, When: x.Date}
}

func getTree(c *call) (reply, error) {
	name := c.params["tree_sha"]
	obj, err := c.repo.git.Object(c.repo.resolve(name) + "^{tree}")
	if err != nil {
		return reply{}, orMissing(err, notFound())
	}
	recursive := c.r.URL.Query().Has("recursive") // its value does not matter, not even "0"
	entries, err := c.repo.git.Tree(obj.SHA, recursive)
	if err != nil {
		return reply{}, err
	}
	o := c.treeJSON(obj.SHA, entries)
	if most := c.s.treeLimit; recursive && len(entries) > most {
		o = c.treeJSON(obj.SHA, entries[:most])
		o["truncated"] = true
	}
	return ok(o)
}

// SetTreeLimit changes how many entries a tree read with all that is below it may have before it is cut and says that it is
// truncated. GitHub's own limit, and the default, is 100,000 (docs.github.com, "Get a tree").
func (s *Sandbox) SetTreeLimit(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.treeLimit = n
}

func (c *call) treeJSON(sha string, entries []bare.Entry) object {
	list := []object{}
	for _, e := range entries {
		o := object{"path": e.Path, "mode": e.Mode, "type": e.Type, "sha": e.SHA}
		if e.Type != "commit" {
			o["url"] = c.s.api("/repos/%s/git/%ss/%s", c.repo.fullName(), e.Type, e.SHA)
		}
		if e.Type == "blob" {
			o["size"] = e.Size
		}
		list = append(list, o)
	}
	return object{"sha": sha, "url": c.s.api("/repos/%s/git/trees/%s", c.repo.fullName(), sha), "tree": list, "truncated": false}
}

// resolve returns the object that a SHA, a full or short reference, a branch or tag, or the beginning of a SHA leads to, and "" for none.
func (r *repository) resolve(name string) string {
	if len(name) == 40 {
		if obj, err := r.git.Object(name); err == nil {
			return obj.SHA
		}
	}
	for _, full := range []string{"refs/heads/" + name, "refs/tags/" + name, "refs/" + name, name} {
		if sha, err := r.ref(full); err == nil {
			return sha
		}
	}
	if shortSHA.MatchString(name) {
		if obj, err := r.git.Object(name); err == nil { // not where two begin so
			return obj.SHA
		}
	}
	return ""
}

// shortSHA is the beginning of an object's name, of which git takes four digits or more.
var shortSHA = regexp.MustCompile(`^[0-9a-f]{4,39}$`)

// treeEntry is an entry of a tree to be made. Content makes a new blob; an SHA of null removes the path.
type treeEntry struct {
	Path    string
	Mode    string
	Type    string
	SHA     json.RawMessage
	Content *string
}

// sha returns what the entry names: given is false where the key is absent, and the name empty where it is null.
func (e treeEntry) sha() (name string, given bool) {
	if len(e.SHA) == 0 {
		return "", false
	}
	_ = json.Unmarshal(e.SHA, &name) // what is no string stays empty and then names no object
	return name, true
}

func createTree(c *call) (reply, error) {
	var in struct {
		BaseTree string `json:"base_tree"`
		Tree     []treeEntry
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if len(in.Tree) == 0 {
		return reply{}, fail(http.StatusUnprocessableEntity, "Invalid tree info")
	}
	changes, err := c.treeChanges(in.Tree)
	if err != nil {
		return reply{}, err
	}
	if in.BaseTree != "" {
		obj, err := c.repo.git.Object(in.BaseTree + "^{tree}") // GitHub takes a commit as well
		if err != nil {
			return reply{}, orMissing(err, fail(http.StatusUnprocessableEntity, "base_tree is not a valid tree oid"))
		}
		in.BaseTree = obj.SHA
	}
	sha, err := c.repo.git.WriteTree(in.BaseTree, changes)
	if err != nil {
		return reply{}, fail(http.StatusUnprocessableEntity, "tree.sha is not a valid object or tree.path contains a malformed path component")
	}
	entries, err := c.repo.git.Tree(sha, false)
	if err != nil {
		return reply{}, err
	}
	return created(c.treeJSON(sha, entries))
}

func (c *call) treeChanges(entries []treeEntry) ([]bare.Change, error) {
	var changes []bare.Change
	var contents [][]byte
	var at []int
	for _, e := range entries {
		sha, given := e.sha()
		change := bare.Change{Path: e.Path, Mode: e.Mode, SHA: sha}
		switch {
		case !goodPath(e.Path):
			return nil, fail(http.StatusUnprocessableEntity, "tree.path contains a malformed path component")
		case given == (e.Content != nil):
			return nil, fail(http.StatusUnprocessableEntity, "Must supply either tree.sha or tree.content")
		case !goodMode(e.Mode):
			return nil, fail(http.StatusUnprocessableEntity, "Must supply a valid tree.mode")
		case e.Content != nil:
			contents, at = append(contents, []byte(*e.Content)), append(at, len(changes))
		case sha != "" && e.Mode != "160000":
			if obj, err := c.repo.git.Object(sha); err != nil || obj.SHA != sha || (obj.Type == "tree") != (e.Mode == "040000") {
				return nil, orMissing(err, fail(http.StatusUnprocessableEntity, "tree.sha %s is not a valid %s", sha, e.Type))
			}
		}
		changes = append(changes, change)
	}
	blobs, err := c.repo.git.WriteBlobs(contents...)
	if err != nil {
		return nil, err
	}
	for i, sha := range blobs {
		changes[at[i]].SHA = sha
	}
	return changes, nil
}

func goodMode(mode string) bool {
	switch mode {
	case "100644", "100755", "040000", "160000", "120000":
		return true
	}
	return false
}

// goodPath says whether a path of a tree is one that Git takes.
func goodPath(p string) bool {
	if p == "" || strings.ContainsRune(p, 0) || !utf8.ValidString(p) {
		return false
	}
	for part := range strings.SplitSeq(p, "/") {
		if part == "" || part == "." || part == ".." || strings.EqualFold(part, ".git") {
			return false
		}
	}
	return true
}

func getBlob(c *call) (reply, error) {
	sha := c.params["file_sha"]
	obj, err := c.repo.git.Object(sha)
	switch {
	case err != nil || obj.SHA != sha || obj.Type != "blob":
		return reply{}, orMissing(err, notFound())
	case len(obj.Data) > maxBlob:
		return reply{}, fail(http.StatusForbidden, "This API returns blobs up to 100 MB in size.")
	}
	return ok(object{
		"sha": obj.SHA, "node_id": nodeID("Blob", obj.SHA), "size": len(obj.Data), "encoding": "base64", "content": wrapped(obj.Data),
		"url": c.s.api("/repos/%s/git/blobs/%s", c.repo.fullName(), obj.SHA),
	})
}

// wrapped is base64 as GitHub writes it: in lines of 60 characters.
func wrapped(data []byte) string {
	s := base64.StdEncoding.EncodeToString(data)
	var b strings.Builder
	for len(s) > 60 {
		b.WriteString(s[:60] + "\n")
		s = s[60:]
	}
	return b.String() + s + "\n"
}

func createBlob(c *call) (reply, error) {
	var in struct{ Content, Encoding string }
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	data := []byte(in.Content)
	if in.Encoding == "base64" {
		var err error
		if data, err = base64.StdEncoding.DecodeString(strings.ReplaceAll(in.Content, "\n", "")); err != nil {
			return reply{}, invalid("Blob", "content", "content is not valid Base64")
		}
	}
	shas, err := c.repo.git.WriteBlobs(data)
	if err != nil {
		return reply{}, err
	}
	return created(object{"sha": shas[0], "url": c.s.api("/repos/%s/git/blobs/%s", c.repo.fullName(), shas[0])})
}
