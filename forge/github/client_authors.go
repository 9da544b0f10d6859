package github

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"ferry/forge"
)

// What a commit says of who else made it (docs.github.com, "Creating a commit with multiple authors"), and the addresses by which GitHub hides people's own
// (docs.github.com, "Email addresses reference"); on GitHub Enterprise Server they end in its own host name.
var (
	coAuthor     = regexp.MustCompile(`(?im)^[ \t]*co-authored-by:[^<\n]*<([^>\n]*)>`)
	hiddenPerson = regexp.MustCompile(`(?i)^(?:[0-9]+\+)?([a-z0-9][a-z0-9_-]*(?:\[bot\])?)@users\.noreply\.[a-z0-9.-]+$`)
)

// mostCoAuthors bounds how many trailers of one commit are read.
const mostCoAuthors = 100

// made returns who made a commit of that message, of whom the forge named some itself.
func made(message string, known ...string) forge.Made {
	m := forge.Made{By: appendNew(nil, known...)}
	for _, trailer := range coAuthor.FindAllStringSubmatch(message, mostCoAuthors) {
		hidden := hiddenPerson.FindStringSubmatch(strings.TrimSpace(trailer[1]))
		if hidden == nil {
			m.Unnamed = true
			continue
		}
		m.With = appendNew(m.With, hidden[1])
	}
	m.By = appendNew(m.By, m.With...)
	return m
}

func appendNew(list []string, logins ...string) []string {
	for _, login := range logins {
		if login != "" && !slices.Contains(list, login) {
			list = append(list, login)
		}
	}
	return list
}

const (
	// maxAuthored bounds of how many commits the authors are read in one request.
	maxAuthored = 100
	authorsPart = `authors(first: 100) { nodes { user { login } } }`
)

// CommitAuthors returns whom GitHub knows as the author or a co-author of each of the commits, by login, in one request: it knows by their addresses also
// those whose commits name them by others than its own (docs.github.com, GraphQL, Commit.authors). A commit that it does not show is missing from what is
// returned. Of more than 100 commits the last ones are asked for.
func (c *Client) CommitAuthors(ctx context.Context, repo forge.Repo, commits []forge.SHA) (map[forge.SHA][]string, error) {
	call := fmt.Sprintf("reading who made %d commits of %s", len(commits), repo.FullName())
	commits = commits[max(0, len(commits)-maxAuthored):]
	type authored struct {
		Authors *struct {
			Nodes []struct{ User struct{ Login string } }
		}
	}
	answer, err := ofCommits[authored](ctx, c, query{repo, needContents}, call, commits, authorsPart)
	if err != nil {
		return nil, err
	}
	found := map[forge.SHA][]string{}
	for sha, commit := range answer {
		if commit.Authors == nil {
			continue
		}
		found[sha] = []string{}
		for _, node := range commit.Authors.Nodes {
			if node.User.Login != "" {
				found[sha] = append(found[sha], node.User.Login)
			}
		}
	}
	return found, nil
}

// ofCommits asks in one request for the same part of several commits. One that is not there has none.
func ofCommits[T any](ctx context.Context, c *Client, asked query, call string, commits []forge.SHA, part string) (map[forge.SHA]T, error) {
	checks := []error{checkRepo(asked.repo)}
	var text strings.Builder
	text.WriteString("query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) {")
	for i, sha := range commits {
		checks = append(checks, checkSHA(sha))
		fmt.Fprintf(&text, " c%d: object(oid: %q) { ... on Commit { %s } }", i, sha, part)
	}
	text.WriteString(" } }")
	if err := refused(call, checks...); err != nil {
		return nil, err
	}
	var answer struct{ Repository map[string]T }
	ctx = context.WithValue(ctx, queried{}, asked)
	if err := c.graphql(ctx, call, asked.repo, text.String(), map[string]any{"owner": asked.repo.Owner, "name": asked.repo.Name}, &answer); err != nil {
		return nil, err
	}
	found := map[forge.SHA]T{}
	for i, sha := range commits {
		found[sha] = answer.Repository[fmt.Sprintf("c%d", i)]
	}
	return found, nil
}
