package worker

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// pastFiles replays how the manifests changed along the branch.
func (l *look) pastFiles(ctx context.Context) error {
	r := replay{look: l, files: map[string]forge.SHA{}, past: map[config.Place]*promotion.Past{}, paths: map[config.Place]map[string]bool{}, former: map[string]formerManifest{}}
	for i, c := range l.back.chain {
		changed, err := r.changes(ctx, i)
		if err != nil {
			return err
		}
		if err := r.revision(ctx, int64(i+1), c, changed); err != nil {
			return err
		}
	}
	for _, b := range l.out.Decisions.Baseline {
		r.of(config.Place{App: b.App, Environment: b.Environment})
	}
	for place, past := range r.past {
		past.Begin(l.baseline(place))
		l.back.Past = append(l.back.Past, *past)
	}
	slices.SortFunc(l.back.Past, func(a, b promotion.Past) int { return comparePlaces(a.Place, b.Place) })
	return nil
}

func comparePlaces(a, b config.Place) int {
	return cmp.Or(strings.Compare(a.App, b.App), strings.Compare(a.Environment, b.Environment))
}

// baseline returns what the branch ferry-state says of a place, and at which of the revisions that were read back that was.
func (l *look) baseline(place config.Place) (b *promotion.Baseline, seq int64) {
	list := l.out.Decisions.Baseline
	i := slices.IndexFunc(list, func(b promotion.Baseline) bool { return b.App == place.App && b.Environment == place.Environment })
	if i < 0 {
		return nil, 0
	}
	return &list[i], int64(slices.IndexFunc(l.back.chain, func(c forge.Commit) bool { return c.SHA == list[i].Revision }) + 1)
}

// replay is the manifests as they stood at one revision after the other.
type replay struct {
	*look
	files map[string]forge.SHA // blobs by path
	past  map[config.Place]*promotion.Past
	paths map[config.Place]map[string]bool

	then   *config.Config            // of the revision, where names have changed since
	former map[string]formerManifest // by path: what was a manifest only under names of before
}

// formerManifest is a file that was a manifest before the names changed: by the configuration of then, under the names of now.
type formerManifest struct {
	by     *config.Config
	places []config.Place
}

// placesOf returns whose manifest a file is, or was before names changed, under the names of now.
func (r *replay) placesOf(path string) []config.Place {
	if places := r.config.Places(path); len(places) > 0 {
		return places
	}
	if f, ok := r.former[path]; ok || r.then == nil {
		return f.places
	}
	f := formerManifest{by: r.then}
	for _, place := range r.then.Places(path) {
		if now := r.config.Current(place); now != place {
			f.places = append(f.places, now)
		}
	}
	if len(f.places) > 0 {
		r.former[path] = f
	}
	return f.places
}

// readThen reads the configuration of a revision that changed it, where names have changed since. One that was broken was not in force.
func (r *replay) readThen(ctx context.Context, changed map[string]forge.SHA) error {
	blob := changed[config.File]
	if blob == "" || len(r.config.FormerApps())+len(r.config.FormerEnvironments()) == 0 {
		return nil
	}
	content, err := r.client.Blob(ctx, r.repo.Repo, blob)
	if err != nil {
		return err
	}
	if parsed, err := config.Parse(config.File, content); err == nil {
		r.then = parsed
	}
	return nil
}

// placed returns what stands in a file for a place.
func (r *replay) placed(f promotion.FileFacts, place config.Place) (out []promotion.File) {
	by := r.config
	if was, ok := r.former[f.Path]; ok {
		by = was.by
	}
	for _, one := range promotion.Placed(by, f) {
		if r.config.Current(one.Place) == place {
			out = append(out, one.File)
		}
	}
	return out
}

func (r *replay) of(place config.Place) *promotion.Past {
	if r.past[place] == nil {
		r.past[place], r.paths[place] = &promotion.Past{Place: place}, map[string]bool{}
	}
	return r.past[place]
}

// changes returns the blobs of the manifests that the revision changed; an empty one where the file went. Of the oldest revision that is all there are.
func (r *replay) changes(ctx context.Context, i int) (map[string]forge.SHA, error) {
	c := r.back.chain[i]
	if i > 0 && c.Tree == r.back.chain[i-1].Tree {
		return nil, nil
	}
	changed := map[string]forge.SHA{}
	if i > 0 {
		files, complete, err := r.client.CommitFiles(ctx, r.repo.Repo, c.SHA)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if f.Previous != "" {
				changed[f.Previous] = ""
			}
			if changed[f.Path] = f.SHA; f.Removed {
				changed[f.Path] = ""
			}
		}
		if complete {
			return changed, nil
		}
	}
	tree, err := r.client.Tree(ctx, r.repo.Repo, c.SHA)
	if err != nil {
		return nil, err
	}
	clear(changed)
	for path := range r.files {
		changed[path] = ""
	}
	for _, e := range tree.Entries {
		changed[e.Path] = e.SHA
	}
	return changed, nil
}

// revision notes what stands anew at a revision.
func (r *replay) revision(ctx context.Context, seq int64, c forge.Commit, changed map[string]forge.SHA) error {
	if err := r.readThen(ctx, changed); err != nil {
		return err
	}
	touched := map[config.Place]bool{}
	var brought promotion.Bringers
	for path, blob := range changed {
		if path == config.File || r.isConfig(path) {
			r.back.configAt = c.SHA
		}
		places := r.placesOf(path)
		if len(places) == 0 || r.files[path] == blob {
			continue
		}
		if r.files[path] = blob; blob == "" {
			delete(r.files, path)
		}
		for _, place := range places {
			r.of(place)
			r.paths[place][path] = true
			touched[place] = true
		}
	}
	if len(touched) > 0 {
		var err error
		if brought, err = r.broughtThen(ctx, c, slices.ContainsFunc(slices.Collect(maps.Keys(touched)), r.comesFirst)); err != nil {
			return err
		}
	}
	for _, place := range slices.SortedFunc(maps.Keys(touched), comparePlaces) {
		release, problem, err := r.release(ctx, place)
		if err != nil {
			return err
		}
		r.of(place).Stand(seq, c.SHA, c.At, release, problem)
		r.of(place).Brought(c.SHA, promotion.Bringers{User: bringer(c), Also: brought.Also})
	}
	return nil
}

func (r *replay) release(ctx context.Context, place config.Place) (promotion.Release, string, error) {
	var files []promotion.File
	var paths []string
	for path := range r.paths[place] {
		if r.files[path] != "" {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	for _, path := range paths {
		content, err := r.content(ctx, r.files[path])
		if err != nil {
			return nil, "", err
		}
		files = append(files, r.placed(promotion.FileFacts{File: promotion.File{Path: path, Blob: r.files[path], Content: content}}, place)...)
	}
	app, ok := r.config.App(place.App, paths...)
	if !ok {
		return nil, "", nil
	}
	release, problem := promotion.Standing(app, files)
	return release, problem, nil
}

// content returns a blob's content, and keeps it.
func (l *look) content(ctx context.Context, sha forge.SHA) ([]byte, error) {
	if content, ok := l.out.Blobs[sha]; ok {
		return content, nil
	}
	content, err := l.client.Blob(ctx, l.repo.Repo, sha)
	if err == nil {
		l.keep(sha, content)
	}
	return content, err
}
