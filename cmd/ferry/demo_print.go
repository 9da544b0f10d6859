package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"
)

// color is the number of a terminal's colour.
type color int

const (
	colorNone   color = 0
	colorFaint  color = 2
	colorRed    color = 31
	colorGreen  color = 32
	colorYellow color = 33
	colorBlue   color = 34
	colorPurple color = 35
)

// printer writes what happens as it happens, from several goroutines.
type printer struct {
	mu       sync.Mutex
	out      io.Writer
	coloured bool
}

// newPrinter writes in colour to a terminal, unless NO_COLOR (no-color.org) or a dumb terminal is set.
func newPrinter(out io.Writer, getenv func(string) string) *printer {
	p := &printer{out: out}
	if f, ok := out.(*os.File); ok && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb" {
		info, err := f.Stat()
		p.coloured = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

// event writes one line of what happened at a time.
func (p *printer) event(at time.Time, c color, format string, args ...any) {
	text := onTerminal(fmt.Sprintf(format, args...))
	p.write(p.paint(colorFaint, at.Local().Format("15:04:05")) + "  " + p.paint(c, text) + "\n")
}

// plain writes a line as it is.
func (p *printer) plain(format string, args ...any) { p.write(fmt.Sprintf(format, args...) + "\n") }

func (p *printer) paint(c color, text string) string {
	if !p.coloured || c == colorNone {
		return text
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", c, text)
}

func (p *printer) write(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = io.WriteString(p.out, text) // nobody is left to be told that nobody reads
}

// onTerminal makes text from the forge one line without control characters: titles and comments are anybody's.
func onTerminal(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, text)
}
