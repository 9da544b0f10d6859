package promotion

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"ferry/forge"
	"ferry/promotion/config"
)

// ErrNoLabels says that a registry does not show an image, or what it says of itself.
var ErrNoLabels = errors.New("the registry does not show the image")

// Lookup is the search for the commit that an image was built from, where neither CI nor the whole commit in its tag tells.
type Lookup struct {
	Image   Image
	Source  string   // owner/name
	Refs    []string // what the tag may name there: the first that is there counts
	Label   bool     // what the image says of itself in its registry counts then
	State   LookupState
	Problem string // why it was not found
	Asked   bool   // by this app too
}

// LookupState is how far a lookup has come.
type LookupState string

// A lookup is on its way, or has come to its end.
const (
	LookupPending LookupState = "pending"
	LookupFound   LookupState = "found"
	LookupUnknown LookupState = "unknown"
)

// sameQuestion says that m asks for the same in the same places, and that its end will be told to this app.
func (l Lookup) sameQuestion(m Lookup) bool {
	return l.Image == m.Image && l.Source == m.Source && l.Label == m.Label && (m.Asked || m.State != LookupPending) && slices.Equal(l.Refs, m.Refs)
}

// lookUp wishes that the source commits be looked up of what stands anywhere and has none that is known, once each.
func (p *planner) lookUp() {
	if _, err := forge.ParseFullName(p.s.App.Source); err != nil || p.s.Off {
		return
	}
	for i := range p.s.Environments {
		current := p.s.Environments[i].Current()
		if current == nil || current.Problem != "" {
			continue
		}
		for _, image := range current.Release {
			if a, ok := p.s.source(image); ok && a.Commit != "" || image.Tag == "" {
				continue
			}
			l := Lookup{Image: image, Source: p.s.App.Source, Refs: SourceRefs(p.s.App.SourceTags, image.Tag), Label: p.s.Labels, State: LookupPending, Asked: true}
			if (l.Label || len(l.Refs) > 0) && !slices.ContainsFunc(slices.Concat(p.s.Lookups, p.plan.Lookups), l.sameQuestion) {
				p.plan.Lookups = append(p.plan.Lookups, l)
			}
		}
	}
}

// lookedUp says why looking up an image's source commit found nothing, or "".
func (s *Snapshot) lookedUp(image Image) string {
	for _, l := range s.Lookups {
		if l.Image == image && l.State == LookupUnknown && strings.EqualFold(l.Source, s.App.Source) {
			return ", " + escape(clip(oneLine(l.Problem), mostReason))
		}
	}
	return ""
}

// SourceRefs returns what a tag may name in its source repository by the forms that the configuration gives: commits, and Git tags as "tags/v1.4.2".
func SourceRefs(forms []string, tag string) (refs []string) {
	for _, form := range forms {
		m := sourceTag(form).FindStringSubmatch(tag)
		switch {
		case m == nil:
		case strings.Contains(form, config.CommitMark):
			refs = append(refs, m[1])
		default:
			bare := strings.TrimPrefix(m[1], "v")
			refs = append(refs, "tags/v"+bare, "tags/"+bare)
		}
	}
	return slices.Compact(refs)
}

// sourceTag returns the expression of a form, which the configuration has found right.
func sourceTag(form string) *regexp.Regexp {
	words := regexp.QuoteMeta(form)
	for _, mark := range [][2]string{{config.CommitMark, `([0-9a-f]{7,40})`}, {config.VersionMark, `(v?[0-9][A-Za-z0-9._-]*)`}, {"*", `.*`}} {
		words = strings.ReplaceAll(words, regexp.QuoteMeta(mark[0]), mark[1])
	}
	return regexp.MustCompile("^" + words + "$")
}
