package worker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
	"ferry/promotion/postgres"
)

// headConfig is the configuration at the head, as it was read.
type headConfig struct {
	file     forge.File
	included []config.Included
	paths    []promotion.IncludedFile
	set      string // see postgres.ConfigName
}

// lookAtConfig reads the configuration where a push changed a part of it, and on a sweep.
func (l *look) lookAtConfig(ctx context.Context) error {
	stored := l.storedConfig(ctx)
	touched, err := l.configTouched(ctx)
	if err != nil {
		return err
	}
	if touched || l.full {
		if off, err := l.readConfig(ctx); err != nil || off {
			return err
		}
	}
	if l.config != nil { // also where the stored one cannot be read any more, and the head has mended that
		return nil
	}
	return stored
}

// readConfig reads the configuration at the head. It returns true where there is none, and Ferry is off.
func (l *look) readConfig(ctx context.Context) (off bool, err error) {
	if l.head == "" {
		return false, nil
	}
	file, err := l.client.File(ctx, l.repo.Repo, config.File, string(l.head))
	if errors.Is(err, forge.ErrNotFound) {
		l.config, l.out.Config = nil, nil
		return true, l.noConfig(ctx)
	}
	if err != nil && !errors.Is(err, forge.ErrInvalid) {
		return false, err
	}
	head := headConfig{file: file}
	if err == nil && !file.Symlink {
		if err := l.includedFiles(ctx, &head); err != nil {
			return false, l.brokenConfig(head, err)
		}
	}
	if l.inForce(head) {
		return false, nil
	}
	return false, l.newConfig(head, err)
}

// inForce says whether what stands at the head is in force already.
func (l *look) inForce(head headConfig) bool {
	return l.config != nil && head.file.SHA == l.repo.ConfigBlob && head.set == l.repo.ConfigSet && l.repo.ConfigProblem == ""
}

// storedConfig reads the configuration that is in force.
func (l *look) storedConfig(ctx context.Context) error {
	if l.repo.ConfigBlob == "" {
		return nil
	}
	parsed, err := l.configs.get(l.repo.ConfigName(), func() (postgres.ConfigContent, error) { return l.Store.ConfigContent(ctx, l.repo.ID) })
	l.config, l.out.Config = parsed, parsed
	if parsed != nil {
		l.inclusions = append(l.inclusions, parsed.Includes())
	}
	return err
}

// configTouched says whether the branch's moves changed .ferry.yaml or a file that it includes: by what is in force, and by what stands at the head
// where that is another.
func (l *look) configTouched(ctx context.Context) (bool, error) {
	if l.repo.ConfigProblem != "" && l.repo.ConfigTried != "" && len(l.paths) > 0 {
		tried, err := l.Store.Blobs(ctx, l.repo.ID, []forge.SHA{l.repo.ConfigTried})
		if err != nil {
			return false, err
		}
		if in, err := config.Includes(config.File, tried[l.repo.ConfigTried]); err == nil {
			l.inclusions = append(l.inclusions, in)
		}
	}
	for path := range l.paths {
		if l.isConfig(path) {
			return true, nil
		}
	}
	return false, nil
}

// isConfig says whether a file is a part of the configuration.
func (l *look) isConfig(path string) bool {
	return path == config.File || slices.ContainsFunc(l.inclusions, func(in config.Inclusion) bool { return in.Match(path) })
}

// includedFiles reads the files that the configuration at the head includes; of those whose content is stored, only the names. It fails with
// config.Errors where one of them is no file to be read.
func (l *look) includedFiles(ctx context.Context, head *headConfig) error {
	in, err := config.Includes(config.File, head.file.Content)
	if err != nil || in.Empty() {
		return nil // what is wrong with it, the parser says
	}
	l.inclusions = append(l.inclusions, in)
	tree, err := l.headTree(ctx)
	if err != nil {
		return err
	}
	var entries []forge.TreeEntry
	for _, e := range tree.Entries {
		if in.Match(e.Path) {
			entries = append(entries, e)
		}
	}
	slices.SortFunc(entries, func(a, b forge.TreeEntry) int { return strings.Compare(a.Path, b.Path) })
	names := sha256.New()
	for _, e := range entries {
		fmt.Fprintf(names, "%q %s\n", e.Path, e.SHA)
		head.paths = append(head.paths, promotion.IncludedFile{Path: e.Path, Blob: e.SHA})
	}
	if len(entries) > 0 {
		head.set = hex.EncodeToString(names.Sum(nil))
	}
	if l.inForce(*head) {
		return nil
	}
	return l.readIncluded(ctx, head, entries)
}

// readIncluded reads the content of the included files. Where there are too many, the parser says so without it.
func (l *look) readIncluded(ctx context.Context, head *headConfig, entries []forge.TreeEntry) error {
	shas := make([]forge.SHA, len(entries))
	for i, e := range entries {
		shas[i] = e.SHA
	}
	if len(entries) > config.MaxIncluded {
		head.included = make([]config.Included, len(entries))
		return nil
	}
	stored, err := l.Store.Blobs(ctx, l.repo.ID, shas)
	if err != nil {
		return err
	}
	for _, e := range entries {
		content, ok := stored[e.SHA]
		switch {
		case e.Mode != "100644" && e.Mode != "100755":
			return config.Errors{{File: e.Path, Line: 1, Column: 1, Message: "it is a symbolic link or a submodule; Ferry reads only files"}}
		case e.Size > config.MaxIncludedSize:
			return config.Errors{{File: e.Path, Line: 1, Column: 1, Message: fmt.Sprintf("the file has %d bytes, more than the %d that are read", e.Size, config.MaxIncludedSize)}}
		case !ok:
			if content, err = l.client.Blob(ctx, l.repo.Repo, e.SHA); err != nil {
				return err
			}
			stored[e.SHA] = content
			l.keep(e.SHA, content)
		}
		head.included = append(head.included, config.Included{Path: e.Path, Content: content})
	}
	return nil
}

// noConfig switches Ferry off where the tree has no .ferry.yaml. A "not found" alone does not prove that: a forge answers so too where it does
// not let Ferry see the file.
func (l *look) noConfig(ctx context.Context) error {
	if l.repo.ConfigBlob == "" && l.repo.ConfigProblem == "" {
		return nil
	}
	if err := l.gone(ctx, config.File); err != nil {
		return err
	}
	l.out.ConfigFacts = &promotion.ConfigFacts{Revision: l.configRevision(nil)}
	return nil
}

// newConfig puts a changed configuration in force; where it is broken the last good one stays, and the problem is told.
func (l *look) newConfig(head headConfig, err error) error {
	var parsed *config.Config
	switch {
	case head.file.Symlink:
		err = fmt.Errorf("%s: it is a symbolic link; Ferry reads only a file", config.File)
	case err == nil:
		parsed, err = config.Parse(config.File, head.file.Content, head.included...)
	}
	if err != nil {
		return l.broken(head, err)
	}
	l.config, l.out.Config, l.full = parsed, parsed, true
	l.out.ConfigFacts = &promotion.ConfigFacts{Blob: head.file.SHA, Set: head.set, Included: head.paths, Revision: l.configRevision(nil)}
	l.keep(head.file.SHA, head.file.Content)
	return nil
}

// brokenConfig tells of included files that cannot be read; any other failure of reading them is tried again.
func (l *look) brokenConfig(head headConfig, err error) error {
	var errs config.Errors
	if !errors.As(err, &errs) {
		return err
	}
	return l.broken(head, errs)
}

// broken tells what is wrong with the configuration at the head, unless it was told on the commit that brought it. The one in force stays.
func (l *look) broken(head headConfig, err error) error {
	problem := plain(err.Error())
	if problem == l.repo.ConfigProblem && head.file.SHA == l.repo.ConfigTried {
		return nil
	}
	l.out.ConfigFacts = &promotion.ConfigFacts{Blob: l.repo.ConfigBlob, Set: l.repo.ConfigSet, Tried: head.file.SHA, Revision: l.configRevision(err), Problem: problem}
	if head.file.SHA != "" && len(head.file.Content) > 0 {
		l.keep(head.file.SHA, head.file.Content)
	}
	return nil
}

// configRevision returns the last pushed commit that changed the file with the first of the errors, else any part of the configuration, where pushes
// told of it; else the head.
func (l *look) configRevision(err error) forge.SHA {
	var errs config.Errors
	if errors.As(err, &errs) && len(errs) > 0 {
		if sha := l.lastPushed(func(path string) bool { return path == errs[0].File }); sha != "" {
			return sha
		}
	}
	if sha := l.lastPushed(l.isConfig); sha != "" {
		return sha
	}
	return l.head
}

// lastPushed returns the last pushed commit that changed a file of the kind; empty where no push tells of one.
func (l *look) lastPushed(is func(path string) bool) forge.SHA {
	for _, p := range slices.Backward(l.pushes) {
		for _, c := range slices.Backward(p.Commits) {
			if slices.ContainsFunc(c.Paths, is) {
				return c.SHA
			}
		}
	}
	return ""
}

// plain makes text that may quote a repository's files fit for the database, which takes neither NUL nor what is no UTF-8.
func plain(s string) string { return strings.ReplaceAll(strings.ToValidUTF8(s, "�"), "\x00", "�") }
