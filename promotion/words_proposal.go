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
func CheckOf(p Proposal, changes []SettingChange, effects *Effects) ConfigCheck {
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
	case p.Unseen:
		out.Title = "changes more than can be looked at"
	default: // what was read by an older version of Ferry, and is read anew soon
		out.Title = "can be read"
	}
	if failed == 0 && len(p.Findings) > 0 {
		findingsWords(&b, p.Findings)
	}
	if p.Cut {
		b.WriteString("\nIt changes more files than were looked at; only the first ones are judged here.\n")
	}
	if p.Unknown != "" {
		out.Title += "; not everything could be looked at"
		fmt.Fprintf(&b, "\n%s What could not be looked at may change any release, so whatever is frozen, held or blocked stops it.\n", p.Unknown)
	}
	if out.Title == changesNothing {
		b.WriteString("It changes no setting of Ferry's and no app's release, so that no promotion is opened, closed or changed by it.\n")
	}
	b.WriteString("\nThis says what merging would do as things stand now. Nothing is acted on before it is merged.\n")
	out.Title, out.Summary = clip(oneLine(out.Title), 200), clip(b.String(), maxSummary)
	return out
}

// MixedWords says that a file is not read as a merge leaves it, and what to do.
func MixedWords(path string) string {
	return fmt.Sprintf("The default branch has changed %s, too, since this left it: here it counts as it stands at the head, not as it would merge. Bring the branch up to date.", code(path))
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

// title is what would change, in one line: what becomes of promotions, then what loosens.
func (e *Effects) title(changes []SettingChange) string {
	var parts []string
	for _, x := range e.lists() {
		if len(x.list) > 0 && x.verb != "" {
			parts = append(parts, fmt.Sprintf("%s %s", x.verb, either(len(parts) == 0, several(len(x.list), "promotion"), fmt.Sprint(len(x.list)))))
		}
	}
	words := e.landingTitle()
	switch {
	case len(parts) > 0:
		words = append(words, "would "+strings.Join(parts, ", "))
	case len(changes)+len(e.Landings)+e.Left == 0:
		return changesNothing
	case !e.Fork:
		words = append(words, "would change no promotion")
	}
	if len(e.Later) > 0 {
		words = append(words, "more once that runs")
	}
	for _, l := range leanings() {
		if list := leaningTo(changes, l); len(list) > 0 {
			words = append(words, string(l)+": "+strings.Join(list[:min(len(list), mostInTitle)], ", ")+either(len(list) > mostInTitle, fmt.Sprintf(" and %d more", len(list)-mostInTitle), ""))
		}
	}
	return strings.Join(words, "; ")
}

// changesNothing is what is said of a pull request of which only people will see anything.
const changesNothing = "merging changes nothing for Ferry"

// landingTitle names the release that changes, or how many do.
func (e *Effects) landingTitle() []string {
	switch len(e.Landings) {
	case 0:
		return nil
	case 1:
		return []string{"changes " + e.Landings[0].words()}
	}
	return []string{"changes " + several(len(e.Landings), "release")}
}

// mostInTitle is how many settings of each leaning the title names.
const mostInTitle = 2

// leanings are all leanings, in the order in which they matter to a reviewer.
func leanings() []Leaning { return []Leaning{Loosens, Tightens, Changes} }

func leaningTo(changes []SettingChange, l Leaning) (words []string) {
	for _, c := range changes {
		if c.Leaning == l {
			words = append(words, c.Words)
		}
	}
	return words
}

// effectList is one kind of effect, with the verb that counts it in the title.
type effectList struct {
	verb, title string
	list        []string
}

func (e *Effects) lists() []effectList {
	return []effectList{
		{"open", "It would open", e.Open}, {"close", "It would close", e.Close}, {"merge", "It would merge", e.Merge}, {"change", "It would change what these bring", e.Change},
		{"", "Gates of open promotions", e.Gates},
	}
}

func (e *Effects) words(b *strings.Builder, changes []SettingChange) {
	for _, l := range leanings() {
		listWords(b, "It "+string(l), leaningTo(changes, l))
	}
	var landings []string
	for _, l := range e.Landings {
		landings = append(landings, l.line())
	}
	listWords(b, "It changes releases", landings)
	for _, x := range e.lists() {
		listWords(b, x.title, x.list)
	}
	listWords(b, "Once what it brings runs where it stands, Ferry would", e.Later)
	if e.Left > 0 {
		fmt.Fprintf(b, "\n%s more would be touched; what becomes of their promotions was not looked at.\n", several(e.Left, "app"))
	}
	if e.Fork {
		b.WriteString("\nWhat another configuration makes of promotions is only worked out for pull requests from this repository itself, not from a fork.\n")
	}
}

func listWords(b *strings.Builder, title string, list []string) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(b, "\n**%s**\n\n", title)
	for _, x := range list[:min(len(list), mostNamedHere)] {
		fmt.Fprintf(b, "- %s\n", escape(clip(x, 500)))
	}
	if n := len(list) - mostNamedHere; n > 0 {
		fmt.Fprintf(b, "- and %d more\n", n)
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
