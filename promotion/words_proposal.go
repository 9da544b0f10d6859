package promotion

import (
	"fmt"
	"strings"

	"ferry/forge"
	"ferry/promotion/config"
)

// ConfigCheck is what ferry/config says on the head of a pull request: a check run, or a commit status where Ferry may make none.
type ConfigCheck struct {
	Head        forge.SHA          `json:"head"`
	State       forge.State        `json:"state"` // success or failure
	Title       string             `json:"title"`
	Summary     string             `json:"summary"`
	Annotations []forge.Annotation `json:"annotations,omitempty"`
}

// What a check of a pull request has at most: GitHub takes 50 annotations in one request, and of a summary 65,535 characters.
const (
	mostAnnotations = 50
	mostNamedHere   = 40
	maxSummary      = 60000
)

// CheckOf words the check of a proposal. The changes and the effects are those of its configuration, where it proposes one that can be read.
func CheckOf(p Proposal, changes []string, effects *Effects) ConfigCheck {
	out := ConfigCheck{Head: p.Head, State: forge.Success}
	var b strings.Builder
	failed := 0
	for _, f := range p.Findings {
		if f.Severity == config.SeverityError {
			failed++
		}
		if len(out.Annotations) < mostAnnotations {
			out.Annotations = append(out.Annotations, annotationOf(f))
		}
	}
	switch {
	case failed > 0:
		out.State = forge.Failure
		out.Title = fmt.Sprintf("%s: %s", several(failed, "error"), firstError(p.Findings))
		findingsWords(&b, p.Findings)
	case p.Removed:
		out.Title = "would switch Ferry off here"
		b.WriteString("Without .ferry.yaml Ferry is off: its open promotions are closed, and nothing is promoted.\n")
	case effects != nil:
		out.Title = effects.title(changes)
		effects.words(&b, changes)
	default:
		out.Title = fmt.Sprintf("%s can be read", several(p.Manifests, "changed manifest"))
	}
	if failed == 0 && len(p.Findings) > 0 {
		findingsWords(&b, p.Findings)
	}
	if p.Cut {
		b.WriteString("\nIt changes more files than were looked at; only the first ones are judged here.\n")
	}
	b.WriteString("\nThis says what merging would do as things stand now. Nothing is acted on before it is merged.\n")
	out.Title, out.Summary = clip(oneLine(out.Title), 200), clip(b.String(), maxSummary)
	return out
}

func annotationOf(f config.Finding) forge.Annotation {
	a := forge.Annotation{Path: f.File, Line: max(f.Line, 1), Failure: f.Severity == config.SeverityError, Title: clip(f.Rule, 200), Message: clip(plainText(f.Message), 1000)}
	if f.Do != "" {
		a.Message += "\n" + clip(f.Do, 500)
	}
	return a
}

// plainText drops what an annotation, which is plain text, cannot show.
func plainText(s string) string { return oneLine(strings.ToValidUTF8(s, "�")) }

func firstError(findings []config.Finding) string {
	for _, f := range findings {
		if f.Severity == config.SeverityError {
			return fmt.Sprintf("%s:%d: %s", f.File, max(f.Line, 1), plainText(f.Message))
		}
	}
	return ""
}

func findingsWords(b *strings.Builder, findings []config.Finding) {
	b.WriteString("\n")
	for _, f := range findings[:min(len(findings), mostAnnotations)] {
		fmt.Fprintf(b, "- %s: %s\n", code(fmt.Sprintf("%s:%d:%d", f.File, max(f.Line, 1), max(f.Column, 1))), escape(clip(plainText(f.Message), 1000)))
	}
	if n := len(findings) - mostAnnotations; n > 0 {
		fmt.Fprintf(b, "- and %d more\n", n)
	}
}

// title is what would change, in one line.
func (e *Effects) title(changes []string) string {
	var parts []string
	for _, x := range []struct {
		verb string
		n    int
	}{{"open", len(e.Open)}, {"close", len(e.Close)}, {"merge", len(e.Merge)}} {
		if x.n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", x.verb, several(x.n, "promotion")))
		}
	}
	title := "would change no promotion"
	if len(parts) > 0 {
		title = "would " + strings.Join(parts, ", ")
	}
	return strings.Join(append([]string{title}, changes...), "; ")
}

func (e *Effects) words(b *strings.Builder, changes []string) {
	for _, part := range []struct {
		title string
		list  []string
	}{
		{"It changes", changes}, {"It would open", e.Open}, {"It would close", e.Close}, {"It would merge", e.Merge}, {"Gates of open promotions", e.Gates},
	} {
		if len(part.list) == 0 {
			continue
		}
		fmt.Fprintf(b, "\n**%s**\n\n", part.title)
		for _, x := range part.list[:min(len(part.list), mostNamedHere)] {
			fmt.Fprintf(b, "- %s\n", escape(clip(x, 500)))
		}
		if n := len(part.list) - mostNamedHere; n > 0 {
			fmt.Fprintf(b, "- and %d more\n", n)
		}
	}
	if e.Gone > 0 {
		fmt.Fprintf(b, "\n%s would not be Ferry's any more.\n", several(e.Gone, "app"))
	}
	if e.Left > 0 {
		fmt.Fprintf(b, "\n%s more would be touched; what becomes of their promotions was not looked at.\n", several(e.Left, "app"))
	}
}

func several(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// StatusWords fits words into a commit status.
func StatusWords(s string) string { return clip(oneLine(s), forge.MaxStatusDescription) }
