package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
	"ferry/promotion/manifest"
)

// lookAtHead reads the default branch's head where a push or a sweep asks for it, and how the branch came there: from the pushes themselves where
// they lead all the way, else from a comparison.
func (l *look) lookAtHead(ctx context.Context) error {
	l.head = l.repo.Head
	if len(l.pushes) == 0 && !l.repo.Sweep && l.repo.Head != "" && !l.full {
		if missing, err := l.missing(ctx, l.merges); err != nil || !missing {
			return err
		}
	}
	head, err := l.client.Head(ctx, l.repo.Repo, l.repo.DefaultBranch)
	if errors.Is(err, forge.ErrNotFound) { // an empty repository
		return nil
	}
	if err != nil {
		return err
	}
	l.head = head
	switch {
	case l.repo.Head == "":
		return l.begin(ctx, head)
	case l.followPushes(head):
		return l.floor(ctx, l.out.Head.Revisions)
	case head == l.repo.Head:
		l.full = l.full || l.repo.Sweep
		return l.floor(ctx, []forge.SHA{head})
	}
	return l.compare(ctx, head)
}

// begin takes the head as it is: the first look, or the first at another default branch.
func (l *look) begin(_ context.Context, head forge.SHA) error {
	l.full = true
	l.out.Head = &promotion.HeadFacts{Branch: l.repo.DefaultBranch, SHA: head, Revisions: []forge.SHA{head}}
	return nil
}

// followPushes walks from the last head along the pushes. Their commits and paths are immutable facts; they count only where they lead to the
// head that was read.
func (l *look) followPushes(head forge.SHA) bool {
	at := l.repo.Head
	var revisions []forge.SHA
	var tree forge.SHA
	paths := map[string]forge.SHA{}
	var steps []step
	for range l.pushes {
		i := slices.IndexFunc(l.pushes, func(p forge.Push) bool { return p.Before == at && p.After != at })
		if i < 0 || at == head {
			break
		}
		p := l.pushes[i]
		if p.Forced || !p.Complete || len(p.Commits) == 0 {
			return false
		}
		s := step{revision: p.After, changed: map[string]forge.SHA{}}
		for _, c := range p.Commits {
			revisions = append(revisions, c.SHA)
			tree = c.Tree
			for _, path := range c.Paths {
				paths[path], s.changed[path] = p.After, unread
			}
		}
		steps = append(steps, s)
		at = p.After
	}
	if at != head || len(revisions) == 0 || revisions[len(revisions)-1] != head {
		return false
	}
	l.paths, l.steps, l.full = paths, steps, l.full || l.repo.Sweep
	l.out.Head = &promotion.HeadFacts{Branch: l.repo.DefaultBranch, SHA: head, Tree: tree, Revisions: revisions}
	return true
}

// compare asks the forge how the branch came to its head.
func (l *look) compare(ctx context.Context, head forge.SHA) error {
	c, err := l.client.Compare(ctx, l.repo.Repo, l.repo.Head, head)
	if err != nil && !errors.Is(err, forge.ErrNotFound) {
		return err
	}
	forced := slices.ContainsFunc(l.pushes, func(p forge.Push) bool { return p.After == head && (p.Forced || p.Before == "") })
	switch {
	case err == nil && c.Relation == forge.Behind && !forced && l.patient():
		return errBelowFloor
	case err == nil && c.Relation == forge.Ahead:
		var revisions []forge.SHA
		for _, one := range c.Commits {
			revisions = append(revisions, one.SHA)
		}
		if len(revisions) == 0 || revisions[len(revisions)-1] != head {
			revisions = append(revisions, head)
		}
		if err := l.floor(ctx, revisions); err != nil {
			return err
		}
		l.out.Head = &promotion.HeadFacts{Branch: l.repo.DefaultBranch, SHA: head, Revisions: revisions}
		l.line, l.compared, l.full, l.unsure = c.Line, c.Commits, l.full || !c.Complete || l.repo.Sweep, !c.Complete
		for _, path := range c.Paths {
			l.paths[path] = l.revisionOf(path, head)
		}
	default: // forced: what was before is not its history any more
		l.full, l.unsure = true, true
		l.out.Head = &promotion.HeadFacts{Branch: l.repo.DefaultBranch, SHA: head, Revisions: []forge.SHA{head}, Reset: true}
	}
	return nil
}

// revisionOf returns the last push that names the path, else the head.
func (l *look) revisionOf(path string, head forge.SHA) forge.SHA {
	for _, p := range slices.Backward(l.pushes) {
		for _, c := range p.Commits {
			if slices.Contains(c.Paths, path) {
				return p.After
			}
		}
	}
	return head
}

// floor fails where a push or a merge told of a head that neither stands in seen nor was seen before: then the read was older than that.
func (l *look) floor(ctx context.Context, seen []forge.SHA) error {
	told := slices.Clone(l.merges)
	for i, p := range l.pushes {
		if p.Forced {
			told = nil
		}
		if !slices.ContainsFunc(l.pushes[i+1:], func(later forge.Push) bool { return later.Forced }) {
			told = append(told, p.After)
		}
	}
	told = slices.DeleteFunc(told, func(sha forge.SHA) bool { return sha == "" || slices.Contains(seen, sha) })
	if !l.patient() {
		return nil
	}
	missing, err := l.missing(ctx, told)
	if err == nil && missing {
		err = errBelowFloor
	}
	return err
}

// missing says whether any of shas is no revision of the branch, as far as Ferry has seen.
func (l *look) missing(ctx context.Context, shas []forge.SHA) (bool, error) {
	if len(shas) == 0 {
		return false, nil
	}
	slices.Sort(shas)
	shas = slices.Compact(shas)
	known, err := l.Store.KnownRevisions(ctx, l.repo.ID, cmp.Or(l.out.BranchBefore, l.repo.DefaultBranch), shas)
	return known < len(shas), err
}

// patient says whether the floors of the pending deliveries are still believed.
func (l *look) patient() bool {
	return l.repo.WaitingSince.IsZero() || l.Now().Sub(l.repo.WaitingSince) < floorPatience
}

// mostSingleReads is up to how many changed manifests are read one by one; beyond it the whole tree is cheaper.
const mostSingleReads = 20

// lookAtFiles reads the manifests that changed, or all of them.
func (l *look) lookAtFiles(ctx context.Context) error {
	if l.config == nil {
		l.out.Full = l.out.ConfigFacts != nil
		return nil
	}
	if err := l.lookAtSteps(ctx); err != nil {
		return err
	}
	if l.full {
		return l.allFiles(ctx)
	}
	if len(l.paths) == 0 {
		return nil
	}
	var changed []string
	for path := range l.paths {
		if l.config.Uses(path) {
			changed = append(changed, path)
		}
	}
	slices.Sort(changed)
	if len(changed) > mostSingleReads {
		return l.allFiles(ctx)
	}
	own, err := l.ownFiles(ctx, changed)
	if err != nil {
		return err
	}
	for _, path := range changed {
		if f, ok := own[path]; ok {
			l.place(f)
			continue
		}
		if err := l.oneFile(ctx, path); err != nil {
			return err
		}
	}
	return nil
}

// ownFiles returns those of the changed files that Ferry wrote itself in a commit with the very tree that a push brought: every file in one tree is
// what it is in the other, and the tree's name is an immutable fact. So a merged promotion needs no read of its files, unless its base had moved.
func (l *look) ownFiles(ctx context.Context, changed []string) (map[string]promotion.FileFacts, error) {
	if len(changed) == 0 || l.out.Head == nil || l.out.Head.Tree == "" {
		return nil, nil
	}
	files, err := l.Store.OwnFiles(ctx, l.repo.ID, l.out.Head.Tree)
	if err != nil || len(files) == 0 {
		return nil, err
	}
	var shas []forge.SHA
	for _, path := range changed {
		if f, ok := files[path]; ok {
			shas = append(shas, f.Blob)
		}
	}
	contents, err := l.Store.Blobs(ctx, l.repo.ID, shas)
	own := map[string]promotion.FileFacts{}
	for _, path := range changed {
		if content, ok := contents[files[path].Blob]; ok {
			own[path] = promotion.FileFacts{Revision: l.paths[path],
				File: promotion.File{Path: path, Blob: files[path].Blob, Executable: files[path].Executable, Content: content}}
		}
	}
	return own, err
}

func (l *look) oneFile(ctx context.Context, path string) error {
	file, err := l.client.File(ctx, l.repo.Repo, path, string(l.head))
	facts := promotion.FileFacts{File: promotion.File{Path: path, Blob: file.SHA, Content: file.Content}, Revision: l.paths[path]}
	switch {
	case errors.Is(err, forge.ErrNotFound):
		if err := l.gone(ctx, path); err != nil {
			return err
		}
		facts.Gone = true
	case errors.Is(err, forge.ErrInvalid):
		facts.Problem = path + " cannot be read: it is no plain file, or too large"
	case err != nil:
		return err
	case file.Symlink:
		facts.Problem = path + " is a symbolic link; Ferry edits only files"
	default:
		l.keep(file.SHA, file.Content)
	}
	l.place(facts)
	return nil
}

// gone fails unless the file is missing in the head's tree. A "not found" alone does not prove that: a forge answers so too where it does not let
// Ferry see a file.
func (l *look) gone(ctx context.Context, path string) error {
	tree, err := l.headTree(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(tree.Entries, func(e forge.TreeEntry) bool { return e.Path == path }) {
		return fmt.Errorf("the forge shows %s in the tree of %s and not the file itself", path, l.head.Short())
	}
	return nil
}

// headTree returns the head's tree, read once.
func (l *look) headTree(ctx context.Context) (forge.Tree, error) {
	if l.tree == nil {
		tree, err := l.client.Tree(ctx, l.repo.Repo, l.head)
		if err != nil {
			return tree, err
		}
		l.tree = &tree
	}
	return *l.tree, nil
}

// allFiles reads the whole tree; of its manifests only those whose content is not stored yet are read.
func (l *look) allFiles(ctx context.Context) error {
	tree, err := l.headTree(ctx)
	if err != nil {
		return err
	}
	l.full, l.out.Full = true, true
	if l.out.Head != nil {
		l.out.Head.Tree = tree.SHA
	}
	var entries []forge.TreeEntry
	var shas []forge.SHA
	for _, e := range tree.Entries {
		if l.config.Uses(e.Path) {
			entries, shas = append(entries, e), append(shas, e.SHA)
		}
	}
	stored, err := l.Store.Blobs(ctx, l.repo.ID, shas)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := l.treeFile(ctx, e, stored); err != nil {
			return err
		}
	}
	return l.check(ctx, tree)
}

// mostFindings is how many findings are told: they are for reading.
const mostFindings = 30

// check compares the configuration with the files. It looks at all of them, as only a changed configuration and a sweep do.
func (l *look) check(ctx context.Context, tree forge.Tree) (err error) {
	t := config.Tree{Images: map[string][]string{}}
	for _, e := range tree.Entries {
		t.Paths = append(t.Paths, e.Path)
	}
	for _, f := range l.out.Files {
		if f.Problem != "" || f.Also || f.Gone {
			continue
		}
		for _, image := range f.Images {
			t.Images[f.Path] = append(t.Images[f.Path], image.Name)
		}
		if len(f.Images) == 0 {
			t.Images[f.Path] = append([]string{}, t.Images[f.Path]...)
		}
	}
	if t.NoTeams, err = l.noTeams(ctx); err != nil {
		return err
	}
	found := l.config.Check(t)
	more := len(found) - mostFindings
	if more > 0 {
		found = append(found[:mostFindings:mostFindings], config.Finding{File: config.File, Line: 1, Column: 1, Severity: config.SeverityWarning,
			Message: fmt.Sprintf("%d more, which `ferry lint` shows on a checkout", more)})
	}
	for i := range found {
		found[i].Message = plain(found[i].Message)
	}
	if found == nil {
		found = []config.Finding{}
	}
	l.out.Findings = &found
	return nil
}

func (l *look) treeFile(ctx context.Context, e forge.TreeEntry, stored map[forge.SHA][]byte) error {
	facts := promotion.FileFacts{File: promotion.File{Path: e.Path, Blob: e.SHA, Executable: e.Mode == "100755"}, Revision: l.paths[e.Path]}
	content, ok := stored[e.SHA]
	switch {
	case e.Mode != "100644" && e.Mode != "100755":
		facts.Problem = e.Path + " is a symbolic link or a submodule; Ferry edits only files"
	case e.Size > manifest.MaxSize:
		facts.Problem = e.Path + " is too large to edit"
	case !ok:
		var err error
		if content, err = l.client.Blob(ctx, l.repo.Repo, e.SHA); err != nil {
			return err
		}
		l.keep(e.SHA, content)
		stored[e.SHA] = content
	}
	facts.Content = content
	l.place(facts)
	return nil
}

// place writes the file down for every app and environment whose manifest it is.
func (l *look) place(f promotion.FileFacts) {
	if f.Revision == "" {
		f.Revision = l.head
	}
	l.out.Files = append(append(l.out.Files, promotion.Placed(l.config, f)...), promotion.AlsoPlaced(l.config, f)...)
}
