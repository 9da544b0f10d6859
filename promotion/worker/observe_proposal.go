package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"

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

// proposal reads what the merge of a pull request makes of the configuration and of the manifests. It returns nil where it changes neither, and stays
// where its head was looked at before from where it left the default branch, beside the configuration that is in force and, where it changes that, beside the
// default branch as it stands.
func (l *look) proposal(ctx context.Context, p forge.PullRequest, b brought) (found *promotion.Proposal, stays bool, err error) {
	changed := proposedPaths(b.files)
	touched := slices.ContainsFunc(changed, func(f promotion.ProposedFile) bool { return l.isConfig(f.Path) })
	if l.config == nil || b.unknown == "" && !touched && len(manifestsAmong(changed, l.config)) == 0 {
		return nil, false, nil
	}
	if stays, err := l.Store.ProposalStays(ctx, l.repo, p.Number, p.HeadSHA, b.fork, l.head); err != nil || stays {
		return nil, stays, err
	}
	out := &promotion.Proposal{Head: p.HeadSHA, Fork: p.HeadRepo != l.repo.Repo.ID, From: b.fork, Unseen: b.unknown != "", Unknown: b.unknown}
	m := l.mergeOf(out.Head, changed)
	if !touched {
		return out, false, l.proposedManifests(ctx, l.config, out, m, manifestsAmong(changed, l.config))
	}
	out.Base = l.head
	both, err := l.onBothSides(ctx, b.fork, m)
	if err != nil {
		return nil, false, err
	}
	mixed(out, both, func(path string) bool { return l.isConfig(path) || len(l.config.Places(path)) > 0 })
	judged, err := l.proposedConfig(ctx, out, m)
	if err != nil || judged == nil {
		return out, false, err
	}
	mixed(out, both, func(path string) bool { return judged.Includes().Match(path) || len(judged.Places(path)) > 0 })
	tree, err := l.treeOf(ctx, m)
	if err != nil {
		return nil, false, err
	}
	changed = append(changed, meantOtherwise(l.config, judged, changed, pathsOf(tree))...)
	err = l.proposedManifests(ctx, judged, out, m, manifestsAmong(changed, l.config, judged))
	out.Unseen = out.Unseen || out.Cut
	return out, false, err
}

// meantOtherwise returns the files that a pull request leaves as they are, and whose configuration makes them manifests of a place that has others now, or
// takes them from it: what they say is the place's release then, or is not any more.
func meantOtherwise(was, will *config.Config, changed []promotion.ProposedFile, paths []string) (list []promotion.ProposedFile) {
	before, after := map[string][]config.Place{}, map[string][]config.Place{}
	stands := map[config.Place]bool{}
	for _, path := range paths {
		for _, place := range was.Places(path) {
			place = will.Current(place)
			before[path], stands[place] = append(before[path], place), true
		}
		after[path] = will.Places(path)
	}
	for _, path := range paths {
		moved := func(place config.Place) bool {
			_, stays := will.Environment(place.Environment)
			return stays && stands[place] && slices.Contains(before[path], place) != slices.Contains(after[path], place)
		}
		known := slices.ContainsFunc(changed, func(f promotion.ProposedFile) bool { return f.Path == path })
		if !known && slices.ContainsFunc(slices.Concat(before[path], after[path]), moved) {
			list = append(list, promotion.ProposedFile{Path: path})
		}
	}
	return list
}

// proposedPaths returns the files that a pull request changes, and the former names of those that it renames. Whether those are gone is seen at its head.
func proposedPaths(files []forge.ChangedFile) (list []promotion.ProposedFile) {
	for _, f := range files {
		if f.Previous != "" {
			list = append(list, promotion.ProposedFile{Path: f.Previous})
		}
		list = append(list, promotion.ProposedFile{Path: f.Path, Gone: f.Removed})
	}
	return list
}

// manifestsAmong returns those of the files that are manifests in any of the configurations.
func manifestsAmong(files []promotion.ProposedFile, configs ...*config.Config) (list []promotion.ProposedFile) {
	for _, f := range files {
		if slices.ContainsFunc(configs, func(c *config.Config) bool { return len(c.Places(f.Path)) > 0 }) {
			list = append(list, f)
		}
	}
	return list
}

// proposedConfig reads the configuration that a merge leaves; nil where there is none that can be read, and then the proposal says why.
func (l *look) proposedConfig(ctx context.Context, out *promotion.Proposal, m merge) (*config.Config, error) {
	file, err := l.fileAt(ctx, config.File, m.revisionOf(config.File))
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
	proposed.Included, err = l.proposedIncluded(ctx, out, m, file.Content)
	if err == nil && len(out.Findings) == 0 {
		var parsed *config.Config
		if parsed, err = proposed.Parse(); err == nil {
			out.Config = &proposed
			tree, err := l.treeOf(ctx, m)
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

// proposedIncluded reads what the configuration that a merge leaves includes. What is stored already, as all that stays as it is, costs nothing.
func (l *look) proposedIncluded(ctx context.Context, out *promotion.Proposal, m merge, content []byte) ([]config.Included, error) {
	in, err := config.Includes(config.File, content)
	if err != nil || in.Empty() {
		return nil, nil // what is wrong with it, the parser says
	}
	tree, err := l.treeOf(ctx, m)
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
		out.Unseen = true
		return nil, nil
	}
	head := headConfig{}
	err = l.readIncluded(ctx, &head, entries)
	return head.included, err
}

// proposedManifests reads the changed manifests as a merge leaves them, and finds out which of them cannot be read.
func (l *look) proposedManifests(ctx context.Context, judged *config.Config, out *promotion.Proposal, m merge, files []promotion.ProposedFile) error {
	size := 0
	for i, f := range files {
		if i == mostProposedManifests {
			out.Cut = true
			break
		}
		readable, err := l.proposedManifest(ctx, judged, out, m, &f)
		if err != nil {
			return err
		}
		if !readable {
			continue
		}
		out.Manifests++
		if size += len(f.Content); size > maxProposed {
			out.Cut = true
			break
		}
		out.Files = append(out.Files, f)
	}
	return nil
}

// proposedManifest reads one changed manifest. It returns false where that cannot be looked at, and then the proposal says why.
func (l *look) proposedManifest(ctx context.Context, judged *config.Config, out *promotion.Proposal, m merge, f *promotion.ProposedFile) (readable bool, err error) {
	if f.Gone {
		return true, nil
	}
	file, err := l.fileAt(ctx, f.Path, m.revisionOf(f.Path))
	switch {
	case errors.Is(err, forge.ErrNotFound):
		f.Gone = true
		return true, nil
	case errors.Is(err, forge.ErrInvalid) || err == nil && file.Symlink:
		out.Findings = append(out.Findings, promotion.UnreadableFinding(f.Path, fmt.Sprintf("%s cannot be read: it is no plain file, or too large", f.Path)))
		return false, nil
	case err != nil:
		return false, err
	}
	f.Content = file.Content
	for _, place := range judged.Places(f.Path) {
		if _, problem := promotion.ImagesIn(judged, promotion.File{Path: f.Path, Content: file.Content}, place); problem != "" {
			out.Findings = append(out.Findings, promotion.UnreadableFinding(f.Path, problem))
			break
		}
	}
	return true, nil
}

// fileAt reads a file at a commit, once in a look.
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

// proposedFile is a file as it was read at a commit, or why it could not be.
type proposedFile struct {
	file forge.File
	err  error
}
