package github

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	gh "github.com/google/go-github/v60/github"

	"ferry/forge"
)

const (
	// maxComparePages bounds a comparison to 1,000 commits.
	maxComparePages = 10
	// maxCompareFiles is where GitHub cuts a comparison's files (docs.github.com, "Compare two commits").
	maxCompareFiles = 300
)

// Commit returns a commit. It lists the commits from there and takes the first, which unlike reading the commit itself needs
// no diff.
func (c *Client) Commit(ctx context.Context, repo forge.Repo, name forge.SHA) (forge.Commit, error) {
	call := fmt.Sprintf("reading the commit %s of %s", name, repo.FullName())
	if err := refused(call, checkRepo(repo), checkSHA(name)); err != nil {
		return forge.Commit{}, err
	}
	list, _, err := c.api.Repositories.ListCommits(ctx, repo.Owner, repo.Name, &gh.CommitsListOptions{
		SHA: string(name), ListOptions: gh.ListOptions{PerPage: 1},
	})
	if err != nil {
		return forge.Commit{}, c.failed(call, err)
	}
	if len(list) == 0 || list[0].GetSHA() != string(name) {
		return forge.Commit{}, c.wrap(call, forge.ErrNotFound, "GitHub lists no such commit")
	}
	return commit(call, list[0])
}

func commit(call string, r *gh.RepositoryCommit) (forge.Commit, error) {
	found := forge.Commit{
		Message: r.GetCommit().GetMessage(), Author: user(r.GetAuthor()), Committer: user(r.GetCommitter()),
		At: r.GetCommit().GetCommitter().GetDate().UTC(), Verified: r.GetCommit().GetVerification().GetVerified(),
		Made: made(r.GetCommit().GetMessage(), r.GetAuthor().GetLogin(), r.GetCommitter().GetLogin()),
	}
	var err error
	if found.SHA, err = sha(call, r.GetSHA()); err != nil {
		return forge.Commit{}, err
	}
	if found.Tree, err = sha(call, r.GetCommit().GetTree().GetSHA()); err != nil {
		return forge.Commit{}, err
	}
	for _, p := range r.Parents {
		parent, err := sha(call, p.GetSHA())
		if err != nil {
			return forge.Commit{}, err
		}
		found.Parents = append(found.Parents, parent)
	}
	return found, nil
}

// Compare returns how head lies to base. Paths are what head changed since both were one (both names of a renamed file), so
// that there are none where head is behind. At most 1,000 commits and 300 files come; where there are more, Complete is false.
// Two commits that never were one are diverged, with nothing more known.
func (c *Client) Compare(ctx context.Context, repo forge.Repo, base, head forge.SHA) (forge.Comparison, error) {
	call := fmt.Sprintf("comparing %s with %s of %s", head, base, repo.FullName())
	if err := refused(call, checkRepo(repo), checkSHA(base), checkSHA(head)); err != nil {
		return forge.Comparison{}, err
	}
	found, total := forge.Comparison{Complete: true}, 0
	for page := 1; page > 0 && page <= maxComparePages; {
		part, resp, err := c.api.Repositories.CompareCommits(ctx, repo.Owner, repo.Name, string(base), string(head),
			&gh.ListOptions{Page: page, PerPage: perPage})
		if unrelated(err) {
			return forge.Comparison{Relation: forge.Diverged}, nil
		}
		if err != nil {
			return forge.Comparison{}, c.failed(call, err)
		}
		if page == 1 { // files come with the first page only
			found.Relation, total = forge.Relation(part.GetStatus()), part.GetTotalCommits()
			found.Paths, found.Complete = comparedPaths(part.Files), len(part.Files) < maxCompareFiles
		}
		for _, r := range part.Commits {
			one, err := commit(call, r)
			if err != nil {
				return forge.Comparison{}, err
			}
			found.Commits = append(found.Commits, one)
		}
		page = resp.NextPage
	}
	found.Line = line(base, head, found.Commits)
	found.Complete = found.Complete && len(found.Commits) == total
	return found, nil
}

// OnBranch says whether a commit is one that the default branch has, or the head of any branch: of the repository's own, while the forge shows a commit of
// a fork too (docs.github.com, "Compare two commits", "List branches for HEAD commit"). It fails with forge.ErrNotFound where there is no such commit.
func (c *Client) OnBranch(ctx context.Context, repo forge.Repo, at forge.SHA) (bool, error) {
	call := fmt.Sprintf("looking which branch of %s has %s", repo.FullName(), at)
	if err := refused(call, checkRepo(repo), checkSHA(at)); err != nil {
		return false, err
	}
	known, err := c.Repository(ctx, repo)
	if err != nil {
		return false, err
	}
	found, _, err := c.api.Repositories.CompareCommits(ctx, repo.Owner, repo.Name, known.DefaultBranch, string(at), &gh.ListOptions{PerPage: 1})
	if err != nil && !unrelated(err) {
		return false, c.failed(call, err)
	}
	if relation := forge.Relation(found.GetStatus()); relation == forge.Behind || relation == forge.Identical {
		return true, nil
	}
	heads, _, err := c.api.Repositories.ListBranchesHeadCommit(ctx, repo.Owner, repo.Name, string(at))
	return len(heads) > 0, c.failed(call, err)
}

// maxChanges is how many commits GitHub lists of a comparison that is asked for whole (docs.github.com, "Compare two commits").
const maxChanges = 250

// Changes returns the commits that head has and base has not, in one request. Of more than 250 the newest come, but for GitHub's own choice where it
// lists others. Two commits that never were one are diverged, with nothing more known.
func (c *Client) Changes(ctx context.Context, repo forge.Repo, base, head forge.SHA) (forge.Changes, error) {
	call := fmt.Sprintf("reading what %s has that %s has not of %s", head, base, repo.FullName())
	if err := refused(call, checkRepo(repo), checkSHA(base), checkSHA(head)); err != nil {
		return forge.Changes{}, err
	}
	found, _, err := c.api.Repositories.CompareCommits(ctx, repo.Owner, repo.Name, string(base), string(head), nil)
	if unrelated(err) {
		return forge.Changes{Relation: forge.Diverged}, nil
	}
	if err != nil {
		return forge.Changes{}, c.failed(call, err)
	}
	out := forge.Changes{Relation: forge.Relation(found.GetStatus()), Total: found.GetTotalCommits(), Files: changedFiles(found.Files), FilesCut: len(found.Files) >= maxCompareFiles}
	if out.Fork, err = sha(call, found.GetMergeBaseCommit().GetSHA()); err != nil {
		return forge.Changes{}, err
	}
	for _, r := range found.Commits[max(0, len(found.Commits)-maxChanges):] {
		one, err := commit(call, r)
		if err != nil {
			return forge.Changes{}, err
		}
		out.Commits = append(out.Commits, one)
	}
	return out, nil
}

func changedFiles(found []*gh.CommitFile) (files []forge.ChangedFile) {
	for _, f := range found {
		files = append(files, forge.ChangedFile{Path: f.GetFilename(), Previous: f.GetPreviousFilename(), SHA: forge.SHA(f.GetSHA()), Removed: f.GetStatus() == "removed"})
	}
	return files
}

// line walks from head by first parents to base, and returns the commits in between and head, oldest first; nil where it does not come there.
func line(base, head forge.SHA, found []forge.Commit) (line []forge.SHA) {
	firsts := map[forge.SHA]forge.SHA{}
	for _, c := range found {
		if len(c.Parents) > 0 {
			firsts[c.SHA] = c.Parents[0]
		}
	}
	for at := head; at != base; at = firsts[at] {
		if firsts[at] == "" || len(line) > len(firsts) {
			return nil
		}
		line = append(line, at)
	}
	slices.Reverse(line)
	return line
}

// unrelated tells the 404 for commits without a common ancestor, as after a force push of another history, from the one for
// commits that are not there.
func unrelated(err error) bool {
	var answer *gh.ErrorResponse
	return errors.As(err, &answer) && strings.Contains(strings.ToLower(answer.Message), "no common ancestor")
}

func comparedPaths(files []*gh.CommitFile) []string {
	var paths []string
	for _, f := range files {
		paths = append(paths, f.GetFilename())
		if f.GetPreviousFilename() != "" {
			paths = append(paths, f.GetPreviousFilename())
		}
	}
	return paths
}

// CreateCommit makes a commit on no branch and returns it, with its name, tree, parents and message. Neither author nor committer is given, so that GitHub signs an
// App's commits. Where BaseTree is empty, it is read from Parent.
func (c *Client) CreateCommit(ctx context.Context, repo forge.Repo, n forge.NewCommit) (forge.Commit, error) {
	call := fmt.Sprintf("making a commit of %d files in %s on %q", len(n.Files), repo.FullName(), n.Parent)
	if err := refused(call, append(checkFiles(n.Files), checkRepo(repo), checkBases(n))...); err != nil {
		return forge.Commit{}, err
	}
	tree, err := c.createTree(ctx, call, repo, n)
	if err != nil {
		return forge.Commit{}, err
	}
	commit := forge.Commit{Tree: tree, Message: n.Message}
	wanted := &gh.Commit{Message: gh.String(n.Message), Tree: &gh.Tree{SHA: gh.String(string(tree))}}
	if n.Parent != "" {
		wanted.Parents, commit.Parents = []*gh.Commit{{SHA: gh.String(string(n.Parent))}}, []forge.SHA{n.Parent}
	}
	made, _, err := c.api.Git.CreateCommit(ctx, repo.Owner, repo.Name, wanted, nil)
	if err != nil {
		return forge.Commit{}, c.failed(call, err)
	}
	commit.SHA, err = sha(call, made.GetSHA())
	return commit, err
}

func checkFiles(files []forge.NewFile) []error {
	if len(files) == 0 {
		return []error{errors.New("a commit without files was asked for")}
	}
	var all []error
	for _, f := range files {
		all = append(all, checkPath(f.Path))
	}
	return all
}

func checkBases(n forge.NewCommit) error {
	for _, name := range []forge.SHA{n.Parent, n.BaseTree} {
		if name == "" {
			continue
		}
		if err := checkSHA(name); err != nil {
			return err
		}
	}
	return nil
}

func (c *Client) createTree(ctx context.Context, call string, repo forge.Repo, n forge.NewCommit) (forge.SHA, error) {
	base := n.BaseTree
	if base == "" && n.Parent != "" {
		var err error
		if base, err = c.treeOf(ctx, repo, n.Parent); err != nil {
			return "", fmt.Errorf("%s: %w", call, err)
		}
	}
	entries := make([]*gh.TreeEntry, 0, len(n.Files))
	for _, f := range n.Files {
		entry, err := c.treeEntry(ctx, repo, f)
		if err != nil {
			return "", c.failed(call, err)
		}
		entries = append(entries, entry)
	}
	tree, _, err := c.api.Git.CreateTree(ctx, repo.Owner, repo.Name, string(base), entries)
	if err != nil {
		return "", c.failed(call, err)
	}
	return sha(call, tree.GetSHA())
}

// treeEntry gives the content in the tree itself where JSON carries it unchanged, and as a blob made before where it does not.
func (c *Client) treeEntry(ctx context.Context, repo forge.Repo, f forge.NewFile) (*gh.TreeEntry, error) {
	entry := &gh.TreeEntry{Path: gh.String(f.Path), Mode: gh.String("100644"), Type: gh.String("blob")}
	if f.Executable {
		entry.Mode = gh.String("100755")
	}
	if plain(f.Content) {
		entry.Content = gh.String(string(f.Content))
		return entry, nil
	}
	blob, _, err := c.api.Git.CreateBlob(ctx, repo.Owner, repo.Name, &gh.Blob{
		Content: gh.String(base64.StdEncoding.EncodeToString(f.Content)), Encoding: gh.String("base64"),
	})
	if err != nil {
		return nil, err
	}
	entry.SHA = gh.String(blob.GetSHA())
	return entry, nil
}

// plain says whether content is text of which nothing can be lost on the way: UTF-8 without a byte order mark, NUL or the
// replacement character that stands for what was lost elsewhere.
func plain(content []byte) bool {
	odd := []rune{0, '\uFEFF', utf8.RuneError}
	return utf8.Valid(content) && !bytes.ContainsFunc(content, func(r rune) bool { return slices.Contains(odd, r) })
}
