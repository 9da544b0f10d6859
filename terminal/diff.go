package terminal

import (
	"strconv"
	"strings"

	"github.com/aymanbagabas/go-udiff"
)

// Diff returns what changes in a file, as a unified diff that git apply takes; empty where nothing does.
func Diff(path string, before, after []byte) string {
	return udiff.Unified(quoted("a/"+path), quoted("b/"+path), string(before), string(after))
}

// quoted returns a path as git writes it in a diff.
func quoted(path string) string {
	if Safe(path) == path && !strings.ContainsAny(path, "\"\\") {
		return path
	}
	return strconv.QuoteToASCII(path)
}

// Diff writes a unified diff: coloured and harmless on a terminal, byte by byte elsewhere.
func (p *Printer) Diff(unified string) {
	if !p.IsTerminal && !p.colour {
		p.Printf("%s", unified)
		return
	}
	inHunk := false
	for line := range strings.Lines(unified) {
		end := ""
		if strings.HasSuffix(line, "\n") {
			line, end = line[:len(line)-1], "\n"
		}
		style := Plain
		switch {
		case strings.HasPrefix(line, "@@"):
			style, inHunk = Place, true
		case !inHunk:
			style = Strong
		case strings.HasPrefix(line, "+"):
			style = Good
		case strings.HasPrefix(line, "-"):
			style = Bad
		}
		p.Printf("%s%s", p.Paint(style, safeLine(line)), end)
	}
}

// safeLine is Safe for a line of a file, in which tabs are common and a carriage return ends the lines of some.
func safeLine(line string) string {
	line, returned := strings.CutSuffix(line, "\r")
	parts := strings.Split(line, "\t")
	for i := range parts {
		parts[i] = Safe(parts[i])
	}
	line = strings.Join(parts, "\t")
	if returned {
		line += "␍"
	}
	return line
}
