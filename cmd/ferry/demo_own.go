package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"ferry/forge"
	"ferry/forge/sandbox"
	"ferry/promotion/checkout"
	"ferry/promotion/config"
	"ferry/promotion/manifest"
	"ferry/terminal"
)

// The bounds of a copy: more is no environment repository.
const (
	maxCopiedFiles = 50_000
	maxCopiedBytes = 512 << 20
)

// ownOwner is whose the copy is at the demo's forge.
const ownOwner = "you"

// own is a person's own environment repository: a copy of its files, and the journey of one of its apps.
type own struct {
	from    string   // the person's checkout, which is only read
	dir     string   // the copy
	files   []string // of the copy
	modes   map[string]string
	changed []string // what the copy has otherwise
	desired *checkout.Desired
	journey journey
}

// openOwn copies the checkout of --repo, and chooses the app that is promoted. It fails with what to do where nothing of it can be.
func (d *demo) openOwn(ctx context.Context, getenv func(string) string, stderr io.Writer) error {
	l := &offline{getenv: getenv, stdout: io.Discard, stderr: stderr, dir: d.repo, color: string(terminal.Auto)}
	top, err := checkout.Top(d.repo)
	if err != nil {
		return err
	}
	o := &own{from: top, dir: filepath.Join(d.temporary.path, "copy"), modes: map[string]string{}}
	if err := o.copyFiles(ctx); err != nil {
		return err
	}
	l.dir = o.dir
	if err := o.configure(ctx, l); err != nil {
		return err
	}
	files, err := l.open(ctx)
	if err != nil {
		return err
	}
	defer files.Close() //nolint:errcheck // it was only read
	if o.desired, err = l.desired(ctx, files); err != nil {
		return fmt.Errorf("%w\nferry lint -C %s says more", err, shellQuoted(o.from))
	}
	if o.journey, err = chooseJourney(o.desired, d.app); err != nil {
		return err
	}
	o.narrow()
	d.own, d.scene = o, o.scene()
	return nil
}

// copyFiles copies what git would commit. Symbolic links are copied as such and never followed; what is too big is left out.
func (o *own) copyFiles(ctx context.Context) error {
	c, err := checkout.Open(ctx, o.from)
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // it was only read
	if len(c.Paths) > maxCopiedFiles {
		return fmt.Errorf("%s has %d files, and the demo copies at most %d: name the folder of the environment repository alone", o.from, len(c.Paths), maxCopiedFiles)
	}
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return fmt.Errorf("making the copy: %w", err)
	}
	to, err := os.OpenRoot(o.dir)
	if err != nil {
		return fmt.Errorf("making the copy: %w", err)
	}
	defer to.Close() //nolint:errcheck // what was written was closed by itself
	total, skipped := 0, 0
	for _, path := range c.Paths {
		n, err := o.copyFile(c, to, path)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errNotCopied):
			skipped++
		case err != nil:
			return fmt.Errorf("making the copy: %w", err)
		default:
			o.files = append(o.files, path)
		}
		if total += n; total > maxCopiedBytes {
			return fmt.Errorf("%s has more than %d MiB, which the demo does not copy: name the folder of the environment repository alone", o.from, maxCopiedBytes>>20)
		}
	}
	if skipped > 0 {
		o.changed = append(o.changed, fmt.Sprintf("%s left out: submodules, and files beyond %d MiB", plural(skipped, "path is", "paths are"), manifest.MaxSize>>20))
	}
	return nil
}

// errNotCopied is the error of a path that the copy does without.
var errNotCopied = errors.New("not copied")

func (o *own) copyFile(c *checkout.Checkout, to *os.Root, path string) (size int, err error) {
	info, err := c.Stat(path)
	if err != nil {
		return 0, errNotCopied // gone, or behind a symbolic link
	}
	name := filepath.FromSlash(path)
	if err := to.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return 0, err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(filepath.Join(c.Dir, name))
		if err != nil {
			return 0, errNotCopied
		}
		o.modes[path] = "120000"
		return len(target), to.Symlink(target, name)
	}
	content, executable, err := c.Read(path)
	if err != nil {
		return 0, errNotCopied
	}
	if executable {
		o.modes[path] = "100755"
	}
	return len(content), to.WriteFile(name, content, 0o600)
}

// configure makes a .ferry.yaml where there is none. An existing one is made one with which a demo ends within a minute.
func (o *own) configure(ctx context.Context, l *offline) error {
	c, err := checkout.Open(ctx, o.dir)
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // what was written was closed by itself
	content, _, err := c.Read(config.File)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		found, looked, err := l.survey(ctx, c, filepath.Base(o.from))
		if err != nil {
			return err
		}
		if len(found.Apps) == 0 {
			return fmt.Errorf("%w in %s of %s: ferry init -C %s says what is missing", errNothing, plural(looked, "file", "files"), o.from, shellQuoted(o.from))
		}
		o.files = append(o.files, config.File)
		o.changed = append(o.changed, "it has a "+config.File+" as ferry init writes it: the checkout has none")
		return c.Create(config.File, []byte(found.Configuration()), false)
	case err != nil:
		return err
	}
	softer, why := soften(content)
	o.changed = append(o.changed, why...)
	return c.Create(config.File, softer, true)
}

// soften changes settings that would keep a demo from its end within a minute, and says which.
func soften(content []byte) (softer []byte, why []string) {
	lines := strings.SplitAfter(string(content), "\n")
	if whole := len(lines); whole > 0 {
		if lines = withoutChecks(lines); len(lines) < whole {
			why = append(why, checksSoftened)
		}
	}
	for _, s := range softenings() {
		found := false
		for i, line := range lines {
			if !strings.HasPrefix(strings.TrimSpace(line), "#") && s.found.MatchString(line) {
				lines[i], found = s.found.ReplaceAllString(line, s.with), true
			}
		}
		if found && !slices.Contains(why, s.why) {
			why = append(why, s.why)
		}
	}
	return []byte(strings.Join(lines, "")), why
}

const checksSoftened = "no check is asked for there: nobody posts one"

var blockOfChecks = regexp.MustCompile(`^( *)((?:- +)?)checks:\s*(?:#.*)?\n?$`)

// withoutChecks leaves out the lists of checks that stand one to a line.
func withoutChecks(lines []string) (kept []string) {
	for i := 0; i < len(lines); i++ {
		m := blockOfChecks.FindStringSubmatch(lines[i])
		if m == nil {
			kept = append(kept, lines[i])
			continue
		}
		column := len(m[1]) + len(m[2])
		if m[2] != "" { // it is the first key of its mapping, whose dash must stay
			kept = append(kept, m[1]+m[2]+"checks: []\n")
		}
		for i+1 < len(lines) {
			next := strings.TrimLeft(lines[i+1], " ")
			indent := len(lines[i+1]) - len(next)
			if strings.TrimSpace(next) != "" && !strings.HasPrefix(next, "#") && indent <= column && !(indent == column && strings.HasPrefix(next, "- ")) {
				break
			}
			i++
		}
	}
	return kept
}

// softening is a setting that would keep a demo from its end.
type softening struct {
	found *regexp.Regexp
	with  string
	why   string
}

func softenings() []softening {
	return []softening{
		{regexp.MustCompile(`((?:^|[\s{,])soak:\s*)["']?[0-9][0-9a-z.]*["']?`), "${1}1s", "every soak takes one second there"},
		{regexp.MustCompile(`((?:^|[\s{,])window:\s*)["']?[0-9][0-9a-z.]*["']?`), "${1}1s", "every window takes one second there"},
		{regexp.MustCompile(`((?:^|[\s{,])mode:\s*)["']?observe["']?`), "${1}propose", "mode: observe is propose there"},
		{regexp.MustCompile(`((?:^|[\s{,])merge:\s*)["']?auto["']?`), "${1}manual", "merge: auto is manual there"},
		{regexp.MustCompile(`((?:^|[\s{,])rollback:\s*)["']?(?:pr|auto)["']?`), "${1}manual", "rollback: pr and auto are manual there"},
		{regexp.MustCompile(`((?:^|[\s{,])approvals:\s*)[0-9]+`), "${1}0", "nobody has to approve there"},
		{regexp.MustCompile(`((?:^|[\s{,])draft:\s*)true`), "${1}false", "no pull request is a draft there"},
		{regexp.MustCompile(`((?:^|[\s{,])(?:policy|rule):\s*)(?:'(?:[^']|'')*'|"(?:[^"\\]|\\.)*"|[^\s'"|>{}\[\]&*][^,}\n]*)`), `${1}"true"`, "every policy on one line holds there"},
		{regexp.MustCompile(`((?:^|[\s{,])checks:\s*)\[[^\]]+\]`), "${1}[]", checksSoftened},
	}
}

// A copy of more files than this has some of the apps only: one machine plays forge, server, database and every agent at once.
const (
	manyFiles = 2_000
	someApps  = 40
)

// narrow leaves out of a big copy what the journey does not need, but for some apps around it.
func (o *own) narrow() {
	if len(o.files) <= manyFiles {
		return
	}
	kept := map[string]bool{o.journey.app.Name: true}
	for _, app := range o.desired.Apps[:min(someApps, len(o.desired.Apps))] {
		kept[app.Name] = true
	}
	c := o.desired.Config
	o.files = slices.DeleteFunc(o.files, func(path string) bool {
		return path != config.File && !c.Reads(path) || slices.ContainsFunc(c.Places(path), func(p config.Place) bool { return !kept[p.App] })
	})
	o.changed = append(o.changed, fmt.Sprintf("it has %d of %s, and only the files that .ferry.yaml names: enough to look at", len(kept), plural(len(o.desired.Apps), "app", "apps")))
}

// scene returns what the demo plays on with the copy.
func (o *own) scene() scene {
	s := scene{owner: ownOwner, name: repositoryName(o.from), found: o.found, read: readApps, runsApps: true, paths: func(string) []string { return nil }}
	for _, e := range o.desired.Config.Order() {
		for _, cluster := range e.Clusters {
			s.places = append(s.places, spot{e.Name, cluster})
		}
	}
	return s
}

// repositoryName makes a name that the forge takes of a folder's.
func repositoryName(dir string) string {
	name := strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r) {
			return r
		}
		return '-'
	}, filepath.Base(dir)), ".-")
	if name = strings.TrimSuffix(name, ".git"); name == "" {
		return "environments"
	}
	return name
}

// found makes the people and the copy's repository.
func (o *own) found(s *sandbox.Sandbox) (map[string]forge.SHA, error) {
	for _, login := range []string{demoReleaser, demoThirdClient} {
		s.AddUser(login)
	}
	first := sandbox.Edit{Message: "A copy of " + o.from, Files: map[string]string{}, Modes: o.modes}
	for _, path := range o.files {
		name := filepath.Join(o.dir, filepath.FromSlash(path))
		if o.modes[path] == "120000" {
			target, err := os.Readlink(name)
			if err != nil {
				return nil, err
			}
			first.Files[path] = target
			continue
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		first.Files[path] = string(content)
	}
	name := repositoryName(o.from)
	if _, err := s.AddRepositoryWith(ownOwner, name, first); err != nil {
		return nil, err
	}
	return nil, s.SetPermission(ownOwner+"/"+name, demoReleaser, forge.PermissionWrite)
}

// readApps returns the versions of the apps that a checkout wants in an environment.
func readApps(dir, environment string) (map[string]string, error) {
	c, err := checkout.Open(context.Background(), dir)
	if err != nil {
		return nil, err
	}
	defer c.Close() //nolint:errcheck // it was only read
	desired, err := c.Desired(context.Background(), nil)
	if err != nil {
		return nil, err
	}
	versions := map[string]string{}
	for i := range desired.Apps {
		app := &desired.Apps[i]
		if env := app.Find(environment); env != nil && env.Problem == "" {
			versions[app.Name] = env.Release.Version()
		}
	}
	return versions, nil
}
