package promotion

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
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
	older := s.olderWords(env, c)
	if title := s.templateTitle(env, c); title != "" && older == "" {
		return title
	}
	words := fmt.Sprintf("Promote %s to %s: ", s.App.Name, env.Name)
	if current := env.Current(); current != nil && current.Problem == "" {
		words += current.Release.Version() + " → "
	}
	return clip(oneLine(words+c.release.Version()+older), 200)
}

// olderWords says that what comes is older than what stands, where somebody asked for that with /promote.
func (s *Snapshot) olderWords(env *Environment, c choice) string {
	current := env.Current()
	if c.intent != IntentPromotion || current == nil || current.Problem != "" || s.order(c.release, current.Release) != Older {
		return ""
	}
	return " (older)"
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

// commitMessage names release, intent and asker in trailers, from where a lost database reads them back.
func (s *Snapshot) commitMessage(env *Environment, c choice) string {
	var b strings.Builder
	verb := "Promote"
	if urgent, ok := urgentVerb(c.intent); ok {
		verb = urgent
	} else if c.intent == IntentUpdate {
		verb = "Update"
	}
	fmt.Fprintf(&b, "%s %s in %s to %s\n\n", verb, s.App.Name, env.Name, oneLine(c.release.Version()))
	s.trailers(&b, env, c)
	return b.String()
}

func (s *Snapshot) trailers(b *strings.Builder, env *Environment, c choice) {
	fmt.Fprintf(b, "Ferry-App: %s\nFerry-Environment: %s\n", s.App.Name, env.Name)
	for _, image := range c.release {
		fmt.Fprintf(b, "Ferry-Release: %s\n", oneLine(image.String()))
	}
	fmt.Fprintf(b, "Ferry-Intent: %s\n", c.intent)
	if c.asker != "" {
		fmt.Fprintf(b, "Ferry-Asker: %s\n", oneLine(c.asker))
	}
	if c.reason != "" {
		fmt.Fprintf(b, "Ferry-Reason: %s\n", oneLine(c.reason))
	}
	waivedTrailers(b, env, c.release)
	for _, image := range c.release {
		if a, ok := s.source(image); ok && a.Commit != "" && a.Source != "" {
			fmt.Fprintf(b, "Ferry-Source: %s@%s %s@%s\n", image.Name, oneLine(image.Tag), oneLine(a.Source), a.Commit)
		}
	}
}

// Shows says whether a body has Ferry's part in it as it should be, however the forge writes the ends of its lines.
func Shows(body, part string) bool {
	body = strings.ReplaceAll(body, "\r\n", "\n")
	return strings.Contains(body, strings.TrimSpace(part)) || MergeBody(body, part) == body
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

// codeEnders are what would end a code span, or the cell of a table that it stands in.
var codeEnders = strings.NewReplacer("`", "", "|", "")

// code writes s as a code span. A back quote inside would end the span, so it is dropped; mentions and markup mean nothing in it, but Ferry's own marks
// would to Ferry.
func code(s string) string {
	s = codeEnders.Replace(oneLine(s))
	s = strings.ReplaceAll(strings.TrimSpace(s), "<!--", "<!\u200b--")
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

// Escape makes text from elsewhere harmless in markdown.
func Escape(s string) string { return escape(s) }

// issueWords are what a forge makes a reference to an issue of beside #12: the issue would note it, and after "fixes" be closed by the merge.
var issueWords = regexp.MustCompile(`(?i)(\bGH)(-[0-9])|(/(?:issues|pulls?|discussions|merge_requests|work_items))(/[0-9])`)

// escape makes text from elsewhere harmless in markdown: no markup, no HTML, and no mention of anybody or of an issue.
func escape(s string) string {
	s = oneLine(s)
	if strings.ContainsAny(s, "-/") { // most text has no such word, and the search for one is what takes time
		s = issueWords.ReplaceAllString(s, "$1$3\u200b$2$4")
	}
	var b strings.Builder
	for _, r := range s {
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
