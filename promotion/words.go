package promotion

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The marks between which Ferry rewrites a pull request's body or an issue's; what people write around them stays.
const (
	bodyBegin = "<!-- ferry:begin -->"
	bodyEnd   = "<!-- ferry:end -->"
)

func (s *Snapshot) title(env *Environment, c choice) string {
	if urgent := s.urgentTitle(env, c); urgent != "" {
		return urgent
	}
	words := fmt.Sprintf("Promote %s to %s: ", s.App.Name, env.Name)
	if current := env.Current(); current != nil && current.Problem == "" {
		words += current.Release.Version() + " → "
	}
	return clip(oneLine(words+c.release.Version()), 200)
}

// body returns the part of the pull request's body that is Ferry's, between its marks.
func (s *Snapshot) body(env *Environment, c choice) string {
	var b strings.Builder
	fmt.Fprintln(&b, bodyBegin)
	fmt.Fprintf(&b, "Merging this moves **%s** in **%s** to **%s**.\n\n", escape(s.App.Name), escape(env.Name), escape(c.release.Version()))
	urgentWords(&b, env, c)
	b.WriteString("| image | from | to |\n| --- | --- | --- |\n")
	for _, image := range c.release {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", code(image.Name), s.standingWords(env, image.Name), imageWords(image))
	}
	s.sourceWords(&b, env, c)
	b.WriteString("\n### Gates\n\n| gate | state | why |\n| --- | --- | --- |\n")
	for _, g := range c.gates {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", g.Name, g.State, escape(g.Reason))
	}
	if c.asker != "" {
		fmt.Fprintf(&b, "\nAsked for by %s.\n", escape(c.asker))
	}
	if len(c.superseded) > 0 {
		fmt.Fprintf(&b, "\nSupersedes %s.\n", releaseNames(c.superseded))
	}
	if len(c.next) > 0 {
		fmt.Fprintf(&b, "\nNext, %s: %s.\n", c.then, releaseNames(c.next))
	}
	b.WriteString("\n### Commands\n\n" + commandTable(func(c CommandSpec) string { return roleWords(roleIn(env.Roles, c)) }))
	b.WriteString("\nClosing this pull request rejects the release for " + escape(env.Name) + "; reopening lifts that.\n")
	return closed(b.String(), maxPart)
}

// releaseNames lists releases, of many only the first.
func releaseNames(list []Release) string {
	names := make([]string, 0, len(list))
	for _, r := range list[:min(len(list), 20)] {
		names = append(names, code(r.Version()))
	}
	return strings.Join(names, ", ")
}

// What a forge takes as a body, and how much of that Ferry's part takes at most, so that people have room around it. GitHub says "body is too long
// (maximum is 65536 characters)".
const (
	maxBody = 65536
	maxPart = 50000
)

// closed ends Ferry's part with its mark, cut to most characters: without the mark the next edit could not tell it from what people wrote.
func closed(part string, most int) string {
	return clip(part, max(most-len(bodyEnd)-1, 1)) + "\n" + bodyEnd
}

func (s *Snapshot) standingWords(env *Environment, name string) string {
	var words []string
	for _, f := range env.Files {
		for _, i := range f.Images {
			if w := imageWords(i); i.Name == name && !slices.Contains(words, w) {
				words = append(words, w)
			}
		}
	}
	return strings.Join(words, ", ")
}

// sourceWords lists the commits the images were built from, with the compare link where both ends are known.
func (s *Snapshot) sourceWords(b *strings.Builder, env *Environment, c choice) {
	for _, image := range c.release {
		a, ok := s.source(image)
		if !ok || a.Commit == "" {
			fmt.Fprintf(b, "\nThe source of %s is unknown: CI gave no commit with it.\n", code(image.Name))
			continue
		}
		fmt.Fprintf(b, "\nBuilt from %s", code(a.Source+"@"+string(a.Commit)))
		if current := env.Current(); current != nil {
			if old, ok := current.Release.Image(image.Name); ok {
				if from, ok := s.source(old); ok && from.Commit != "" && from.Source == a.Source && s.ForgeURL != "" {
					fmt.Fprintf(b, " ([changes](%s/%s/compare/%s...%s))", s.ForgeURL, a.Source, from.Commit, a.Commit)
				}
			}
		}
		b.WriteString(".\n")
	}
}

// commitMessage names release, intent and asker in trailers, from where a lost database reads them back.
func (s *Snapshot) commitMessage(env *Environment, c choice) string {
	var b strings.Builder
	verb := "Promote"
	switch c.intent {
	case IntentUpdate:
		verb = "Update"
	case IntentRollback:
		verb = "Roll back"
	}
	fmt.Fprintf(&b, "%s %s in %s to %s\n\n", verb, s.App.Name, env.Name, oneLine(c.release.Version()))
	fmt.Fprintf(&b, "Ferry-App: %s\nFerry-Environment: %s\n", s.App.Name, env.Name)
	for _, image := range c.release {
		fmt.Fprintf(&b, "Ferry-Release: %s\n", oneLine(image.String()))
	}
	fmt.Fprintf(&b, "Ferry-Intent: %s\n", c.intent)
	if c.asker != "" {
		fmt.Fprintf(&b, "Ferry-Asker: %s\n", oneLine(c.asker))
	}
	if c.reason != "" {
		fmt.Fprintf(&b, "Ferry-Reason: %s\n", oneLine(c.reason))
	}
	for _, image := range c.release {
		if a, ok := s.source(image); ok && a.Commit != "" && a.Source != "" {
			fmt.Fprintf(&b, "Ferry-Source: %s@%s %s@%s\n", image.Name, oneLine(image.Tag), oneLine(a.Source), a.Commit)
		}
	}
	return b.String()
}

// MergeBody puts Ferry's part into a body in which people may have written around the marks. Of a mark that somebody removed, everything on its side
// counts as Ferry's; without both, the part follows what people wrote. Where the whole is too long for a forge, Ferry's part is cut, then theirs.
func MergeBody(existing, part string) string {
	begin, end := strings.Index(existing, bodyBegin), strings.LastIndex(existing, bodyEnd)
	before, after := "", ""
	switch {
	case begin < 0 && end < 0:
		if before = strings.TrimRight(existing, " \r\n"); before != "" {
			before += "\n\n"
		}
	default:
		if begin >= 0 {
			before = existing[:begin]
		}
		if end >= begin && end >= 0 {
			after = existing[end+len(bodyEnd):]
		}
	}
	room := maxBody - utf8.RuneCountInString(before) - utf8.RuneCountInString(after)
	if utf8.RuneCountInString(part) > room {
		part = closed(strings.TrimSuffix(part, "\n"+bodyEnd), max(room, 1000))
	}
	return clip(before+part+after, maxBody)
}

func imageWords(i Image) string {
	if i.Digest == "" {
		return code(i.version())
	}
	return code(i.Tag) + " " + code(clip(i.Digest, 19))
}

func imageList(refs []string) string {
	if len(refs) == 0 {
		return "none"
	}
	return clip(oneLine(strings.Join(refs, ", ")), 200)
}

func describe(what string, r Report) string {
	if r.Message == "" {
		return what
	}
	return what + ": " + oneLine(r.Message)
}

// code writes s as a code span. A back quote inside would end the span, so it is dropped; mentions and markup mean nothing in it.
func code(s string) string {
	s = strings.NewReplacer("`", "", "|", "").Replace(oneLine(s))
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

// Escape makes text from elsewhere harmless in markdown.
func Escape(s string) string { return escape(s) }

// escape makes text from elsewhere harmless in markdown: no markup, no HTML, and no mention of anybody.
func escape(s string) string {
	var b strings.Builder
	for _, r := range oneLine(s) {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case r == '@':
			b.WriteString("@\u200b") // a zero-width space: it reads the same and mentions nobody
		case r == '#':
			b.WriteString("\\#\u200b") // nor does it refer to an issue, which would note that there
		case strings.ContainsRune("\\`*_{}[]|~!$", r):
			b.WriteRune('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// oneLine replaces line breaks and control characters by spaces.
func oneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, s))
}

// clip cuts s to at most n characters, the last of which then is an ellipsis.
func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

func indexOf[T comparable](list []T, x T) int { return slices.Index(list, x) }
