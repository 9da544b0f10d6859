package sandbox

import (
	"encoding/base64"
	"net/http"
	"strings"

	"ferry/forge/sandbox/bare"
)

// newContents is a file as PUT contents writes it.
type newContents struct {
	Message   string
	Content   string
	SHA       string // of the blob that it replaces
	Branch    string
	Author    *newSignature
	Committer *newSignature
}

// putContents makes or changes one file by a commit of its own. As at GitHub (docs.github.com, "Create or update file contents")
// it answers 409 where the file is not the one that the client knows, and where the branch's rules forbid it.
func putContents(c *call) (reply, error) {
	var in newContents
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	at := strings.Trim(c.params["path"], "/")
	data, err := in.check(at)
	if err != nil {
		return reply{}, err
	}
	if in.Branch == "" {
		in.Branch = c.repo.branch
	}
	head := c.repo.head(in.Branch)
	if head == "" {
		return reply{}, fail(http.StatusNotFound, "Branch %s not found", in.Branch)
	}
	status, err := c.mayPut(in, head, at)
	if err != nil {
		return reply{}, err
	}
	commit, err := c.writeFile(in, head, at, data)
	if err != nil {
		return reply{}, err
	}
	if err := c.pushFile(in.Branch, head, commit.SHA, status); err != nil {
		return reply{}, err
	}
	made, err := c.repo.entry(commit.SHA, at)
	if err != nil {
		return reply{}, err
	}
	return reply{status, object{"content": c.entryJSON(made, in.Branch), "commit": c.s.gitCommitJSON(c.repo, commit)}}, nil
}

// check returns the file's bytes.
func (in newContents) check(at string) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(in.Content, "\n", ""))
	switch {
	case in.Message == "":
		return nil, missingField("Commit", "message")
	case err != nil:
		return nil, fail(http.StatusUnprocessableEntity, "content is not valid Base64")
	case !goodPath(at):
		return nil, fail(http.StatusUnprocessableEntity, "path contains a malformed path component")
	}
	return data, nil
}

// mayPut returns the status of the answer: 201 for a new file, 200 for the one that the client knows.
func (c *call) mayPut(in newContents, head, at string) (int, error) {
	old, err := c.repo.entry(head, at)
	isNew := bare.IsMissing(err)
	switch {
	case err != nil && !isNew:
		return 0, err
	case in.SHA == "" && isNew:
		return http.StatusCreated, nil
	case in.SHA == "":
		return 0, fail(http.StatusUnprocessableEntity, "Invalid request.\n\n\"sha\" wasn't supplied.")
	case isNew || in.SHA != old.SHA:
		return 0, fail(http.StatusConflict, "%s does not match %s", at, in.SHA)
	}
	return http.StatusOK, nil
}

// pushFile moves the branch to the commit with the file.
func (c *call) pushFile(branch, before, after string, status int) error {
	x, err := c.repo.judge(move{branch: branch, before: before, after: after, who: c.client.who})
	if err != nil {
		return err
	}
	if !x.none() {
		word := map[int]string{http.StatusCreated: "Could not create file: ", http.StatusOK: "Could not update file: "}[status]
		if len(x.protection) == 0 {
			word = ""
		}
		return fail(http.StatusConflict, "%s%s", word, x.message())
	}
	ref := "refs/heads/" + branch
	if err := c.repo.git.SetRef(ref, after, before); err != nil {
		return err
	}
	return c.s.refMoved(c.repo, ref, before, after, c.client.who)
}

// writeFile makes the commit, which no branch has yet.
func (c *call) writeFile(in newContents, head, at string, data []byte) (bare.Commit, error) {
	parent, err := c.repo.git.Commit(head)
	if err != nil {
		return bare.Commit{}, err
	}
	blobs, err := c.repo.git.WriteBlobs(data)
	if err != nil {
		return bare.Commit{}, err
	}
	tree, err := c.repo.git.WriteTree(parent.Tree, []bare.Change{{Path: at, Mode: "100644", SHA: blobs[0]}})
	if err != nil {
		return bare.Commit{}, err
	}
	return c.writeCommit(newCommit{Message: in.Message, Tree: tree, Parents: []string{head}, Author: in.Author, Committer: in.Committer})
}
