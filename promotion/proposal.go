package promotion

import (
	"fmt"
	"slices"
	"strings"

	"ferry/forge"
	"ferry/promotion/config"
)

// Proposal is what a pull request of somebody's would make of the configuration and of manifests, as read at its head. Nothing is acted on from it.
type Proposal struct {
	Head      forge.SHA
	From      forge.SHA       // where it left the default branch
	Base      forge.SHA       // the default branch's head beside which it was read, where it changes a part of the configuration
	Config    *ProposedConfig // where it changes a part of the configuration, and what comes out can be read
	Removed   bool            // it removes .ferry.yaml
	Manifests int             // it changes, and they can be looked at
	Files     []ProposedFile  // the manifests that it changes or removes
	Findings  []config.Finding
	Cut       bool   // it changes more than was looked at
	Unseen    bool   // what was not looked at may change any release
	Unknown   string // why not everything could be looked at, as a sentence
	Fork      bool   // it comes from another repository
}

// ProposedFile is a manifest as a pull request would leave it.
type ProposedFile struct {
	Path    string
	Content []byte
	Gone    bool
}

// Apps returns the apps whose manifests the proposal changes, by the names that they have now. Those that it brings are added to all, the apps with the
// paths of their manifests.
func (p Proposal) Apps(will *config.Config, all map[string][]string) (names []string) {
	called := map[string]string{} // the apps of now, by their name then
	for app := range all {
		if now := will.Current(config.Place{App: app}).App; now == app || called[now] == "" {
			called[now] = app
		}
	}
	for _, f := range p.Files {
		for app, paths := range all {
			if slices.Contains(paths, f.Path) {
				names = append(names, app)
			}
		}
		for _, place := range will.Places(f.Path) {
			if called[place.App] == "" {
				called[place.App], all[place.App] = place.App, []string{f.Path}
			}
			names = append(names, called[place.App])
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Sites returns where manifests stand, those of all apps, and where they would.
func (p Proposal) Sites(all map[string][]string) Sites {
	sites := Sites{Before: all}
	mine := func(path string) bool {
		return slices.ContainsFunc(p.Files, func(f ProposedFile) bool { return f.Path == path })
	}
	for _, app := range sortedKeys(all) {
		sites.After = append(sites.After, slices.DeleteFunc(slices.Clone(all[app]), mine)...)
	}
	for _, f := range p.Files {
		if !f.Gone {
			sites.After = append(sites.After, f.Path)
		}
	}
	return sites
}

// ProposedConfig is what a configuration is read from.
type ProposedConfig struct {
	File     []byte
	Included []config.Included
}

// Parse returns the proposed configuration.
func (p ProposedConfig) Parse() (*config.Config, error) {
	return config.Parse(config.File, p.File, p.Included...)
}

// UnreadableFinding returns the finding of a manifest that cannot be read. The problem may begin with its place.
func UnreadableFinding(path, problem string) config.Finding {
	f := config.Finding{File: path, Line: 1, Column: 1, Severity: config.SeverityError, Rule: "manifest-unreadable", Message: problem, Do: "Mend the file as the message says."}
	if rest, ok := strings.CutPrefix(problem, path+":"); ok {
		var line, column int
		if n, err := fmt.Sscanf(rest, "%d:%d:", &line, &column); err == nil && n == 2 {
			_, f.Message, _ = strings.Cut(rest, ": ")
			f.Line, f.Column = line, column
		}
	}
	return f
}
