package sandbox

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"
)

// How much a page shows.
const (
	shownCommits = 20
	shownThreads = 30
)

type statusView struct {
	State, Context, Description string
	To                          template.URL
}

type commitView struct {
	SHA, Title, Rest, Author string
	When                     time.Time
	Parents                  []string
	Statuses                 []statusView
	State                    string // of all statuses; empty where there is none
}

type threadView struct {
	Number             int
	Title, Kind, State string
	Author             string
	Created            time.Time
	Comments           int
	Commit             commitView // the head of a pull request
}

func repoCrumbs(r *repository, more ...crumb) []crumb {
	return append([]crumb{{r.fullName(), "/" + r.fullName()}}, more...)
}

func indexPage(v *visit) (any, error) {
	type row struct {
		Name        string
		Pulls       int
		Issues      int
		Commit      commitView
		CloneURL    string
		Description string
	}
	var rows []row
	for _, r := range v.s.st.sortedRepos() {
		commit, err := r.commitView(r.head(r.branch))
		if err != nil {
			return nil, err
		}
		x := row{Name: r.fullName(), Commit: commit, CloneURL: v.s.html("/%s.git", r.fullName())}
		for _, t := range r.threads {
			switch {
			case t.open && t.pull != nil:
				x.Pulls++
			case t.open:
				x.Issues++
			}
		}
		rows = append(rows, x)
	}
	return page{Title: "Repositories", Body: rows}, nil
}

func (r *repository) statusViews(sha string) []statusView {
	var list []statusView
	for _, x := range r.latest(sha) {
		view := statusView{State: x.state, Context: x.context}
		if x.description != nil {
			view.Description = *x.description
		}
		if x.target != nil && safeLink(*x.target) {
			view.To = template.URL(*x.target) // safeLink lets only addresses of pages through
		}
		list = append(list, view)
	}
	return list
}

func (r *repository) commitView(sha string) (commitView, error) {
	c, err := r.git.Commit(sha)
	if err != nil {
		return commitView{}, err
	}
	title, rest, _ := strings.Cut(c.Message, "\n")
	view := commitView{SHA: c.SHA, Title: title, Rest: strings.TrimSpace(rest), Author: c.Author.Name, When: c.Committer.When, Parents: c.Parents, Statuses: r.statusViews(c.SHA)}
	if len(view.Statuses) > 0 {
		view.State = r.combined(c.SHA)
	}
	return view, nil
}

func (r *repository) threadView(t *thread) (threadView, error) {
	view := threadView{Number: t.number, Title: t.title, Kind: "issues", State: t.state(), Author: t.author.login, Created: t.created, Comments: len(t.comments)}
	if t.pull == nil {
		return view, nil
	}
	view.Kind = "pull"
	if t.pull.merged {
		view.State = "merged"
	} else if t.pull.draft && t.open {
		view.State = "draft"
	}
	var err error
	view.Commit, err = r.commitView(t.pull.headSHA)
	return view, err
}

type repositoryView struct {
	Name, CloneURL, Branch string
	Pulls, Done, Issues    []threadView
	Commits                []commitView
	Branches               []branchView
}

type branchView struct {
	Name   string
	Commit commitView
}

func repositoryPage(v *visit) (any, error) {
	r := v.repo
	view := repositoryView{Name: r.fullName(), CloneURL: v.s.html("/%s.git", r.fullName()), Branch: r.branch}
	for _, t := range slices.Backward(r.threads) {
		if t.gone {
			continue
		}
		one, err := r.threadView(t)
		if err != nil {
			return nil, err
		}
		switch {
		case t.pull == nil:
			view.Issues = append(view.Issues, one)
		case t.open:
			view.Pulls = append(view.Pulls, one)
		case len(view.Done) < shownThreads:
			view.Done = append(view.Done, one)
		}
	}
	shas, err := r.git.RevList("--date-order", fmt.Sprintf("--max-count=%d", shownCommits), r.head(r.branch))
	if err != nil {
		return nil, err
	}
	for _, sha := range shas {
		c, err := r.commitView(sha)
		if err != nil {
			return nil, err
		}
		view.Commits = append(view.Commits, c)
	}
	refs, err := r.git.Refs("refs/heads/")
	if err != nil {
		return nil, err
	}
	for _, ref := range refs {
		c, err := r.commitView(ref.SHA)
		if err != nil {
			return nil, err
		}
		view.Branches = append(view.Branches, branchView{strings.TrimPrefix(ref.Name, "refs/heads/"), c})
	}
	return page{Title: r.fullName(), Crumbs: repoCrumbs(r), Body: view}, nil
}
