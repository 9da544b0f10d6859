package worker

import (
	"context"
	"maps"
	"slices"
	"strings"

	"ferry/forge"
	"ferry/promotion"
)

// merge is what a pull request makes of the default branch: what it does not touch stays as it stands there.
type merge struct {
	base, head forge.SHA
	touched    map[string]bool
}

func (l *look) mergeOf(head forge.SHA, changed []promotion.ProposedFile) merge {
	m := merge{l.head, head, map[string]bool{}}
	for _, f := range changed {
		m.touched[f.Path] = true
	}
	return m
}

// revisionOf returns the commit at which the file stands as the merge leaves it.
func (m merge) revisionOf(path string) forge.SHA {
	if m.touched[path] {
		return m.head
	}
	return m.base
}

// treeOf returns the tree that a merge leaves, by path.
func (l *look) treeOf(ctx context.Context, m merge) (out forge.Tree, err error) {
	theirs, err := l.treeAt(ctx, m.head)
	if err != nil {
		return out, err
	}
	ours, err := l.headTree(ctx)
	if err != nil {
		return out, err
	}
	for _, e := range theirs.Entries {
		if m.touched[e.Path] {
			out.Entries = append(out.Entries, e)
		}
	}
	for _, e := range ours.Entries {
		if !m.touched[e.Path] {
			out.Entries = append(out.Entries, e)
		}
	}
	slices.SortFunc(out.Entries, func(a, b forge.TreeEntry) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}

// treeAt reads the tree at the head of a pull request, once for each.
func (l *look) treeAt(ctx context.Context, head forge.SHA) (forge.Tree, error) {
	if l.proposedTree != nil && l.proposedAt == head {
		return *l.proposedTree, nil
	}
	tree, err := l.client.Tree(ctx, l.repo.Repo, head)
	if err == nil {
		l.proposedTree, l.proposedAt = &tree, head
	}
	return tree, err
}

func pathsOf(tree forge.Tree) []string {
	paths := make([]string, len(tree.Entries))
	for i, e := range tree.Entries {
		paths[i] = e.Path
	}
	return paths
}

// onBothSides returns the files that a pull request changes and the default branch has changed otherwise since the two parted. What a merge makes of them is
// neither side's.
func (l *look) onBothSides(ctx context.Context, fork forge.SHA, m merge) (paths []string, err error) {
	if fork == "" || fork == l.head {
		return nil, nil
	}
	was, err := l.client.Tree(ctx, l.repo.Repo, fork)
	if err != nil {
		return nil, err
	}
	ours, err := l.headTree(ctx)
	if err != nil {
		return nil, err
	}
	theirs, err := l.treeAt(ctx, m.head)
	if err != nil {
		return nil, err
	}
	before, now, then := entriesOf(was), entriesOf(ours), entriesOf(theirs)
	for _, path := range slices.Sorted(maps.Keys(m.touched)) {
		if before[path] != now[path] && now[path] != then[path] {
			paths = append(paths, path)
		}
	}
	return paths, nil
}

func entriesOf(tree forge.Tree) map[string]forge.TreeEntry {
	entries := map[string]forge.TreeEntry{}
	for _, e := range tree.Entries {
		entries[e.Path] = e
	}
	return entries
}

// mixed notes in a proposal that it is not read as it would merge, where a file that counts has changed on both sides.
func mixed(out *promotion.Proposal, both []string, counts func(path string) bool) {
	if at := slices.IndexFunc(both, counts); at >= 0 && !out.Unseen {
		out.Unseen, out.Unknown = true, promotion.MixedWords(both[at])
	}
}
