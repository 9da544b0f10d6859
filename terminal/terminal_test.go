package terminal_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ferry/terminal"
)

func printer(when terminal.When, getenv map[string]string) (*terminal.Printer, *bytes.Buffer) {
	out := &bytes.Buffer{}
	return terminal.New(out, when, func(key string) string { return getenv[key] }), out
}

func TestColour(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		when   terminal.When
		env    map[string]string
		colour bool
	}{
		{terminal.Auto, nil, false}, // a buffer is no terminal
		{terminal.Never, nil, false},
		{terminal.Always, nil, true},
		{terminal.Always, map[string]string{"NO_COLOR": "1"}, true}, // who asks for it on the command line means it
	} {
		p, _ := printer(test.when, test.env)
		if got := p.Paint(terminal.Bad, "x"); (got == "\x1b[31mx\x1b[0m") != test.colour || !strings.Contains(got, "x") {
			t.Errorf("%s %v: %q", test.when, test.env, got)
		}
	}
	if _, err := terminal.ParseWhen("sometimes"); err == nil {
		t.Error("--color sometimes is taken")
	}
}

func TestSafe(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain é 漢字 🚢":     "plain é 漢字 🚢",
		"\x1b]0;owned\x07": `\u001b]0;owned\u0007`,
		"a\nb\rc\td":       `a\u000ab\u000dc\u0009d`,
		"\u009b31m":        `\u009b31m`,
		"\u202eabc\u2066":  `\u202eabc\u2066`,
		"\u2028":           `\u2028`,
		"bad\xff":          "bad�",
	} {
		if got := terminal.Safe(in); got != want {
			t.Errorf("Safe(%q) = %q, want %q", in, got, want)
		}
	}
}

func rows(texts ...[]string) [][]terminal.Cell {
	var out [][]terminal.Cell
	for _, row := range texts {
		var cells []terminal.Cell
		for _, text := range row {
			cells = append(cells, terminal.Cell{Text: text, Style: terminal.Good})
		}
		out = append(out, cells)
	}
	return out
}

func TestTable(t *testing.T) {
	t.Parallel()
	table := rows([]string{"APP", "DEV", "PROD"}, []string{"漢字", "1.0", "–"}, []string{"web\x1b[2J", "1.10.0", "2"})
	want := "APP           DEV     PROD\n漢字          1.0     –\nweb\\u001b[2J  1.10.0  2\n"
	p, out := printer(terminal.Never, nil)
	p.Table(table)
	if out.String() != want {
		t.Errorf("got\n%q\nwant\n%q", out, want)
	}
	p, coloured := printer(terminal.Always, nil)
	p.Table(table)
	stripped := strings.NewReplacer("\x1b[32m", "", "\x1b[1m", "", "\x1b[0m", "").Replace(coloured.String())
	if !strings.Contains(coloured.String(), "\x1b[32m1.10.0\x1b[0m") || strings.TrimRight(stripped, " \n") != strings.TrimRight(want, "\n") {
		t.Errorf("coloured:\n%q", coloured)
	}
}

func TestTableOnANarrowTerminal(t *testing.T) {
	t.Parallel()
	p, out := printer(terminal.Never, nil)
	p.Width = 12
	p.Table(rows([]string{"APP", "DEV", "STAGING"}, []string{"web", "1.0", "0.9"}))
	if want := "web\n  DEV      1.0\n  STAGING  0.9\n"; out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
}

func TestWrapped(t *testing.T) {
	t.Parallel()
	p, out := printer(terminal.Always, nil)
	words := "one two three four five six seven eight nine ten"
	p.Wrapped("  - ", words)
	p.Width = 40
	p.Wrapped("  "+p.Paint(terminal.Bad, "- "), words)
	p.Width = 10
	p.Wrapped("  - ", words)
	if want := "  - " + words + "\n  \x1b[31m- \x1b[0mone two three four five six seven\n    eight nine ten\n  - " + words + "\n"; out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	before, after := "a: 1\r\n\ttag: \x1b[31m1\n--- x\n", "a: 1\r\n\ttag: \x1b[31m2\n--- x\n"
	unified := terminal.Diff("apps/web.yaml", []byte(before), []byte(after))
	p, out := printer(terminal.Never, nil)
	p.Diff(unified)
	want := "--- a/apps/web.yaml\n+++ b/apps/web.yaml\n@@ -1,3 +1,3 @@\n a: 1\r\n-\ttag: \x1b[31m1\n+\ttag: \x1b[31m2\n --- x\n"
	if out.String() != want {
		t.Errorf("outside of a terminal every byte stays:\n%q\nwant\n%q", out, want)
	}
	p, out = printer(terminal.Always, nil)
	p.Diff(unified)
	for _, part := range []string{"\x1b[1m--- a/apps/web.yaml\x1b[0m\n", "\x1b[36m@@ -1,3 +1,3 @@\x1b[0m\n", " a: 1␍\n", "\x1b[32m+\ttag: \\u001b[31m2\x1b[0m\n", "\n --- x\n"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("no %q in\n%q", part, out)
		}
	}
	if got := terminal.Diff("x\n+++ y", []byte("1\n"), []byte("2\n")); !strings.HasPrefix(got, "--- \"a/x\\n+++ y\"\n") {
		t.Errorf("a path with a line end: %q", got)
	}
	if got := terminal.Diff("x", []byte("1"), []byte("1")); got != "" {
		t.Errorf("nothing changes: %q", got)
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	p, out := printer(terminal.Never, nil)
	at := time.Unix(0, 0)
	clock := func() time.Time { return at }
	p.IsTerminal = true
	bar := p.Progress("reading manifests", clock)
	bar.Step(1, 100)
	bar.Done()
	if out.Len() > 0 {
		t.Errorf("shown within the first second: %q", out)
	}
	at = at.Add(time.Second)
	bar.Step(50, 100)
	bar.Step(51, 100) // too soon to be drawn again
	at = at.Add(time.Second)
	bar.Step(100, 100)
	bar.Done()
	if got := out.String(); strings.Count(got, "\r") != 3 || !strings.Contains(got, "] 50 of 100") || !strings.Contains(got, "░] ") || !strings.HasSuffix(got, "\r\x1b[K") {
		t.Errorf("drawn: %q", got)
	}
	p, out = printer(terminal.Always, nil)
	bar = p.Progress("reading", clock)
	at = at.Add(time.Minute)
	bar.Step(1, 2)
	bar.Done()
	if out.Len() > 0 {
		t.Errorf("shown where there is no terminal: %q", out)
	}
}

func TestWaiting(t *testing.T) {
	t.Parallel()
	for took, want := range map[time.Duration]string{500 * time.Millisecond: "", 3 * time.Second: "listing files …\r\x1b[K"} {
		synctest.Test(t, func(t *testing.T) {
			p, out := printer(terminal.Never, nil)
			p.IsTerminal = true
			done := p.Waiting("listing files")
			<-time.After(took)
			done()
			if out.String() != want {
				t.Errorf("after %v: %q, want %q", took, out, want)
			}
		})
	}
	p, out := printer(terminal.Never, nil)
	p.Waiting("listing files")()
	if out.Len() > 0 {
		t.Errorf("shown where there is no terminal: %q", out)
	}
}
