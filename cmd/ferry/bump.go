package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ferry/promotion"
	"ferry/promotion/checkout"
	"ferry/terminal"
)

func newBumpCommand(getenv func(string) string, stdout, stderr io.Writer) *cobra.Command {
	l := &offline{getenv: getenv, stdout: stdout, stderr: stderr, outputs: []string{"text", "json"}}
	var environment string
	var dryRun bool
	c := &cobra.Command{
		Use:   "bump --environment NAME APP[/IMAGE]=TAG[@DIGEST]…",
		Short: "Write a release into the files of one environment",
		Long: `Edits the manifests of a checkout in place: tag and digest change, and no
other byte does. All files are written or none; where any of them cannot be
edited safely, none is, and the reason names file, line and column.

APP=TAG sets every image of the app, where it has one or all have the same tag
now; APP/IMAGE=TAG sets one of several, by its name or the last part of it. A
digest is written only where one stands already, and has to be given there.`,
		Example: `  ferry bump --environment staging checkout=1.4.2
  ferry bump --environment staging checkout=1.4.2@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
  ferry bump --environment prod shop/frontend=2.0.1 shop/backend=2.0.3 --dry-run`,
		Args: func(c *cobra.Command, args []string) error { return usageIf(cobra.MinimumNArgs(1)(c, args)) },
	}
	c.ValidArgsFunction = l.completeBumps
	c.Flags().StringVarP(&environment, "environment", "e", "", "the environment whose files are edited")
	c.Flags().BoolVarP(&dryRun, "dry-run", "n", false, "show the diff, and write nothing")
	if err := c.RegisterFlagCompletionFunc("environment", l.completeEnvironments); err != nil {
		panic(err) // the flag stands three lines above
	}
	return newLocalCommand(c, l, "refused, and not a byte was changed", func(ctx context.Context, args []string) error {
		if environment == "" {
			return &usageError{errors.New("--environment is missing: name the environment whose files are to be edited")}
		}
		asked := make([]asked, len(args))
		for i, arg := range args {
			var err error
			if asked[i], err = parseAsked(arg); err != nil {
				return &usageError{err}
			}
		}
		files, err := l.open(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = files.Close() }() // what is written is closed by itself
		desired, err := l.desired(ctx, files)
		if err != nil {
			return err
		}
		b, err := makeBump(desired, environment, asked)
		if err == nil && !dryRun {
			err = files.Replace(b.changes)
		}
		return l.tellBump(b, dryRun, err)
	})
}

// asked is one argument: what is to stand where.
type asked struct {
	app, image string // image is "" for every image of the app
	to         promotion.Image
}

// wholeDigest is what a person may give as a digest: one that names an image whole, not a part of it that was copied.
var wholeDigest = regexp.MustCompile(`^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$`)

// parseAsked reads APP[/IMAGE]=TAG[@DIGEST].
func parseAsked(arg string) (asked, error) {
	what, to, ok := strings.Cut(arg, "=")
	app, image, one := strings.Cut(what, "/")
	tag, digest, pinned := strings.Cut(to, "@")
	switch {
	case !ok || app == "" || one && image == "":
		return asked{}, fmt.Errorf("%q: write APP=TAG, APP/IMAGE=TAG or APP=TAG@DIGEST", arg)
	case tag == "" && !pinned || tag != "" && !promotion.IsTag(tag):
		return asked{}, fmt.Errorf("%q: %q cannot be a tag: those have up to 128 of the characters A-Z a-z 0-9 _ . - and begin with none of the last two", arg, tag)
	case pinned && !wholeDigest.MatchString(digest):
		return asked{}, fmt.Errorf("%q: %q cannot be a digest: write sha256: and 64 hexadecimal digits", arg, digest)
	}
	return asked{app: app, image: image, to: promotion.Image{Tag: tag, Digest: digest}}, nil
}

// localBump is what `ferry bump` does. Its JSON is for other people's programs: fields are added to it, and never renamed.
type localBump struct {
	Environment string       `json:"environment"`
	DryRun      bool         `json:"dry_run"`
	Written     bool         `json:"written"`
	Bumps       []oneBump    `json:"bumps"`
	Files       []fileDiff   `json:"files"`
	Error       *errorReport `json:"error,omitempty"`
	changes     []checkout.Change
}

type oneBump struct {
	App string            `json:"app"`
	Old promotion.Release `json:"old,omitempty"`
	New promotion.Release `json:"new"`
}

// errorReport is a reason with the place it is about, where there is one.
type errorReport struct {
	Message string `json:"message"`
	Path    string `json:"path,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
}

// makeBump makes every edit in memory. It fails at the first that cannot be made.
func makeBump(d *checkout.Desired, environment string, all []asked) (*localBump, error) {
	b := &localBump{Environment: environment, Bumps: []oneBump{}, Files: []fileDiff{}}
	if _, ok := d.Config.Environment(environment); !ok {
		return b, unknownEnvironment(d.Config, environment)
	}
	releases := map[string]promotion.Release{}
	var order []string
	for _, a := range all {
		app := d.App(a.app)
		if app == nil {
			return b, unknownApp(d, a.app)
		}
		env := app.Find(environment)
		if env == nil {
			return b, fmt.Errorf("%s has no manifest in %s%s", a.app, environment, whereElse(app))
		}
		images, err := a.images(app, env)
		if err != nil {
			return b, err
		}
		if !slices.Contains(order, a.app) {
			order = append(order, a.app)
		}
		for _, image := range images {
			if old, given := releases[a.app].Image(image.Name); given && old != image {
				return b, &usageError{fmt.Errorf("%s is to become both %s and %s", image.Name, old, image)}
			} else if !given {
				releases[a.app] = append(releases[a.app], image)
			}
		}
	}
	for _, name := range order {
		if err := b.edit(d.App(name), environment, releases[name]); err != nil {
			return b, err
		}
	}
	return b, nil
}

// images returns the images that are asked for, as they are to become.
func (a asked) images(app *checkout.App, env *checkout.Environment) ([]promotion.Image, error) {
	var out []promotion.Image
	var names []string
	for _, image := range app.Images {
		names = append(names, image.Name)
		if a.image == "" || image.Name == a.image || image.Name[strings.LastIndexByte(image.Name, '/')+1:] == a.image {
			out = append(out, promotion.Image{Name: image.Name, Tag: a.to.Tag, Digest: a.to.Digest})
		}
	}
	switch {
	case len(out) == 0:
		return nil, &usageError{fmt.Errorf("%s has no image %q; it has %s", app.Name, a.image, strings.Join(names, ", "))}
	case a.image != "" && len(out) > 1:
		return nil, &usageError{fmt.Errorf("%s has several images %q; write the whole name: %s", app.Name, a.image, strings.Join(names, ", "))}
	case len(out) > 1 && a.to.Digest != "":
		return nil, &usageError{fmt.Errorf("%s has %d images, which cannot share one digest; name each: %s/IMAGE=TAG@DIGEST with %s", app.Name, len(out), app.Name, strings.Join(names, ", "))}
	case len(out) > 1 && !oneTag(env.Release):
		return nil, &usageError{fmt.Errorf("the images of %s do not share one tag in %s (%s); name each: %s/IMAGE=TAG with %s",
			app.Name, env.Name, standsWords(env), app.Name, strings.Join(names, ", "))}
	}
	return out, nil
}

// oneTag says whether all images have the same tag.
func oneTag(r promotion.Release) bool {
	return len(r) > 0 && !slices.ContainsFunc(r, func(i promotion.Image) bool { return i.Tag != r[0].Tag })
}

func standsWords(env *checkout.Environment) string {
	if env.Problem != "" {
		return env.Problem
	}
	return env.Release.Version()
}

// whereElse names the environments that the app is in.
func whereElse(app *checkout.App) string {
	var names []string
	for _, env := range app.Environments {
		names = append(names, env.Name)
	}
	if len(names) == 0 {
		return ", nor in any other environment; `ferry lint` says more"
	}
	return "; it has in " + strings.Join(names, ", ")
}

// edit makes the edits of one app. What stands as asked already is no error.
func (b *localBump) edit(app *checkout.App, environment string, release promotion.Release) error {
	env := app.Find(environment)
	one := oneBump{App: app.Name, New: promotion.NewRelease(release...)}
	if env.Problem == "" {
		one.Old, one.New = env.Release, env.Release
		for _, image := range release {
			one.New = one.New.With(image)
		}
	}
	b.Bumps = append(b.Bumps, one)
	if err := standsThere(env, release); err != nil {
		return err
	}
	files, err := promotion.Edit(app.App, env.Environment, release)
	if err != nil && !errors.Is(err, promotion.ErrNoChange) {
		return err
	}
	before := env.AllFiles()
	b.Files = append(b.Files, fileDiffs(before, files, true)...)
	for _, f := range files {
		i := slices.IndexFunc(before, func(old promotion.File) bool { return old.Path == f.Path })
		b.changes = append(b.changes, checkout.Change{Path: f.Path, Before: before[i].Content, After: f.Content})
	}
	return nil
}

// standsThere fails where an image stands in no file of the environment: nothing would be written, and the release would not stand there.
func standsThere(env *checkout.Environment, release promotion.Release) error {
	for _, image := range release {
		var paths []string
		for _, f := range env.Files {
			if f.Problem != "" || slices.ContainsFunc(f.Images, func(i promotion.Image) bool { return i.Name == image.Name }) {
				paths = nil // the edit says what is wrong with a file that cannot be read
				break
			}
			paths = append(paths, f.Path)
		}
		if len(paths) > 0 {
			return fmt.Errorf("%s stands in none of %s", image.Name, strings.Join(paths, ", "))
		}
	}
	return nil
}

// tellBump says what was done, or why nothing was.
func (l *offline) tellBump(b *localBump, dryRun bool, err error) error {
	b.DryRun, b.Written = dryRun, err == nil && !dryRun && len(b.changes) > 0
	if l.isJSON() {
		if err != nil {
			b.Error, b.Files = reportOf(err), []fileDiff{}
		}
		return errors.Join(err, l.print(b))
	}
	if err != nil {
		return nothingWritten(err)
	}
	p := l.printer(l.stdout)
	for _, f := range b.Files {
		p.Diff(f.Diff)
	}
	if len(b.Files) > 0 {
		p.Printf("\n")
	}
	for _, one := range b.Bumps {
		p.Printf("%s in %s: %s\n", p.Paint(terminal.Strong, one.App), b.Environment, one.words())
	}
	switch {
	case len(b.Files) == 0:
		p.Printf("Nothing to write: it stands so already.\n")
	case dryRun:
		p.Printf("Nothing was written (--dry-run); %s would change.\n", plural(len(b.Files), "file", "files"))
	default:
		p.Printf("%s written.\n", plural(len(b.Files), "file", "files"))
	}
	return nil
}

// nothingWritten says so too, unless the reason does or the call was wrong.
func nothingWritten(err error) error {
	const words = "nothing was written"
	var usage *usageError
	if errors.As(err, &usage) || strings.HasPrefix(err.Error(), words) {
		return err
	}
	return fmt.Errorf("%w\n%s", err, words)
}

func (o oneBump) words() string {
	if o.Old == nil {
		return "→ " + o.New.Version()
	}
	return o.Old.Version() + " → " + o.New.Version()
}
