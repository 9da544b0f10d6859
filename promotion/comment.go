package promotion

import (
	"regexp"
	"strings"
)

var (
	fenceForm   = regexp.MustCompile("^ {0,3}(```+|~~~+)(.*)$")
	commentForm = regexp.MustCompile(`^ {0,3}<!--`)
)

// spokenLines returns the lines of a comment in markdown that its author says: what stands in fences and HTML comments is left out. Quotes and
// indented code stay, and do not look like commands.
func spokenLines(body string) []string {
	var out []string
	fence := ""
	for body != "" {
		line, rest, _ := strings.Cut(body, "\n")
		line = strings.TrimRight(line, "\r")
		m := fenceForm.FindStringSubmatch(line)
		switch {
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
			out = append(out, line)
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
