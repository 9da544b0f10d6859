// Package terminal writes what a person reads: tables, colours, diffs and a progress bar, harmless whatever a repository contains.
package terminal

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// When says when colours are used.
type When string

// The values of --color.
const (
	Auto   When = "auto" // on a terminal, unless NO_COLOR is set or TERM is dumb
	Always When = "always"
	Never  When = "never"
)

// ParseWhen reads the value of --color. It fails on any other word.
func ParseWhen(word string) (When, error) {
	switch w := When(word); w {
	case Auto, Always, Never:
		return w, nil
	}
	return "", fmt.Errorf("--color %q: write auto, always or never", word)
}

// Style is how a piece of text looks.
type Style string

// The styles, by what they say.
const (
	Plain   Style = ""
	Strong  Style = "1"
	Faint   Style = "2"
	Bad     Style = "31"
	Good    Style = "32"
	Careful Style = "33"
	Place   Style = "36"
)

// Printer writes to one output.
type Printer struct {
	io.Writer
	IsTerminal bool
	Width      int // of the terminal in columns; 0 where it is none, or unknown
	colour     bool
}

// New returns a printer for w.
func New(w io.Writer, when When, getenv func(string) string) *Printer {
	p := &Printer{Writer: w}
	if o, ok := w.(*Watched); ok {
		w = o.to
	}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.IsTerminal = true
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			p.Width = width
		}
	}
	p.colour = when == Always || when == Auto && p.IsTerminal && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
	return p
}

// Paint returns the text in a style, or as it is where no colours are wanted.
func (p *Printer) Paint(style Style, words string) string {
	if !p.colour || style == Plain || words == "" {
		return words
	}
	return "\x1b[" + string(style) + "m" + words + "\x1b[0m"
}

// Printf writes formatted text. What fails to be written is its output's to remember, see Watch.
func (p *Printer) Printf(format string, args ...any) { _, _ = fmt.Fprintf(p.Writer, format, args...) }

// Wrapped writes text behind a beginning of its line; on a terminal the lines after the first are indented as far as the beginning is wide, and
// no word is broken.
func (p *Printer) Wrapped(beginning, words string) {
	indent := text.StringWidthWithoutEscSequences(beginning)
	if room := p.Width - indent; p.Width > 0 && room >= leastRoom {
		words = strings.ReplaceAll(text.WrapSoft(words, room), "\n", "\n"+strings.Repeat(" ", indent))
	}
	for line := range strings.SplitSeq(beginning+words, "\n") {
		p.Printf("%s\n", strings.TrimRight(line, " "))
	}
}

// leastRoom is how many columns text needs to be wrapped: on a narrower terminal it is left to the terminal.
const leastRoom = 30

// Safe returns one line of text in which nothing steers a terminal or hides from the eye: control characters, line ends and what turns the
// direction of writing are shown as their code.
func Safe(words string) string {
	if !strings.ContainsFunc(words, unseen) && utf8.ValidString(words) {
		return words
	}
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(words, "�") {
		if unseen(r) {
			fmt.Fprintf(&b, "\\u%04x", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// unseen says whether a terminal acts on the character instead of showing it.
func unseen(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
}
