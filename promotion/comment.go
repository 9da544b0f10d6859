package promotion

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// deepForm is the begin of a line that stands in very many quotes or lists. Nobody writes so, and it takes long to read.
var deepForm = regexp.MustCompile(`(?m)^[ \t]*(?:(?:>|[-+*]|\d{1,9}[.)])[ \t]*){16,}`)

// commentParser reads markdown as far as it matters which lines are said. Emphasis and links change nothing of that, and take long to read where somebody
// means harm.
func commentParser() parser.Parser {
	return parser.NewParser(parser.WithBlockParsers(parser.DefaultBlockParsers()...), parser.WithParagraphTransformers(parser.DefaultParagraphTransformers()...),
		parser.WithInlineParsers(util.Prioritized(parser.NewCodeSpanParser(), 100), util.Prioritized(parser.NewAutoLinkParser(), 300), util.Prioritized(parser.NewRawHTMLParser(), 400)))
}

// htmlForm finds what is HTML: comments, and the tags whose content a page shows as it stands, or as somebody else's words.
var htmlForm = regexp.MustCompile(`(?is)<!--.*?(?:-->|$)|<(/?)(pre|code|samp|kbd|tt|blockquote|q|textarea|script|style|xmp)(?:[\s/][^>]*)?>`)

// htmlTag is the begin or the end of one of those tags.
type htmlTag struct {
	at     int // where it ends
	name   string
	closes bool
	begins bool // it begins a block, and reaches to the end of the comment where nothing closes it
}

// speech is what the author of a comment says in it: the lines of its paragraphs outside of quotes, lists and code.
type speech struct {
	source []byte
	lines  []text.Segment
	unsaid []text.Segment // within those: code, and HTML itself
	tags   []htmlTag      // in their order
	inside bool           // a quote or a list, whose HTML ends with it
}

// spokenLines returns the lines of a comment in markdown that its author says: what stands in code, in HTML comments, and in what HTML shows as a quote or as
// it stands, is left out. Lines that begin as those of a quote or a list do stay, and do not look like commands; one that follows them without an empty line
// between belongs to them, but somebody who writes so means it.
func spokenLines(body string) (out []string) {
	s := speech{source: []byte(deepForm.ReplaceAllString(body, "> "))}
	for n := commentParser().Parse(text.NewReader(s.source)).FirstChild(); n != nil; n = n.NextSibling() {
		s.inside = n.Kind() == ast.KindBlockquote || n.Kind() == ast.KindList
		_ = ast.Walk(n, s.node) // which never fails
	}
	quoted := s.quoted()
	for _, line := range s.lines {
		first := line.Start + len(line.Value(s.source)) - len(bytes.TrimLeft(line.Value(s.source), " \t"))
		if !standsIn(s.unsaid, first) && !standsIn(quoted, first) {
			out = append(out, strings.TrimRight(s.wholeLine(line), "\r\n"))
		}
	}
	return out
}

// wholeLine returns the line with what markdown leaves out at its begin.
func (s *speech) wholeLine(line text.Segment) string {
	begin := bytes.LastIndexByte(s.source[:line.Start], '\n') + 1
	return string(s.source[begin:line.Stop])
}

// node takes up the lines of a paragraph, and what stands within them and is not said.
func (s *speech) node(n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	switch n := n.(type) {
	case *ast.Paragraph, *ast.TextBlock, *ast.Heading:
		s.lines = append(s.lines, n.Lines().Sliced(0, n.Lines().Len())...)
	case *ast.HTMLBlock:
		s.htmlBlock(n)
	case *ast.CodeSpan:
		for c := n.FirstChild(); c != nil; c = c.NextSibling() {
			if t, ok := c.(*ast.Text); ok {
				s.unsaid = append(s.unsaid, t.Segment)
			}
		}
		return ast.WalkSkipChildren, nil
	case *ast.RawHTML:
		if parts := n.Segments.Sliced(0, n.Segments.Len()); len(parts) > 0 {
			s.unsaid = append(s.unsaid, parts...)
			s.html(parts[0].Start, parts[len(parts)-1].Stop, false)
		}
	}
	return ast.WalkContinue, nil
}

// htmlBlock takes up a block of HTML: what stands as text between its tags is said, unless it is of a kind in which nothing is.
func (s *speech) htmlBlock(n *ast.HTMLBlock) {
	lines := n.Lines().Sliced(0, n.Lines().Len())
	if n.HasClosure() {
		lines = append(slices.Clone(lines), n.ClosureLine)
	}
	if len(lines) == 0 || s.inside {
		return
	}
	if n.HTMLBlockType >= ast.HTMLBlockType6 {
		s.lines = append(s.lines, lines...)
	}
	s.html(lines[0].Start, lines[len(lines)-1].Stop, true)
}

// html finds the tags between two places, and in a block the comments.
func (s *speech) html(from, to int, block bool) {
	if s.inside {
		return
	}
	for i, m := range htmlForm.FindAllSubmatchIndex(s.source[from:to], -1) {
		if m[4] < 0 {
			if block {
				s.unsaid = append(s.unsaid, text.NewSegment(from+m[0], from+m[1]))
			}
			continue
		}
		begins := block && i == 0 && len(bytes.TrimSpace(s.source[from:from+m[0]])) == 0
		s.tags = append(s.tags, htmlTag{at: from + m[1], name: strings.ToLower(string(s.source[from+m[4] : from+m[5]])), closes: m[3] > m[2], begins: begins})
	}
}

// quoted returns what stands between the tags. One that is only named, within a line, and closed nowhere begins nothing.
func (s *speech) quoted() (out []text.Segment) {
	last, open := map[string]int{}, map[string]int{}
	for i, t := range s.tags {
		if t.closes {
			last[t.name] = i
		}
	}
	depth, from := 0, 0
	for i, t := range s.tags {
		switch {
		case t.closes && open[t.name] > 0:
			open[t.name]--
			if depth--; depth == 0 {
				out = append(out, text.NewSegment(from, t.at))
			}
		case !t.closes && (t.begins || last[t.name] > i):
			open[t.name]++
			if depth++; depth == 1 {
				from = t.at
			}
		}
	}
	if depth > 0 {
		out = append(out, text.NewSegment(from, len(s.source)))
	}
	return out
}

func standsIn(list []text.Segment, at int) bool {
	i, _ := slices.BinarySearchFunc(list, at, func(s text.Segment, at int) int {
		if s.Stop <= at {
			return -1
		}
		return 1
	})
	return i < len(list) && list[i].Start <= at
}
