package manifest

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// span is where the text of a scalar stands: raw[start:end], without its quotes.
type span struct {
	start, end int
	style      byte // 'p' plain, '\'' and '"' quoted, '|' block, 'e' empty: there is no text yet
}

// position is a place in the parser's words and in bytes.
type position struct{ line, column, at int }

// offset returns the byte at which line and column stand, or -1. The parser counts lines as YAML 1.1 does and columns in
// characters, both from 1, and does not count a byte order mark. It goes on from the place returned last where that is on
// the same line, for a line may hold a whole file.
func (f *file) offset(line, column int) int {
	if line < 1 || line > len(f.starts()) {
		return -1
	}
	p := position{line, 1, f.lines[line-1]}
	if f.last.line == line && f.last.column <= column {
		p = f.last
	}
	for ; p.column < column; p.column++ {
		if p.at >= len(f.raw) {
			return -1
		}
		_, size := utf8.DecodeRune(f.raw[p.at:])
		p.at += size
	}
	f.last = p
	return p.at
}

// starts returns the byte at which each line starts.
func (f *file) starts() []int {
	if f.lines == nil {
		f.lines = lineStarts(f.raw)
	}
	return f.lines
}

// lineStarts returns the byte at which each line starts. YAML 1.1 breaks lines at LF, CR LF, CR, U+0085, U+2028 and
// U+2029 (section 5.4, "Line Break Characters").
func lineStarts(raw []byte) []int {
	starts := make([]int, 1, 1+bytes.Count(raw, []byte("\n")))
	if bytes.HasPrefix(raw, byteOrderMark) {
		starts[0] = len(byteOrderMark)
	}
	if !hasRareBreaks(raw) {
		for i := bytes.IndexByte(raw, '\n'); i >= 0; i = nextByte(raw, i+1, '\n') {
			starts = append(starts, i+1)
		}
		return starts
	}
	for i := starts[0]; i < len(raw); {
		size := breakSize(raw[i:])
		if size == 0 {
			i++
			continue
		}
		i += size
		starts = append(starts, i)
	}
	return starts
}

// hasRareBreaks tells whether lines may break at anything but LF.
func hasRareBreaks(raw []byte) bool {
	return bytes.IndexByte(raw, '\r') >= 0 || bytes.Contains(raw, []byte("\u0085")) ||
		bytes.Contains(raw, []byte("\u2028")) || bytes.Contains(raw, []byte("\u2029"))
}

func nextByte(raw []byte, from int, b byte) int {
	if i := bytes.IndexByte(raw[from:], b); i >= 0 {
		return from + i
	}
	return -1
}

// breakSize returns the length of the line break at the start of b, 0 where there is none.
func breakSize(b []byte) int {
	switch {
	case b[0] == '\n':
		return 1
	case b[0] == '\r':
		if len(b) > 1 && b[1] == '\n' {
			return 2
		}
		return 1
	case b[0] == 0xC2 && len(b) > 1 && b[1] == 0x85:
		return 2
	case b[0] == 0xE2 && len(b) > 2 && b[1] == 0x80 && b[2]&^1 == 0xA8:
		return 3
	}
	return 0
}

// locate finds the text of a scalar. It refuses what is written over several lines or with escapes: there the bytes are
// not the value, and replacing them needs a person.
func (f *file) locate(n *yaml.Node) (span, *Refusal) {
	at := f.skipProperties(f.offset(n.Line, n.Column))
	if at < 0 || at > len(f.raw) {
		return span{}, notLocated(n)
	}
	var s span
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		s = f.quoted(at, '"')
	case n.Style&yaml.SingleQuotedStyle != 0:
		s = f.quoted(at, '\'')
	case n.Style&blockScalar != 0:
		s = f.block(at)
	case n.Value == "":
		return span{start: at, end: at, style: 'e'}, nil
	default:
		s = span{start: at, end: min(at+len(n.Value), len(f.raw)), style: 'p'}
	}
	value := n.Value
	if s.style == '|' {
		value = strings.TrimRight(value, "\n")
	}
	if s.style == 0 || string(f.raw[s.start:s.end]) != value {
		return span{}, notLocated(n)
	}
	return s, nil
}

func notLocated(n *yaml.Node) *Refusal {
	return refuse(n, KindNotScalar, "%q is written over several lines or with escapes; write it on one line", n.Value)
}

// skipProperties returns where a node begins behind its anchor and tag, in either order, also over lines and comments.
func (f *file) skipProperties(at int) int {
	for at >= 0 && at < len(f.raw) && (f.raw[at] == '&' || f.raw[at] == '!') {
		for at < len(f.raw) && !isBlank(f.raw[at]) {
			at++
		}
		at = f.skipBlank(at)
	}
	return at
}

// skipBlank returns the first byte from at on that is neither white nor part of a comment.
func (f *file) skipBlank(at int) int {
	for at < len(f.raw) {
		switch {
		case isBlank(f.raw[at]):
			at++
		case f.raw[at] == '#':
			at = f.lineEnd(at)
		default:
			return at
		}
	}
	return at
}

func isBlank(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }

// lineEnd returns where the line that contains at ends, before its break.
func (f *file) lineEnd(at int) int {
	for at < len(f.raw) && breakSize(f.raw[at:]) == 0 {
		at++
	}
	return at
}

// quoted returns the text between the quote at at and the next one that is not escaped.
func (f *file) quoted(at int, quote byte) span {
	if at >= len(f.raw) || f.raw[at] != quote {
		return span{}
	}
	for i := at + 1; i < len(f.raw); i++ {
		switch {
		case quote == '"' && f.raw[i] == '\\':
			i++
		case f.raw[i] == quote && quote == '\'' && i+1 < len(f.raw) && f.raw[i+1] == quote:
			i++
		case f.raw[i] == quote:
			return span{start: at + 1, end: i, style: quote}
		}
	}
	return span{}
}

// block returns the first line of text below the header of a block scalar.
func (f *file) block(at int) span {
	if at >= len(f.raw) || f.raw[at] != '|' && f.raw[at] != '>' {
		return span{}
	}
	start := f.lineEnd(at)
	for start < len(f.raw) && isBlank(f.raw[start]) {
		start++
	}
	return span{start: start, end: f.lineEnd(start), style: '|'}
}
