// Package lint says everything about a checkout that the server would complain about, and in which words CI systems take it.
package lint

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"ferry/promotion"
	"ferry/promotion/checkout"
	"ferry/promotion/config"
	"ferry/promotion/manifest"
)

// The ids of the rules about manifests. They are stable: people name them in their CI.
const (
	ruleUnreadable    = "manifest-unreadable"
	ruleMixed         = "release-mixed"
	ruleNotEditable   = "manifest-not-editable"
	ruleNoUpstream    = "app-not-upstream"
	ruleNeverChanges  = "tag-never-changes"
	ruleImageNotThere = "image-missing-here"
	ruleNotQuoted     = "tag-not-quoted"
)

// Rules returns every rule, those of the configuration first. The list is the caller's own.
func Rules() []config.Rule {
	return append(config.Rules(),
		config.Rule{ID: ruleUnreadable, Severity: config.SeverityError, About: "A manifest can't be read, so that nothing of its app is promoted from or into the environment.", Do: "Mend the file as the message says."},
		config.Rule{ID: ruleImageNotThere, Severity: config.SeverityError, About: "An app has manifests in an environment, and one of its images stands in none of them.", Do: "Check the image's name there, or give the keys where its tag stands."},
		config.Rule{ID: ruleNotEditable, Severity: config.SeverityError, About: "A manifest can be read, but a promotion into it could not be written.", Do: "Mend the file as the message says."},
		config.Rule{ID: ruleMixed, Severity: config.SeverityWarning, About: "The files of an app in one environment disagree, so that nothing is promoted from there.", Do: "Make them agree; a promotion into the environment does that too."},
		config.Rule{ID: ruleNoUpstream, Severity: config.SeverityWarning, About: "An app stands in an environment but not in the one it would be promoted from.", Do: "Add it there, or give the app a from of its own for this environment."},
		config.Rule{ID: ruleNeverChanges, Severity: config.SeverityWarning, About: "An image stands without a digest under a tag that stays the same, so that nothing new ever shows.", Do: "Write a tag that each build has for itself, or a digest."},
		config.Rule{ID: ruleNotQuoted, Severity: config.SeverityWarning, About: "A tag stands without quotes and is a number or a truth value in YAML, which tools may write otherwise: 1.10 becomes 1.1.", Do: "Put the tag in quotes."},
	)
}

// rule returns the rule of an id.
func rule(id string) config.Rule {
	all := Rules()
	return all[slices.IndexFunc(all, func(r config.Rule) bool { return r.ID == id })]
}

// finding returns a finding against a rule. The problem may begin with the file's place, as those of the manifest package do.
func finding(id, path, problem string) config.Finding {
	r := rule(id)
	f := config.Finding{File: path, Severity: r.Severity, Rule: id, Message: problem, Do: r.Do}
	if rest, ok := strings.CutPrefix(problem, path+":"); ok {
		var line, column int
		if n, err := fmt.Sscanf(rest, "%d:%d:", &line, &column); err == nil && n == 2 {
			_, after, _ := strings.Cut(rest, ": ")
			f.Line, f.Column, f.Message = line, column, after
		} else {
			f.Message = strings.TrimSpace(rest)
		}
	}
	return f
}

// Check returns what is wrong with the configuration and the manifests of a checkout, in the order of their paths. Trial edits that are thrown
// away show which of them could not be promoted into.
func Check(d *checkout.Desired) []config.Finding {
	found := make([][]config.Finding, len(d.Apps)+1)
	found[len(d.Apps)] = d.Config.Check(tree(d))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range d.Apps {
		group.Go(func() error {
			found[i] = checkApp(d.Config, &d.Apps[i])
			return nil
		})
	}
	_ = group.Wait() // none of them fails
	return Sorted(slices.Concat(found...))
}

// tree is what the configuration is checked against.
func tree(d *checkout.Desired) config.Tree {
	images := map[string][]string{}
	for _, app := range d.Apps {
		for _, env := range app.Environments {
			for _, f := range env.Files {
				if f.Problem != "" {
					continue
				}
				for _, image := range f.Images {
					images[f.Path] = append(images[f.Path], image.Name)
				}
				if len(f.Images) == 0 && images[f.Path] == nil {
					images[f.Path] = []string{}
				}
			}
		}
	}
	return config.Tree{Paths: d.Paths, Images: images}
}

// Sorted returns the findings in the order of files and lines, each once.
func Sorted(findings []config.Finding) []config.Finding {
	out := slices.Clone(findings)
	slices.SortStableFunc(out, func(a, b config.Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), strings.Compare(a.Rule, b.Rule), strings.Compare(a.Message, b.Message))
	})
	return slices.Compact(out)
}

// checkApp looks at one app in each of its environments.
func checkApp(c *config.Config, app *checkout.App) []config.Finding {
	var out []config.Finding
	for i := range app.Environments {
		env := &app.Environments[i]
		if slices.ContainsFunc(env.Files, func(f promotion.File) bool { return f.Problem != "" }) {
			out = append(out, checkReading(c, env)...)
			continue
		}
		out = append(out, checkStanding(app, env)...)
		out = append(out, checkQuotes(env)...)
		out = append(out, checkUpstream(app, env)...)
		out = append(out, checkEdit(app, env)...)
	}
	return out
}

// checkReading returns the files that can't be read. Those that two apps claim are the configuration's to say.
func checkReading(c *config.Config, env *checkout.Environment) []config.Finding {
	var out []config.Finding
	for _, f := range env.Files {
		if f.Problem != "" && len(c.Overlap(f.Path)) == 0 {
			out = append(out, finding(ruleUnreadable, f.Path, f.Problem))
		}
	}
	return out
}

// otherNames says under which name the image that is missing in an environment is looked for there, where that is another one.
func otherNames(app *checkout.App, env *checkout.Environment) string {
	for _, image := range app.Images {
		if name := image.NameIn(env.Name); name != image.Name && strings.HasPrefix(env.Problem, image.Name+" ") {
			return fmt.Sprintf("; \"in\" says that %s pulls it as %s", env.Name, name)
		}
	}
	return ""
}

// checkStanding says why no release stands in the environment, or why it would never be seen to change.
func checkStanding(app *checkout.App, env *checkout.Environment) []config.Finding {
	switch {
	case strings.HasPrefix(env.Problem, "mixed"):
		path, at := whereMixed(app, env)
		f := finding(ruleMixed, path, fmt.Sprintf("%s in %s is %s", app.Name, env.Name, env.Problem))
		f.Line, f.Column = at.Line, at.Column
		return []config.Finding{f}
	case env.Problem != "" && !anywhere(app):
		return nil // the configuration names images that are nowhere, which is said at their place there
	case env.Problem != "":
		return []config.Finding{finding(ruleImageNotThere, env.Files[0].Path, fmt.Sprintf("%s in %s: %s%s", app.Name, env.Name, env.Problem, otherNames(app, env)))}
	}
	var out []config.Finding
	for _, image := range env.Release {
		if image.Digest != "" || image.Tag != "" && image.Tag != "latest" {
			continue
		}
		words := "under the tag latest, and no digest"
		if image.Tag == "" {
			words = "without tag and digest"
		}
		path, at := whereStands(env, image.Name)
		f := finding(ruleNeverChanges, path, fmt.Sprintf("%s stands in %s %s: no new release of it will ever show", image.Name, env.Name, words))
		f.Line, f.Column = at.Line, at.Column
		out = append(out, f)
	}
	return out
}

// checkUpstream says where nothing can come from.
func checkUpstream(app *checkout.App, env *checkout.Environment) []config.Finding {
	var missing []string
	for _, from := range env.From {
		if app.Find(from) == nil {
			missing = append(missing, from)
		}
	}
	if len(missing) == 0 || env.FromAny && len(missing) < len(env.From) {
		return nil
	}
	return []config.Finding{finding(ruleNoUpstream, env.Files[0].Path,
		fmt.Sprintf("%s stands in %s but not in %s, so nothing is ever promoted into it", app.Name, env.Name, strings.Join(missing, " and ")))}
}

// probeTag stands for the tag of whatever is promoted next.
const probeTag = "0.0.0-ferry-lint"

// checkEdit tries what a promotion would write: every image gets another tag, and a digest where one comes from upstream.
func checkEdit(app *checkout.App, env *checkout.Environment) []config.Finding {
	if len(env.From) == 0 && (env.Update == "" || env.Update == config.UpdateNone) {
		return nil // Ferry never writes there
	}
	var probe promotion.Release
	for _, image := range app.Images {
		if !stands(env, image.Name) {
			continue
		}
		one := promotion.Image{Name: image.Name, Tag: probeTag}
		if comesWithDigest(app, env, image.Name) {
			one.Digest = "sha256:" + strings.Repeat("0", 64)
		}
		probe = append(probe, one)
	}
	if len(probe) == 0 {
		return nil
	}
	_, err := promotion.Edit(app.App, env.Environment, promotion.NewRelease(probe...))
	if err == nil {
		return nil
	}
	path := env.Files[0].Path
	for _, f := range env.AllFiles() {
		if strings.HasPrefix(err.Error(), f.Path+":") || f.Problem == err.Error() {
			path = f.Path
		}
	}
	one := finding(ruleNotEditable, path, err.Error())
	one.Message = fmt.Sprintf("no promotion of %s into %s can be written: %s", app.Name, env.Name, strings.ReplaceAll(one.Message, "tag "+probeTag, "the next tag"))
	if strings.Contains(one.Message, "("+manifest.KindDigestPinned+")") {
		one.Do = "Write the digest upstream too, so that it comes along, or take it away here."
	}
	return []config.Finding{one}
}

// anywhere says whether every image of the app stands in some environment.
func anywhere(app *checkout.App) bool {
	return !slices.ContainsFunc(app.Images, func(image config.Image) bool {
		return !slices.ContainsFunc(app.Environments, func(env checkout.Environment) bool { return stands(&env, image.Name) })
	})
}

// stands says whether the image stands in any file of the environment.
func stands(env *checkout.Environment, image string) bool {
	return slices.ContainsFunc(env.Files, func(f promotion.File) bool {
		return slices.ContainsFunc(f.Images, func(i promotion.Image) bool { return i.Name == image })
	})
}

// comesWithDigest says whether the image has a digest where it comes from. What CI announces may have one.
func comesWithDigest(app *checkout.App, env *checkout.Environment, image string) bool {
	if len(env.From) == 0 {
		return true
	}
	return slices.ContainsFunc(env.From, func(from string) bool {
		up := app.Find(from)
		return up == nil || slices.ContainsFunc(up.Files, func(f promotion.File) bool {
			return f.Problem != "" || slices.ContainsFunc(f.Images, func(i promotion.Image) bool { return i.Name == image && i.Digest != "" })
		}) // what is wrong upstream is said there
	})
}

// Unreadable returns the finding of a file that can't be read at all.
func Unreadable(path, reason string) config.Finding {
	return finding(ruleUnreadable, path, reason)
}
