package checkout

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"ferry/promotion"
	"ferry/promotion/config"
)

// ErrNoConfig is the error where no .ferry.yaml stands.
var ErrNoConfig = errors.New("there is no " + config.File)

// Desired is what the files of a checkout desire, by its .ferry.yaml.
type Desired struct {
	Config   *config.Config
	Paths    []string   // of all files of the checkout
	Apps     []App      // by name; also those that the configuration names and that have no file
	Misnamed []Misnamed // by path: what no app can be called, so that nothing of it is promoted
}

// App is one app with what stands in its environments.
type App struct {
	config.App
	Environments []Environment // upstream first; only those in which the app has a manifest
}

// Environment is one environment of an app.
type Environment struct {
	promotion.Environment // with its files, as they stand on disk; no history
	Release               promotion.Release
	Problem               string // why there is no release: the files disagree ("mixed"), or one cannot be read
}

// Misnamed is a path that an entry with discover finds, for a name that no app can have.
type Misnamed struct {
	Path string
	config.Misnamed
}

// Progress is told how many of the manifests are read; from several goroutines, one at a time.
type Progress func(done, total int)

// Config reads .ferry.yaml and the files that it includes. It fails with ErrNoConfig where there is none, with config.Errors where one of them is
// wrong, and with an *UnreadableError where one cannot be read.
func (c *Checkout) Config() (*config.Config, error) {
	content, _, err := c.Read(config.File)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w in %s: `ferry init` writes one from what it recognises; or name another folder with -C", ErrNoConfig, c.Dir)
	case err != nil:
		return nil, err
	}
	included, err := c.included(content)
	if err != nil {
		return nil, err
	}
	return config.Parse(config.File, content, included...)
}

// included reads the files that the configuration includes. More of them than the configuration may have are left for it to complain about.
func (c *Checkout) included(content []byte) ([]config.Included, error) {
	inclusion, err := config.Includes(config.File, content)
	if err != nil || inclusion.Empty() {
		return nil, err
	}
	var out []config.Included
	for _, path := range c.Paths {
		if !inclusion.Match(path) || len(out) > config.MaxIncluded {
			continue
		}
		content, _, err := c.Read(path)
		if err != nil {
			return nil, err
		}
		out = append(out, config.Included{Path: path, Content: content})
	}
	return out, nil
}

// Desired reads the configuration and the manifests it names, in parallel. What is wrong with a single manifest stands
// beside it; it fails where the configuration cannot be read (see Config), and where ctx ends.
func (c *Checkout) Desired(ctx context.Context, progress Progress) (*Desired, error) {
	parsed, err := c.Config()
	if err != nil {
		return nil, err
	}
	d := &Desired{Config: parsed, Paths: c.Paths}
	var claimed []string
	for _, path := range c.Paths {
		if len(parsed.Places(path)) > 0 {
			claimed = append(claimed, path)
		}
		for _, m := range parsed.Misnamed(path) {
			d.Misnamed = append(d.Misnamed, Misnamed{Path: path, Misnamed: m})
		}
	}
	facts, err := c.facts(ctx, parsed, claimed, progress)
	if err != nil {
		return nil, err
	}
	return d, d.assemble(ctx, c, facts)
}

// facts reads the files and finds what stands in them.
func (c *Checkout) facts(ctx context.Context, parsed *config.Config, paths []string, progress Progress) ([]promotion.FileFacts, error) {
	found := make([][]promotion.FileFacts, len(paths))
	var mu sync.Mutex
	done, held := 0, atomic.Int64{}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, path := range paths {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			f := c.file(path)
			if held.Add(int64(len(f.Content))) > c.most {
				return fmt.Errorf("the manifests of %s have more than %d bytes together: does a pattern of %s match more than manifests?", c.Dir, c.most, config.File)
			}
			found[i] = promotion.Placed(parsed, promotion.FileFacts{File: f})
			if progress != nil {
				mu.Lock()
				defer mu.Unlock()
				done++
				progress(done, len(paths))
			}
			return nil
		})
	}
	err := group.Wait()
	return slices.Concat(found...), err
}

// file reads one manifest; what keeps it from being read is its problem.
func (c *Checkout) file(path string) promotion.File {
	f := promotion.File{Path: path}
	content, executable, err := c.Read(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.Problem = path + " is not there"
	case err != nil:
		f.Problem = err.Error()
	}
	f.Content, f.Executable = content, executable
	return f
}

// assemble orders the facts by app and environment.
func (d *Desired) assemble(ctx context.Context, c *Checkout, facts []promotion.FileFacts) error {
	files := map[string]map[string][]promotion.File{}
	for _, f := range facts {
		if files[f.Place.App] == nil {
			files[f.Place.App] = map[string][]promotion.File{}
		}
		files[f.Place.App][f.Place.Environment] = append(files[f.Place.App][f.Place.Environment], f.File)
	}
	for _, name := range d.Config.NamedApps() {
		if files[name] == nil {
			files[name] = nil
		}
	}
	for name, at := range files {
		var paths []string
		for _, list := range at {
			for _, f := range list {
				paths = append(paths, f.Path)
			}
		}
		slices.Sort(paths)
		if app, ok := d.Config.App(name, paths...); ok {
			d.Apps = append(d.Apps, d.app(c, app, at, paths))
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	slices.SortFunc(d.Apps, func(a, b App) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

func (d *Desired) app(c *Checkout, app config.App, files map[string][]promotion.File, paths []string) App {
	out := App{App: app}
	for _, env := range d.Config.EnvironmentsOf(app.Name, paths...) {
		if len(files[env.Name]) == 0 {
			continue
		}
		one := Environment{Environment: promotion.Environment{Environment: env, Mode: env.Mode, Files: files[env.Name]}}
		for _, a := range d.Config.AlsoOf(app.Name, env.Name, paths...) {
			one.Moved = append(one.Moved, promotion.Moved{Also: a, File: c.file(a.Path)})
		}
		one.Release, one.Problem = promotion.Standing(app, one.Files)
		out.Environments = append(out.Environments, one)
	}
	return out
}

// App returns the app of that name, or nil.
func (d *Desired) App(name string) *App {
	i, ok := slices.BinarySearchFunc(d.Apps, name, func(a App, name string) int { return strings.Compare(a.Name, name) })
	if !ok {
		return nil
	}
	return &d.Apps[i]
}

// Find returns what stands in the environment of that name, or nil where the app is not in it.
func (a *App) Find(environment string) *Environment {
	for i := range a.Environments {
		if a.Environments[i].Name == environment {
			return &a.Environments[i]
		}
	}
	return nil
}

// AllFiles returns the manifests of the app in the environment, and then the files with what moves with its releases, each once.
func (e *Environment) AllFiles() []promotion.File {
	out := slices.Clone(e.Files)
	for _, a := range e.Moved {
		if !slices.ContainsFunc(out, func(f promotion.File) bool { return f.Path == a.File.Path }) {
			out = append(out, a.File)
		}
	}
	return out
}
