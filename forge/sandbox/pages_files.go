package sandbox

import (
	"net/http"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"ferry/forge"
	"ferry/forge/sandbox/bare"
)

// How much of a file and of a patch a page shows, in bytes.
const (
	shownFile  = 256 << 10
	shownPatch = 64 << 10
)

type fileView struct {
	Path, Previous, Status string
	Additions, Deletions   int
	Lines                  []lineView
}

type lineView struct{ Class, Text string }

func fileViews(files []bare.FileChange) []fileView {
	words := map[byte]string{'A': "added", 'D': "removed", 'R': "renamed", 'C': "copied"}
	var list []fileView
	for _, f := range files {
		view := fileView{Path: f.Path, Previous: f.Previous, Status: words[f.Status], Additions: f.Additions, Deletions: f.Deletions}
		patch := f.Patch
		if len(patch) > shownPatch {
			patch = patch[:shownPatch] + "\n… and more"
		}
		for line := range strings.Lines(patch) {
			view.Lines = append(view.Lines, lineView{class(line), strings.TrimSuffix(line, "\n")})
		}
		list = append(list, view)
	}
	return list
}

// class is how a line of a patch is coloured.
func class(line string) string {
	switch line[0] {
	case '+':
		return "add"
	case '-':
		return "del"
	case '@':
		return "hunk"
	}
	return "same"
}

type commitPageView struct {
	commitView
	Repo  string
	Files []fileView
}

func commitPage(v *visit) (any, error) {
	c, err := v.repo.git.Commit(v.repo.resolve(v.param("sha")))
	if err != nil {
		return nil, orMissing(err, fail(http.StatusNotFound, "There is no commit %s in %s.", v.param("sha"), v.repo.fullName()))
	}
	view, err := v.repo.commitView(c.SHA)
	if err != nil {
		return nil, err
	}
	files, err := v.repo.changes(c)
	if err != nil {
		return nil, err
	}
	crumbs := repoCrumbs(v.repo, crumb{forge.SHA(c.SHA).Short(), "/" + v.repo.fullName() + "/commit/" + c.SHA})
	return page{Title: view.Title, Crumbs: crumbs, Body: commitPageView{view, v.repo.fullName(), fileViews(files)}}, nil
}

type filesView struct {
	Repo, Ref, Path string
	Up              string
	Entries         []bare.Entry
	Content         string
	IsFile, Binary  bool
}

// filesPage shows a folder or a file of a branch or commit, whose name may have slashes: the longest that is one counts.
func filesPage(v *visit) (any, error) {
	rest := strings.Trim(v.param("*"), "/")
	ref, at, sha := v.splitRef(rest)
	if sha == "" {
		return nil, fail(http.StatusNotFound, "There is no branch or commit %s in %s.", rest, v.repo.fullName())
	}
	view := filesView{Repo: v.repo.fullName(), Ref: ref, Path: at, Up: strings.TrimPrefix(path.Dir("/"+at), "/")}
	obj, err := v.repo.git.Object(sha + ":" + at)
	if err != nil {
		return nil, orMissing(err, fail(http.StatusNotFound, "There is no %s at %s.", at, ref))
	}
	if obj.Type == "tree" {
		view.Entries, err = v.repo.git.Tree(obj.SHA, false)
		slices.SortStableFunc(view.Entries, func(a, b bare.Entry) int { return strings.Compare(b.Type, a.Type) })
	} else {
		view.IsFile = true
		view.Binary = len(obj.Data) > shownFile || !utf8.Valid(obj.Data)
		view.Content = string(obj.Data)
	}
	crumbs := repoCrumbs(v.repo, crumb{ref, "/" + v.repo.fullName() + "/tree/" + escapePath(ref)})
	return page{Title: path.Join(ref, at), Crumbs: crumbs, Body: view}, err
}

func (v *visit) splitRef(rest string) (ref, at, sha string) {
	parts := strings.Split(rest, "/")
	for n := range len(parts) {
		name := strings.Join(parts[:n+1], "/")
		if found := v.repo.resolve(name); found != "" {
			ref, at, sha = name, strings.Join(parts[n+1:], "/"), found
		}
	}
	return ref, at, sha
}
