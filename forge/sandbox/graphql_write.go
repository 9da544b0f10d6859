package sandbox

import (
	"encoding/base64"
	"net/http"
	"strings"

	"ferry/forge/sandbox/bare"
)

// graphqlCreateRef makes a reference (docs.github.com, GraphQL, createRef).
func graphqlCreateRef(c *call, f graphqlField) (object, error) {
	var in struct{ RepositoryID, Name, OID string }
	r, err := c.repoOf(f, &in, &in.RepositoryID, "contents:write")
	if err != nil {
		return nil, err
	}
	if _, err := r.git.Ref(in.Name); err == nil {
		return nil, unprocessable("A ref named \"" + in.Name + "\" already exists in the repository.")
	}
	if err := c.s.createRef(r, in.Name, in.OID, c.client.who); err != nil {
		return nil, err
	}
	return object{"ref": object{"name": strings.TrimPrefix(in.Name, "refs/heads/"), "target": object{"oid": in.OID}}}, nil
}

// repoOf reads the input of a mutation, and returns the repository that it names in id, where the client may do what is needed.
func (c *call) repoOf(f graphqlField, in any, id *string, need string) (*repository, error) {
	if err := f.argument(f.Field, "input", in); err != nil {
		return nil, err
	}
	r, err := c.repoNode(*id)
	if err != nil {
		return nil, err
	}
	return r, c.client.may(r, need)
}

// commitOrder is the input of createCommitOnBranch.
type commitOrder struct {
	Branch          struct{ RepositoryNameWithOwner, BranchName string }
	Message         struct{ Headline, Body string }
	ExpectedHeadOID string
	FileChanges     struct {
		Additions []struct{ Path, Contents string }
	}
}

// graphqlCommit appends a commit to a branch (docs.github.com, GraphQL, createCommitOnBranch): it is the client's, GitHub commits and signs it, and every
// file that it writes is a plain one, whatever it was before.
func graphqlCommit(c *call, f graphqlField) (object, error) {
	var in commitOrder
	if err := f.argument(f.Field, "input", &in); err != nil {
		return nil, err
	}
	r := c.s.st.repo(in.Branch.RepositoryNameWithOwner)
	if r == nil || !c.client.sees(r) {
		return nil, fail(http.StatusNotFound, "Could not resolve to a Repository with the name '%s'.", in.Branch.RepositoryNameWithOwner)
	}
	if err := c.client.may(r, "contents:write"); err != nil {
		return nil, err
	}
	ref := "refs/heads/" + strings.TrimPrefix(in.Branch.BranchName, "refs/heads/")
	before, err := r.git.Ref(ref)
	if err != nil {
		return nil, fail(http.StatusNotFound, "The branch %s does not exist.", in.Branch.BranchName)
	}
	if before != in.ExpectedHeadOID {
		return nil, fail(http.StatusConflict, "Expected branch to point to %q but it did not. Pull and try again.", in.ExpectedHeadOID)
	}
	commit, err := c.commitFiles(r, before, in)
	if err != nil {
		return nil, err
	}
	if err := c.s.moveRef(r, ref, commit.SHA, false, c.client.who); err != nil {
		return nil, err
	}
	return object{"commit": object{"oid": commit.SHA, "tree": object{"oid": commit.Tree}}}, nil
}

// commitFiles writes the ordered files on top of a commit, on no branch yet.
func (c *call) commitFiles(r *repository, parent string, in commitOrder) (bare.Commit, error) {
	var changes []bare.Change
	for _, file := range in.FileChanges.Additions {
		content, err := base64.StdEncoding.DecodeString(file.Contents)
		if err != nil || !goodPath(file.Path) {
			return bare.Commit{}, unprocessable("A path or the contents of a file are not valid")
		}
		shas, err := r.git.WriteBlobs(content)
		if err != nil {
			return bare.Commit{}, err
		}
		changes = append(changes, bare.Change{Path: file.Path, Mode: "100644", SHA: shas[0]})
	}
	base, err := r.git.Commit(parent)
	if err != nil {
		return bare.Commit{}, err
	}
	tree, err := r.git.WriteTree(base.Tree, changes)
	if err != nil {
		return bare.Commit{}, err
	}
	now := c.s.now()
	made := bare.Commit{Tree: tree, Parents: []string{parent}, Author: c.client.who.signature(now), Committer: webFlow(now),
		Message: strings.TrimRight(in.Message.Headline+"\n\n"+in.Message.Body, "\n")}
	if made.SHA, err = r.git.WriteCommit(made); err != nil {
		return bare.Commit{}, err
	}
	r.signed[made.SHA] = true
	return made, nil
}

// graphqlOpenPull opens a pull request (docs.github.com, GraphQL, createPullRequest).
func graphqlOpenPull(c *call, f graphqlField) (object, error) {
	var in struct {
		RepositoryID, BaseRefName, HeadRefName, Title, Body string
		Draft                                               bool
	}
	r, err := c.repoOf(f, &in, &in.RepositoryID, "pull_requests:write")
	if err != nil {
		return nil, err
	}
	t, err := c.s.openPull(r, newPull{Title: in.Title, Body: in.Body, Head: in.HeadRefName, Base: in.BaseRefName, Draft: in.Draft}, c.client.who)
	if err != nil {
		return nil, err
	}
	return object{"pullRequest": c.s.graphqlPull(r, t)}, nil
}

// armingFields are the mutations that tell GitHub to merge a pull request by itself, or take that back.
func armingFields() map[string]func(*call, graphqlField) (object, error) {
	fields := map[string]func(*call, graphqlField) (object, error){}
	for name, act := range map[string]func(*Sandbox, *repository, *thread, *account) error{
		"disablePullRequestAutoMerge": (*Sandbox).disableAutoMerge, "enablePullRequestAutoMerge": (*Sandbox).enableAutoMerge, "dequeuePullRequest": (*Sandbox).dequeue,
		"enqueuePullRequest": (*Sandbox).enqueue,
	} {
		fields[name] = func(c *call, f graphqlField) (object, error) {
			var in struct{ ID, PullRequestID, ExpectedHeadOID string }
			if err := f.argument(f.Field, "input", &in); err != nil {
				return nil, err
			}
			r, t, err := c.pullNode(in.ID + in.PullRequestID) // a mutation has one of them
			if err != nil {
				return nil, err
			}
			if err := c.client.may(r, "pull_requests:write"); err != nil {
				return nil, err
			}
			if in.ExpectedHeadOID != "" && in.ExpectedHeadOID != t.pull.headSHA {
				return nil, unprocessable("The head of the pull request is not what was expected")
			}
			if err := act(c.s, r, t, c.client.who); err != nil {
				return nil, err
			}
			return object{"clientMutationId": nil, "pullRequest": c.s.graphqlPull(r, t)}, nil
		}
	}
	return fields
}
