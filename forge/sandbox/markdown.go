package sandbox

import (
	"html/template"
	"regexp"
	"strings"
)

// The beginnings by which a line of Markdown says what it is.
var (
	headingForm = regexp.MustCompile(`^(#{1,6})\s+(.*?)\s*#*$`)
	bulletForm  = regexp.MustCompile(`^\s{0,3}[-*+]\s+(.*)$`)
	numberForm  = regexp.MustCompile(`^\s{0,3}\d{1,9}[.)]\s+(.*)$`)
	ruleForm    = regexp.MustCompile(`^\s{0,3}(?:-{3,}|\*{3,}|_{3,})\s*$`)
	columnsForm = regexp.MustCompile(`^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$`)
	hiddenForm  = regexp.MustCompile(`(?s)<!--.*?-->`)
	summaryForm = regexp.MustCompile(`^<summary>(.*)</summary>$`)
)

// markdown renders the Markdown that pull requests and comments use: headings, tables, lists, quotes, code, links, and
// the fold <details>. Every other tag is shown as it stands; nothing of the text reaches the page unescaped.
func markdown(text string) template.HTML {
	text = hiddenForm.ReplaceAllString(strings.ReplaceAll(text, "\r\n", "\n"), "")
	m := &renderer{lines: strings.Split(text, "\n")}
	for m.at < len(m.lines) {
		m.block()
	}
	m.closeFolds()
	return template.HTML(m.out.String()) // all text in it went through escape
}

func escape(s string) string { return template.HTMLEscapeString(s) }

type renderer struct {
	lines []string
	at    int
	folds int
	out   strings.Builder
}

func (m *renderer) line() string { return m.lines[m.at] }

func (m *renderer) write(parts ...string) {
	for _, p := range parts {
		m.out.WriteString(p)
	}
}

// block renders what begins at the current line, and moves on by at least one line.
func (m *renderer) block() {
	line := strings.TrimSpace(m.line())
	heading := headingForm.FindStringSubmatch(line)
	switch {
	case line == "":
		m.at++
	case strings.HasPrefix(line, "```"):
		m.code()
	case heading != nil:
		level := string(rune('0' + len(heading[1])))
		m.write("<h", level, ">", inline(heading[2]), "</h", level, ">\n")
		m.at++
	case ruleForm.MatchString(m.line()):
		m.write("<hr>\n")
		m.at++
	case m.isTable():
		m.table()
	case bulletForm.MatchString(m.line()):
		m.list("ul", bulletForm)
	case numberForm.MatchString(m.line()):
		m.list("ol", numberForm)
	case strings.HasPrefix(line, ">"):
		m.quote()
	case m.fold(line):
		m.at++
	default:
		m.paragraph()
	}
}

func (m *renderer) code() {
	m.at++
	m.write("<pre><code>")
	for m.at < len(m.lines) && strings.TrimSpace(m.line()) != "```" {
		m.write(escape(m.line()), "\n")
		m.at++
	}
	m.at++ // the end of the fence, or of the text
	m.write("</code></pre>\n")
}

func (m *renderer) isTable() bool {
	return strings.Contains(m.line(), "|") && m.at+1 < len(m.lines) && strings.Contains(m.lines[m.at+1], "-") && columnsForm.MatchString(m.lines[m.at+1])
}

func (m *renderer) table() {
	m.write("<table><thead>")
	m.row("th", m.line())
	m.write("</thead><tbody>")
	m.at += 2
	for m.at < len(m.lines) && strings.Contains(m.line(), "|") {
		m.row("td", m.line())
		m.at++
	}
	m.write("</tbody></table>\n")
}

func (m *renderer) row(cell, line string) {
	m.write("<tr>")
	for _, c := range cells(line) {
		m.write("<", cell, ">", inline(strings.TrimSpace(c)), "</", cell, ">")
	}
	m.write("</tr>")
}

// cells splits a row at its bars, of which an escaped one is text.
func cells(line string) []string {
	line = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(line), "|"), "|")
	var list []string
	var cell strings.Builder
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '\\' && i+1 < len(line) && line[i+1] == '|':
			cell.WriteByte('|')
			i++
		case line[i] == '|':
			list = append(list, cell.String())
			cell.Reset()
		default:
			cell.WriteByte(line[i])
		}
	}
	return append(list, cell.String())
}

func (m *renderer) list(kind string, form *regexp.Regexp) {
	m.write("<", kind, ">\n")
	for m.at < len(m.lines) {
		item := form.FindStringSubmatch(m.line())
		if item == nil {
			break
		}
		m.at++
		text := item[1]
		for m.at < len(m.lines) && strings.HasPrefix(m.line(), "  ") && strings.TrimSpace(m.line()) != "" && !form.MatchString(m.line()) {
			text += " " + strings.TrimSpace(m.line())
			m.at++
		}
		text, box := checkbox(text)
		m.write("<li>", box, inline(text), "</li>\n")
	}
	m.write("</", kind, ">\n")
}

func checkbox(text string) (rest, box string) {
	if rest, ok := strings.CutPrefix(text, "[ ] "); ok {
		return rest, "☐ "
	}
	if rest, ok := strings.CutPrefix(text, "[x] "); ok {
		return rest, "☑ "
	}
	return text, ""
}

func (m *renderer) quote() {
	m.write("<blockquote>")
	for m.at < len(m.lines) && strings.HasPrefix(strings.TrimSpace(m.line()), ">") {
		m.write(inline(strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(m.line()), ">"))), "<br>\n")
		m.at++
	}
	m.write("</blockquote>\n")
}

// fold renders the lines of <details>, which GitHub takes in Markdown, and says whether the line was one.
func (m *renderer) fold(line string) bool {
	summary := summaryForm.FindStringSubmatch(line)
	switch {
	case line == "<details>":
		m.folds++
		m.write("<details>\n")
	case line == "</details>" && m.folds > 0:
		m.folds--
		m.write("</details>\n")
	case summary != nil && m.folds > 0:
		m.write("<summary>", inline(summary[1]), "</summary>\n")
	default:
		return false
	}
	return true
}

func (m *renderer) closeFolds() {
	for ; m.folds > 0; m.folds-- {
		m.write("</details>\n")
	}
}

func (m *renderer) paragraph() {
	m.write("<p>", inline(strings.TrimSpace(m.line())))
	m.at++
	for m.at < len(m.lines) && !m.interrupts() {
		m.write("<br>\n", inline(strings.TrimSpace(m.line())))
		m.at++
	}
	m.write("</p>\n")
}

// interrupts says whether the current line ends a paragraph.
func (m *renderer) interrupts() bool {
	line := strings.TrimSpace(m.line())
	return line == "" || strings.HasPrefix(line, "```") || strings.HasPrefix(line, "#") || strings.HasPrefix(line, ">") || strings.HasPrefix(line, "<") ||
		bulletForm.MatchString(m.line()) || numberForm.MatchString(m.line()) || ruleForm.MatchString(m.line()) || m.isTable()
}
