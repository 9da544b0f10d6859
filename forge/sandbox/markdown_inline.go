package sandbox

import (
	"regexp"
	"strings"
)

var (
	linkForm = regexp.MustCompile(`^\[([^\]\n]*)\]\(([^)\s]+)\)`)
	bareForm = regexp.MustCompile(`^https?://[^\s<>()"']+`)
)

// inline renders what stands inside a line: code, emphasis and links.
func inline(s string) string {
	var out strings.Builder
	for s != "" {
		html, rest, ok := span(s)
		if !ok {
			// A character that begins nothing: take it with the plain text after it.
			n := 1
			for n < len(s) && !strings.ContainsRune("`*_[\\~h", rune(s[n])) {
				n++
			}
			html, rest = escape(s[:n]), s[n:]
		}
		out.WriteString(html)
		s = rest
	}
	return out.String()
}

// span renders the span that s begins with, if it begins with one, and returns what comes after it.
func span(s string) (html, rest string, ok bool) {
	switch s[0] {
	case '\\':
		if len(s) > 1 && strings.ContainsRune("\\`*_[]()#|~<>-", rune(s[1])) {
			return escape(s[1:2]), s[2:], true
		}
	case '`':
		return codeSpan(s)
	case '[':
		return link(s)
	case 'h':
		return bareLink(s)
	case '*', '_', '~':
		for _, e := range []struct{ mark, tag string }{{"**", "strong"}, {"__", "strong"}, {"~~", "del"}, {"*", "em"}, {"_", "em"}} {
			if inner, rest, ok := between(s, e.mark); ok {
				return "<" + e.tag + ">" + inline(inner) + "</" + e.tag + ">", rest, true
			}
			if e.mark[0] == s[0] && len(e.mark) == 2 && strings.HasPrefix(s, e.mark) {
				return escape(e.mark), s[2:], true
			}
		}
	}
	return "", "", false
}

func codeSpan(s string) (html, rest string, ok bool) {
	fence := s[:len(s)-len(strings.TrimLeft(s, "`"))]
	inner, rest, ok := strings.Cut(s[len(fence):], fence)
	if !ok {
		return escape(fence), s[len(fence):], true
	}
	return "<code>" + escape(strings.TrimSpace(inner)) + "</code>", rest, true
}

// between returns what stands between two marks that touch their words.
func between(s, mark string) (inner, rest string, ok bool) {
	after, found := strings.CutPrefix(s, mark)
	if !found {
		return "", "", false
	}
	inner, rest, found = strings.Cut(after, mark)
	if !found || inner == "" || strings.TrimSpace(inner) != inner {
		return "", "", false
	}
	if mark == "_" && rest != "" && isWord(rest[0]) {
		return "", "", false // snake_case_names are no emphasis
	}
	return inner, rest, true
}

func isWord(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
}

func link(s string) (html, rest string, ok bool) {
	m := linkForm.FindStringSubmatch(s)
	if m == nil || !safeLink(m[2]) {
		return "", "", false
	}
	return `<a href="` + escape(m[2]) + `" rel="noreferrer">` + inline(m[1]) + "</a>", s[len(m[0]):], true
}

func bareLink(s string) (html, rest string, ok bool) {
	to := strings.TrimRight(bareForm.FindString(s), ".,;:!?*`_|")
	if to == "" {
		return "", "", false
	}
	return `<a href="` + escape(to) + `" rel="noreferrer">` + escape(to) + "</a>", s[len(to):], true
}

// safeLink says whether an address leads to a page: one with another scheme than HTTP might run something.
func safeLink(to string) bool {
	lower := strings.ToLower(to)
	if strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://") || strings.HasPrefix(to, "#") {
		return true
	}
	return strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") && !strings.Contains(to, `\`)
}
