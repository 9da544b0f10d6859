package promotion

import (
	"regexp"
	"slices"

	"ferry/forge"
)

// tagCommit finds the commit a tag names: sha-<commit>, or …-<commit>. Only a whole name is taken; a short one could be another commit's.
var tagCommit = regexp.MustCompile(`(?:^|-)(?:sha-)?([0-9a-f]{40})$`)

// CommitOfTag returns the commit a tag names in full, or "".
func CommitOfTag(tag string) forge.SHA {
	if m := tagCommit.FindStringSubmatch(tag); m != nil {
		commit, _ := forge.ParseSHA(m[1]) // all zeros name none
		return commit
	}
	return ""
}

// AddTagSources completes Sources: what CI announced was built from the app's source repository; and where it gave no commit, the tag may name one.
func (s *Snapshot) AddTagSources() {
	if s.App.Source == "" {
		return
	}
	for i := range s.Sources {
		a := &s.Sources[i]
		a.Source = s.App.Source
		if a.Commit == "" {
			a.Commit = CommitOfTag(a.Image.Tag)
		}
	}
	for _, env := range s.Environments {
		for _, d := range env.History {
			for _, image := range d.Release {
				commit := CommitOfTag(image.Tag)
				known := slices.ContainsFunc(s.Sources, func(a Announced) bool { return a.Image.Name == image.Name && a.Image.Tag == image.Tag })
				if commit != "" && !known {
					s.Sources = append(s.Sources, Announced{Image: image, Source: s.App.Source, Commit: commit})
				}
			}
		}
	}
}
