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
		return forge.SHA(m[1])
	}
	return ""
}

// AddTagSources adds to Sources what the tags of releases say themselves, for images that CI announced no commit of.
func (s *Snapshot) AddTagSources() {
	if s.App.Source == "" {
		return
	}
	for i := range s.Sources {
		if a := &s.Sources[i]; a.Commit == "" {
			if a.Commit = CommitOfTag(a.Image.Tag); a.Commit != "" {
				a.Source = s.App.Source
			}
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
