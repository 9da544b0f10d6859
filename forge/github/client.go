package github

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"ferry/forge"
)

// Client makes the calls for the repositories of one installation. Every call fails with one of the forge package's errors,
// wrapped with the call and its arguments:
//
//	ErrNotFound, ErrForbidden, *RateLimited, ErrUnavailable   any call
//	ErrUnauthorized                                           any call; also where the installation is gone or suspended
//	ErrInvalid                                                also where an argument is nothing that GitHub could know
//
// What else a call fails with stands at it. It is safe for concurrent use.
type Client struct {
	forge *Forge
	api   *gh.Client
	scope *scoped // nil for the App itself and for a plain token
}

// perPage is the most that GitHub gives at a time.
const perPage = 100

// pages gathers all pages of a list.
func pages[T any](get func(gh.ListOptions) ([]T, *gh.Response, error)) ([]T, error) {
	var all []T
	for page := 1; ; {
		some, resp, err := get(gh.ListOptions{Page: page, PerPage: perPage})
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
		if resp.NextPage <= page {
			return all, nil
		}
		page = resp.NextPage
	}
}

// get makes a call that go-github lacks, or makes in a way that Ferry cannot use. The path is already escaped.
func (c *Client) get(ctx context.Context, path string, into any) error {
	_, err := c.read(ctx, path, into)
	return err
}

// read is get for who needs the answer's header, too.
func (c *Client) read(ctx context.Context, path string, into any) (*gh.Response, error) {
	req, err := c.api.NewRequest("GET", path, nil)
	if err != nil {
		return nil, err
	}
	return c.api.Do(ctx, req, into)
}

// repoPath is the address below a repository; rest is already escaped.
func repoPath(repo forge.Repo, rest string) string {
	return "repos/" + url.PathEscape(repo.Owner) + "/" + url.PathEscape(repo.Name) + "/" + rest
}

var (
	// nameForm is wider than what GitHub allows for owners and repositories, and has nothing that means something in an address.
	nameForm  = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)
	loginForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}(\[bot\])?$`)
	slugForm  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,254}$`)
)

// refused checks a call's arguments, some of which come from files that anybody may have written: what would mean another
// address there is not sent. It returns nil where all checks pass.
func refused(call string, checks ...error) error {
	if err := errors.Join(checks...); err != nil {
		return fmt.Errorf("%s: %w: %w", call, forge.ErrInvalid, err)
	}
	return nil
}

func checkRepo(repo forge.Repo) error {
	for _, name := range []string{repo.Owner, repo.Name} {
		if !nameForm.MatchString(name) || name == "." || name == ".." {
			return fmt.Errorf("%q is not a repository", repo.FullName())
		}
	}
	return nil
}

// checkBranch follows the rules of git-check-ref-format(1) as far as they keep an address in one piece.
func checkBranch(branch string) error {
	bad := branch == "" || len(branch) > 255 || path.Clean("/"+branch) != "/"+branch || strings.Contains(branch, "..")
	if bad || strings.ContainsFunc(branch, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`~^:?*[\`, r) }) {
		return fmt.Errorf("%q is not a branch's name", branch)
	}
	return nil
}

func checkSHA(sha forge.SHA) error {
	if parsed, err := forge.ParseSHA(string(sha)); err != nil || parsed != sha {
		return fmt.Errorf("%q is not a commit, tree or blob: 40 hexadecimal digits are expected", sha)
	}
	return nil
}

func checkPath(file string) error {
	if file == "" || path.Clean("/"+file) != "/"+file || strings.ContainsRune(file, 0) {
		return fmt.Errorf("%q is not the path of a file in a repository", file)
	}
	return nil
}

func checkSlug(slug string) error {
	if !slugForm.MatchString(slug) {
		return fmt.Errorf("%q is not a team's slug", slug)
	}
	return nil
}

func checkLogin(login string) error {
	if !loginForm.MatchString(login) {
		return fmt.Errorf("%q is not an account's name", login)
	}
	return nil
}

// sha reads an object name out of an answer.
func sha(call, text string) (forge.SHA, error) {
	found, err := forge.ParseSHA(text)
	if err == nil && found == "" {
		err = errors.New("an object name is missing")
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w: GitHub's answer: %w", call, forge.ErrUnavailable, err)
	}
	return found, nil
}

func user(u *gh.User) forge.User {
	return forge.User{ID: u.GetID(), Login: u.GetLogin(), Bot: u.GetType() == "Bot"}
}

// repository is what GitHub says of a repository. Its global id is remembered.
func (f *Forge) repository(r *gh.Repository) forge.Repository {
	if r.GetNodeID() != "" {
		f.nodes.Store(r.GetID(), r.GetNodeID())
	}
	return forge.Repository{
		Repo:          forge.Repo{ID: r.GetID(), Owner: r.GetOwner().GetLogin(), Name: r.GetName()},
		DefaultBranch: r.GetDefaultBranch(),
		Archived:      r.GetArchived(),
	}
}
