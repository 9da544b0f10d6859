package promotion

import (
	"regexp"
	"slices"
	"strings"
)

var (
	fenceForm   = regexp.MustCompile("^ {0,3}(```+|~~~+)(.*)$")
	commentForm = regexp.MustCompile(`^ {0,3}<!--`)
	// The tags whose content a page shows as it stands; `begins` are those that reach to the end of the comment where nothing closes them
	// (spec.commonmark.org, "HTML blocks", the first kind).
	verbatimForm   = regexp.MustCompile("(?i)(?:^|[^`])<(pre|code|textarea|script|style)(?:[ \t][^>]*)?(?:>|$)")
	verbatimBegins = regexp.MustCompile(`(?i)^ {0,3}<(?:pre|textarea|script|style)(?:[ \t>]|$)`)
	verbatimEnd    = regexp.MustCompile(`(?i)</(pre|code|textarea|script|style)[ \t]*>`)
	asideForm      = regexp.MustCompile(`^(?: {0,3}>| {4}| {0,3}\t)`)
)

// verbatim returns the tag that a line opens and does not close: what follows it is shown as it stands. It returns "" where it opens none, or where only
// the rest of the comment could close it and does not.
func verbatim(line, rest string, lastEnds map[string]int) string {
	all := verbatimForm.FindAllStringSubmatchIndex(line, -1)
	if len(all) == 0 || asideForm.MatchString(line) {
		return ""
	}
	last := all[len(all)-1]
	tag := strings.ToLower(line[last[2]:last[3]])
	if closes(line[last[1]:], tag) || !verbatimBegins.MatchString(line) && (lastEnds[tag] == 0 || len(rest) < lastEnds[tag]) {
		return ""
	}
	return tag
}

// lastEndsIn returns for each tag how many bytes there are from its last end in the body to the body's own.
func lastEndsIn(body string) map[string]int {
	last := map[string]int{}
	for _, m := range verbatimEnd.FindAllStringSubmatchIndex(body, -1) {
		last[strings.ToLower(body[m[2]:m[3]])] = len(body) - m[0]
	}
	return last
}

func closes(text, tag string) bool {
	return slices.ContainsFunc(verbatimEnd.FindAllStringSubmatch(text, -1), func(m []string) bool { return strings.EqualFold(m[1], tag) })
}

// spokenLines returns the lines of a comment in markdown that its author says: what stands in fences, in HTML comments and between tags such as <pre> is
// left out. Quotes and indented code stay, and do not look like commands.
func spokenLines(body string) []string {
	var out []string
	fence, tag, lastEnds := "", "", lastEndsIn(body)
	for body != "" {
		line, rest, _ := strings.Cut(body, "\n")
		line = strings.TrimRight(line, "\r")
		m := fenceForm.FindStringSubmatch(line)
		switch {
		case tag != "":
			if closes(line, tag) {
				tag = ""
			}
		case fence != "":
			if m != nil && strings.HasPrefix(m[1], fence) && strings.TrimSpace(m[2]) == "" {
				fence = ""
			}
		case m != nil && !(m[1][0] == '`' && strings.Contains(m[2], "`")): // else it is code in a line
			fence = m[1]
		case strings.Contains(line, "<!--"):
			without, closed := withoutComment(body)
			switch {
			case closed:
				rest = without // and the line is looked at again
			case commentForm.MatchString(line):
				return out // a comment that begins a line and is never closed reaches to the end; inside a line it is text
			default:
				out = append(out, line)
			}
		default:
			out, tag = append(out, line), verbatim(line, rest, lastEnds)
		}
		body = rest
	}
	return out
}

// withoutComment returns the body without its first HTML comment: what stands around that is one line. It returns false where that is never closed.
func withoutComment(body string) (string, bool) {
	before, inside, _ := strings.Cut(body, "<!--")
	_, after, closed := strings.Cut(inside, "-->")
	return before + " " + after, closed
}
