package sandbox

import (
	"html/template"
	"slices"
	"strings"
	"time"
)

type commentView struct {
	ID        int64
	Author    string
	Created   time.Time
	Edited    bool
	Body      template.HTML
	Reactions []string
}

type personView struct {
	Login, Role string
	Chosen      bool
}

type pullView struct {
	Head, Base, MergeSHA, MergedBy string
	Armed                          string // who enabled auto-merge
	Mergeable                      string // clean, dirty, or empty where it is not open
	Commits                        []commitView
	Files                          []fileView
	Additions, Deletions           int
}

type threadPageView struct {
	threadView
	Repo     string
	Body     template.HTML
	Pull     *pullView
	Comments []commentView
	People   []personView
	Self     string
	ClosedBy string
	Closed   time.Time
}

func threadPage(v *visit) (any, error) {
	t, err := v.thread()
	if err != nil {
		return nil, err
	}
	one, err := v.repo.threadView(t)
	if err != nil {
		return nil, err
	}
	view := threadPageView{threadView: one, Repo: v.repo.fullName(), Body: markdown(t.body), People: v.people(), Closed: t.closed}
	view.Self = "/" + v.repo.fullName() + "/" + one.Kind + "/" + v.param("number")
	if t.closedBy != nil {
		view.ClosedBy = t.closedBy.login
	}
	for _, c := range t.comments {
		view.Comments = append(view.Comments, v.commentView(c))
	}
	if t.pull != nil {
		if view.Pull, err = v.pullView(t); err != nil {
			return nil, err
		}
	}
	return page{Title: t.title, Crumbs: repoCrumbs(v.repo, crumb{"#" + v.param("number"), view.Self}), Body: view}, nil
}

// people are those a form can be sent as: who may do most stands first, and who acted last is chosen.
func (v *visit) people() []personView {
	var list []personView
	for _, a := range v.s.st.accounts {
		if a.token != "" {
			list = append(list, personView{Login: a.login, Role: v.repo.role(a).String(), Chosen: a.login == v.as})
		}
	}
	slices.SortFunc(list, func(a, b personView) int {
		byRole := int(v.repo.role(v.s.st.account(b.Login))) - int(v.repo.role(v.s.st.account(a.Login)))
		if byRole != 0 {
			return byRole
		}
		return strings.Compare(a.Login, b.Login)
	})
	return list
}

func (v *visit) commentView(c *comment) commentView {
	view := commentView{ID: c.id, Author: c.author.login, Created: c.created, Edited: c.updated.After(c.created), Body: markdown(c.body)}
	faces := map[string]string{"+1": "👍", "-1": "👎", "laugh": "😄", "confused": "😕", "heart": "❤️", "hooray": "🎉", "rocket": "🚀", "eyes": "👀"}
	for _, x := range c.reactions {
		view.Reactions = append(view.Reactions, faces[x.content]+" "+x.author.login)
	}
	return view
}

func (v *visit) pullView(t *thread) (*pullView, error) {
	p := t.pull
	view := &pullView{Head: p.label(v.repo), Base: p.base, MergeSHA: p.mergeSHA}
	if p.auto != nil {
		view.Armed = p.auto.by.login
	}
	if p.mergedBy != nil {
		view.MergedBy = p.mergedBy.login
	}
	if t.open {
		view.Mergeable = "dirty"
		_, clean, err := v.repo.git.MergeTrees(p.baseSHA, p.headSHA)
		if err != nil {
			return nil, err
		}
		if clean {
			view.Mergeable = "clean"
		}
	}
	shas, err := v.repo.pullCommits(t, t.pull.shownBase())
	if err != nil {
		return nil, err
	}
	for _, sha := range shas {
		c, err := v.repo.commitView(sha)
		if err != nil {
			return nil, err
		}
		view.Commits = append(view.Commits, c)
	}
	files, err := v.repo.pullFiles(t, t.pull.shownBase())
	if err != nil {
		return nil, err
	}
	view.Files = fileViews(files)
	for _, f := range files {
		view.Additions += f.Additions
		view.Deletions += f.Deletions
	}
	return view, nil
}
