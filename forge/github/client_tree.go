package github

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"ferry/forge"
)

const (
	// maxBlob bounds, in bytes, what Ferry reads of one file.
	maxBlob = 5 << 20
	// maxTreeCalls bounds the calls for one tree that GitHub does not give in one piece (over 100,000 entries or 7 MB;
	// docs.github.com, "REST API endpoints for Git trees").
	maxTreeCalls = 500
)

// Tree returns every blob of a commit, in one call where GitHub gives the tree in one piece. Symbolic links and submodules are
// entries with their modes. It fails with forge.ErrInvalid where the tree is too large for 500 calls.
func (c *Client) Tree(ctx context.Context, repo forge.Repo, commit forge.SHA) (forge.Tree, error) {
	call := fmt.Sprintf("reading the tree of %s of %s", commit, repo.FullName())
	if err := refused(call, checkRepo(repo), checkSHA(commit)); err != nil {
		return forge.Tree{}, err
	}
	w := treeWalk{client: c, repo: repo}
	root, err := w.walk(ctx, string(commit), "")
	if err != nil {
		return forge.Tree{}, c.treeFailed(call, err)
	}
	name, err := c.rootTree(ctx, call, repo, commit, root)
	return forge.Tree{SHA: name, Entries: w.entries}, err
}

func (c *Client) treeFailed(call string, err error) error {
	if errors.Is(err, errTreeTooLarge) {
		return c.wrap(call, forge.ErrInvalid, err.Error())
	}
	return c.failed(call, err)
}

// rootTree is the root tree's own name. GitHub may answer a question that names a commit with the commit's name; then the
// commit has to be read for it.
func (c *Client) rootTree(ctx context.Context, call string, repo forge.Repo, commit forge.SHA, answered string) (forge.SHA, error) {
	if answered != string(commit) {
		return sha(call, answered)
	}
	return c.treeOf(ctx, repo, commit)
}

// treeOf returns the name of a commit's root tree.
func (c *Client) treeOf(ctx context.Context, repo forge.Repo, commit forge.SHA) (forge.SHA, error) {
	call := fmt.Sprintf("reading the commit %s of %s", commit, repo.FullName())
	found, _, err := c.api.Git.GetCommit(ctx, repo.Owner, repo.Name, string(commit))
	if err != nil {
		return "", c.failed(call, err)
	}
	return sha(call, found.GetTree().GetSHA())
}

var errTreeTooLarge = fmt.Errorf("the tree needs more than %d calls", maxTreeCalls)

type treeWalk struct {
	client  *Client
	repo    forge.Repo
	calls   int
	entries []forge.TreeEntry
}

// walk gathers the entries of the tree name below prefix and returns the name under which GitHub answered.
func (w *treeWalk) walk(ctx context.Context, name, prefix string) (string, error) {
	tree, err := w.get(ctx, name, true)
	if err != nil {
		return "", err
	}
	if !tree.GetTruncated() {
		return tree.GetSHA(), w.keep(tree.Entries, prefix, nil)
	}
	if tree, err = w.get(ctx, name, false); err != nil {
		return "", err
	}
	if tree.GetTruncated() { // one directory with more entries than GitHub gives
		return "", errTreeTooLarge
	}
	return tree.GetSHA(), w.keep(tree.Entries, prefix, func(below *gh.TreeEntry) error {
		_, err := w.walk(ctx, below.GetSHA(), prefix+below.GetPath()+"/")
		return err
	})
}

func (w *treeWalk) get(ctx context.Context, name string, recursive bool) (*gh.Tree, error) {
	if w.calls++; w.calls > maxTreeCalls {
		return nil, errTreeTooLarge
	}
	tree, _, err := w.client.api.Git.GetTree(ctx, w.repo.Owner, w.repo.Name, name, recursive)
	return tree, err
}

// keep adds the entries that are no trees, and hands those to below where it is given.
func (w *treeWalk) keep(entries []*gh.TreeEntry, prefix string, below func(*gh.TreeEntry) error) error {
	for _, e := range entries {
		if e.GetType() == "tree" {
			if below == nil {
				continue
			}
			if err := below(e); err != nil {
				return err
			}
			continue
		}
		name, err := forge.ParseSHA(e.GetSHA())
		if err != nil {
			return err
		}
		w.entries = append(w.entries, forge.TreeEntry{Path: prefix + e.GetPath(), SHA: name, Mode: e.GetMode(), Size: int64(e.GetSize())})
	}
	return nil
}

// Blob returns the content of a blob. It fails with forge.ErrInvalid where that is larger than 5 MiB.
func (c *Client) Blob(ctx context.Context, repo forge.Repo, name forge.SHA) ([]byte, error) {
	call := fmt.Sprintf("reading the blob %s of %s", name, repo.FullName())
	if err := refused(call, checkRepo(repo), checkSHA(name)); err != nil {
		return nil, err
	}
	blob, _, err := c.api.Git.GetBlob(ctx, repo.Owner, repo.Name, string(name))
	if err != nil {
		return nil, c.failed(call, err)
	}
	if blob.GetSize() > maxBlob {
		return nil, c.wrap(call, forge.ErrInvalid, fmt.Sprintf("it has %d bytes, and Ferry reads files of up to 5 MiB", blob.GetSize()))
	}
	return c.decode(call, blob.GetEncoding(), blob.GetContent())
}

// decode reads the content of a blob or file. GitHub breaks base64 into lines.
func (c *Client) decode(call, encoding, content string) ([]byte, error) {
	switch encoding {
	case "base64":
		data, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(content, "\n", ""))
		if err != nil {
			return nil, c.wrap(call, forge.ErrUnavailable, "GitHub's answer is no base64: "+err.Error())
		}
		return data, nil
	case "utf-8":
		return []byte(content), nil
	}
	return nil, c.wrap(call, forge.ErrUnavailable, fmt.Sprintf("GitHub answered in the unknown encoding %q", encoding))
}
