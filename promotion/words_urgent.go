package promotion

import (
	"fmt"
	"strings"
)

// urgentTitle names what an urgent promotion does; nothing for any other.
func (s *Snapshot) urgentTitle(env *Environment, c choice) string {
	verb, ok := urgentVerb(c.intent)
	if !ok {
		return ""
	}
	words := fmt.Sprintf("%s %s in %s: ", verb, s.App.Name, env.Name)
	if current := env.Current(); current != nil && current.Problem == "" {
		words += current.Release.versionBeside(c.release) + " → "
		return clip(oneLine(words+c.release.versionBeside(current.Release)), 200)
	}
	return clip(oneLine(words+c.release.Version()), 200)
}

// urgentVerb is what an urgent promotion does.
func urgentVerb(intent string) (verb string, ok bool) {
	verb, ok = map[string]string{IntentRollback: "Roll back", IntentHotfix: "Hotfix", IntentBackfill: "Back-fill"}[intent]
	return verb, ok
}

// urgentWords says why an urgent promotion is there, and what it leaves behind.
func urgentWords(b *strings.Builder, env *Environment, c choice) {
	if !isUrgent(c.intent) {
		return
	}
	if c.reason != "" {
		fmt.Fprintf(b, "**Why**: %s\n\n", escape(c.reason))
	}
	h := env.holdOfWhatStands()
	if c.intent != IntentRollback || h == nil {
		return
	}
	b.WriteString("With this rollback:\n\n")
	fmt.Fprintf(b, "- Nothing comes here that is not newer than %s, and what is newer a person merges. That ends when something newer stands here, or by `%s`.\n",
		code(h.RolledBack.Version()), h.lift("/resume"))
	for _, x := range env.Blocks {
		if x.matches(h.RolledBack) {
			fmt.Fprintf(b, "- %s is blocked, here and in what is promoted into from here, until somebody says `%s`.\n", code(h.RolledBack.Version()), x.lift())
			break
		}
	}
	b.WriteString("\n")
}

// reopenWords says how long a closed pull request can be reopened, and what to say after that: a forge reopens none whose branch has moved on.
func (s *Snapshot) reopenWords(env *Environment, c choice) string {
	place := s.App.Name + " " + env.Name
	command := map[string]string{
		IntentPromotion: "/promote " + place,
		IntentRollback:  "/rollback " + place + " to TAG",
		IntentHotfix:    "/hotfix " + place + " image:tag reason",
	}[c.intent]
	if command == "" {
		return " until something else is opened from its branch"
	}
	return " until something else is opened from its branch, and " + code(command) + " after that"
}

// holdOfWhatStands returns the hold that came with a rollback, or nil: of several, the one on what stands now.
func (e *Environment) holdOfWhatStands() *Hold {
	current := e.Current()
	for i := range e.Holds {
		if h := &e.Holds[i]; len(h.RolledBack) > 0 && current != nil && h.RolledBack.Same(current.Release) {
			return h
		}
	}
	return e.rolledBack()
}
