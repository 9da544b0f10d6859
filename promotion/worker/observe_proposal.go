package worker

import (
	"context"
	"errors"
	"fmt"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// What is read of a pull request, which anybody may have made: beyond it, its check says that not everything was looked at.
const (
	mostProposedManifests = 50
	mostProposedIncluded  = 100
	maxProposed           = 4 << 20 // bytes of configuration
)

// proposal reads what a pull request makes of the configuration and of the manifests, at its head. It returns nil where it changes neither, and stays
// where that head was looked at before, beside the configuration that is in force.
func (l *look) proposal(ctx context.Context, p forge.PullRequest, files []forge.ChangedFile) (found *promotion.Proposal, stays bool, err error) {
	var manifests []string
	touched := false
	for _, f := range files {
		touched = touched || l.isConfig(f.Path) || f.Previous != "" && l.isConfig(f.Previous)
		if l.config != nil && !f.Removed && len(l.config.Places(f.Path)) > 0 {
			manifests = append(manifests, f.Path)
		}
	}
	if l.config == nil || !touched && len(manifests) == 0 {
		return nil, false, nil
	}
	if stays, err := l.Store.ProposalStays(ctx, l.repo, p.Number, p.HeadSHA); err != nil || stays {
		return nil, stays, err
	}
	out := &promotion.Proposal{Head: p.HeadSHA, Fork: p.HeadRepo != l.repo.Repo.ID}
	judged := l.config
	if touched {
		if judged, err = l.proposedConfig(ctx, out); err != nil {
			return nil, false, err
		}
	}
	if judged == nil {
		return out, false, nil
	}
	return out, false, l.proposedManifests(ctx, judged, out, manifests)
}

// proposedConfig reads the configuration at the head of a pull request; nil where there is none that can be read, and then the proposal says why.
func (l *look) proposedConfig(ctx context.Context, out *promotion.Proposal) (*config.Config, error) {
	file, err := l.fileAt(ctx, config.File, out.Head)
	switch {
	case errors.Is(err, forge.ErrNotFound):
		out.Removed = true
		return nil, nil
	case errors.Is(err, forge.ErrInvalid) || err == nil && file.Symlink:
		out.Findings = []config.Finding{configFinding("it is no plain file, or too large")}
		return nil, nil
	case err != nil:
		return nil, err
	}
	proposed := promotion.ProposedConfig{File: file.Content}
	proposed.Included, err = l.proposedIncluded(ctx, out, file.Content)
	if err == nil && len(out.Findings) == 0 {
		var parsed *config.Config
		if parsed, err = proposed.Parse(); err == nil {
			out.Config = &proposed
			tree, err := l.treeAt(ctx, out.Head)
			if err != nil {
				return nil, err
			}
			out.Findings = parsed.Check(config.Tree{Paths: pathsOf(tree)})
			return parsed, nil
		}
	}
	var wrong config.Errors
	if errors.As(err, &wrong) {
		out.Findings, err = append(out.Findings, wrong.Findings()...), nil
	}
	return nil, err
}

func configFinding(message string) config.Finding {
	return config.Finding{File: config.File, Line: 1, Column: 1, Severity: config.SeverityError, Rule: "not-readable", Message: message}
}

// proposedIncluded reads what the configuration at the head of a pull request includes. What is stored already, as all that it leaves as it is, costs nothing.
func (l *look) proposedIncluded(ctx context.Context, out *promotion.Proposal, content []byte) ([]config.Included, error) {
	in, err := config.Includes(config.File, content)
	if err != nil || in.Empty() {
		return nil, nil // what is wrong with it, the parser says
	}
	tree, err := l.treeAt(ctx, out.Head)
	if err != nil {
		return nil, err
	}
	var entries []forge.TreeEntry
	var shas []forge.SHA
	size := int64(len(content))
	for _, e := range tree.Entries {
		if in.Match(e.Path) {
			entries, shas, size = append(entries, e), append(shas, e.SHA), size+e.Size
		}
	}
	stored, err := l.Store.Blobs(ctx, l.repo.ID, shas)
	if err != nil {
		return nil, err
	}
	if len(entries)-len(stored) > mostProposedIncluded || size > maxProposed {
		out.Findings, out.Cut = append(out.Findings, configFinding("it includes more than is read of a pull request; merged, it is read whole")), true
		return nil, nil
	}
	head := headConfig{}
	err = l.readIncluded(ctx, &head, entries)
	return head.included, err
}

// proposedManifests finds out which of the changed manifests cannot be read as they stand at the head.
func (l *look) proposedManifests(ctx context.Context, judged *config.Config, out *promotion.Proposal, paths []string) error {
	for i, path := range paths {
		if i == mostProposedManifests {
			out.Cut = true
			break
		}
		file, err := l.fileAt(ctx, path, out.Head)
		switch {
		case errors.Is(err, forge.ErrNotFound):
			continue
		case errors.Is(err, forge.ErrInvalid) || err == nil && file.Symlink:
			out.Findings = append(out.Findings, promotion.UnreadableFinding(path, fmt.Sprintf("%s cannot be read: it is no plain file, or too large", path)))
			continue
		case err != nil:
			return err
		}
		out.Manifests++
		for _, place := range judged.Places(path) {
			if _, problem := promotion.ImagesIn(judged, promotion.File{Path: path, Content: file.Content}, place); problem != "" {
				out.Findings = append(out.Findings, promotion.UnreadableFinding(path, problem))
				break
			}
		}
	}
	return nil
}

// fileAt reads a file at the head of a pull request, once in a look.
func (l *look) fileAt(ctx context.Context, path string, head forge.SHA) (forge.File, error) {
	key := string(head) + ":" + path
	if known, ok := l.proposed[key]; ok {
		return known.file, known.err
	}
	file, err := l.client.File(ctx, l.repo.Repo, path, string(head))
	lasting := err == nil || errors.Is(err, forge.ErrNotFound) || errors.Is(err, forge.ErrInvalid)
	if lasting && len(l.proposed) < 2*mostProposedManifests {
		if l.proposed == nil {
			l.proposed = map[string]proposedFile{}
		}
		l.proposed[key] = proposedFile{file, err}
	}
	return file, err
}

// proposedFile is a file as it was read at the head of a pull request, or why it could not be.
type proposedFile struct {
	file forge.File
	err  error
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
