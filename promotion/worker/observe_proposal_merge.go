package worker

import (
	"context"
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
