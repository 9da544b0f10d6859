package promotion

import (
	"cmp"
	"slices"
	"strings"

	"ferry/promotion/config"
)

// target reads app and environment from the words, in either order, and returns what is left of the words.
func (e *execution) target(words []string) (app, environment string, rest []string) {
	for len(words) > 0 {
		word := e.placeOf(words[0])
		_, isEnvironment := e.Config.Environment(word)
		switch {
		case word == "to" && len(words) > 1:
		case slices.Contains(towards(), word) && len(words) > 1 && e.isPlace(words[1]):
		case isEnvironment && environment == "":
			environment = word
		case app == "" && (word == "all" || e.isApp(word)):
			app = word
		default:
			return app, environment, words
		}
		words = words[1:]
	}
	return app, environment, nil
}

// towards are the words that people put before the name of an environment.
func towards() []string { return []string{"in", "into", "on", "from"} }

// placeOf returns the app or the environment that a word names, whatever its case and what stands around it; else the word, in small letters and bare.
func (e *execution) placeOf(word string) string {
	word = strings.ToLower(strings.Trim(word, "`,:;."))
	for _, name := range e.places() {
		if strings.EqualFold(name, word) {
			return name
		}
	}
	return word
}

func (e *execution) isPlace(word string) bool {
	word = e.placeOf(word)
	_, isEnvironment := e.Config.Environment(word)
	return isEnvironment || e.isApp(word)
}

// places are the names of environments and apps.
func (e *execution) places() (names []string) {
	for _, env := range e.Config.Environments {
		names = append(names, env.Name)
	}
	for _, v := range e.Views {
		names = append(names, v.App)
		if v.Group != "" && !slices.Contains(names, v.Group) {
			names = append(names, v.Group)
		}
	}
	return names
}

// misspelt refuses a command whose first word after what it names is nearly the name of a place: it would otherwise be done in the place that the pull
// request is about, or everywhere. It returns true after that.
func (e *execution) misspelt(c Command, environment string, rest []string) bool {
	if environment != "" || len(rest) == 0 {
		return false
	}
	word := rest[0]
	if slices.Contains(towards(), strings.ToLower(word)) && len(rest) > 1 {
		word = rest[1]
	}
	near, ok := config.Near(strings.Trim(word, "`,:;."), e.places())
	if !ok {
		return false
	}
	e.refuse("Nothing was done: %s is no app and no environment here. Did you mean %s? Where it is a word of the reason, name the environment before it: `/%s` %s.",
		code(clip(word, 60)), code(near), c.Name, e.environmentChoices())
	return true
}

// several refuses a command over one place where another one follows what it names: it would be done in the first, and the second would be taken for a word
// of the reason. It returns true after that. A reason may begin with what is named already.
func (e *execution) several(c Command, rest []string, named ...string) bool {
	for len(rest) > 0 && (slices.Contains(joining(), strings.ToLower(strings.Trim(rest[0], "`,:;."))) || slices.Contains(towards(), strings.ToLower(rest[0]))) {
		rest = rest[1:]
	}
	if len(rest) == 0 || slices.Contains(named, e.placeOf(rest[0])) {
		return false
	}
	for _, part := range strings.FieldsFunc(rest[0], func(r rune) bool { return strings.ContainsRune(",/&+|", r) }) {
		if e.isPlace(part) {
			e.refuse("Nothing was done: `/%s` takes one place, and %s is another one. Say it once for each place, a line each.", c.Name, code(e.placeOf(part)))
			return true
		}
	}
	return false
}

// namesRelease refuses a command that takes no release and is given one. It returns true after that.
func (e *execution) namesRelease(c Command, word string) bool {
	word = strings.Trim(word, "`,;")
	_, isImage := parseNamed(word)
	if _, near := config.Near(word, e.places()); near || !isImage || !strings.ContainsAny(word, "0123456789") {
		return false
	}
	word = clip(word, 60)
	if c.Name != "promote" {
		e.refuse("Nothing was done: %s is no app and no environment here, and `/%s` takes no release.", code(word), c.Name)
		return true
	}
	example := "APP"
	if len(e.Views) > 0 {
		example = e.Views[0].App
	}
	e.refuse("Nothing was done: `/promote` takes no release. %s promotes what stands upstream; %s brings just that release, wherever it comes from, and %s one that stood there before.",
		code("/promote "+cmp.Or(e.App, example)), code("/hotfix ENVIRONMENT "+word+" REASON"), code("/rollback ENVIRONMENT to "+word))
	return true
}

// joining are the words that people put between the names of two places; a comma alone is trimmed to nothing.
func joining() []string {
	return []string{"", "and", "or", "plus", "also", "&", "+", "/", "then", "to"}
}

// unnamed refuses a command that is to reach everything by another word than `all`: it would be done only in the place that the pull request is about. It
// returns true after that.
func (e *execution) unnamed(c Command, app, environment string, rest []string) bool {
	if environment != "" || app != "" && app != "all" || len(rest) == 0 {
		return false
	}
	first := strings.ToLower(strings.Trim(rest[0], "`,:;."))
	things := []string{"app", "apps", "application", "applications", "service", "services", "environment", "environments", "env", "envs", "place", "places"}
	switch {
	case app == "all" && slices.Contains(things, first):
	case app == "" && slices.Contains([]string{"everything", "everywhere"}, first):
	case app == "" && slices.Contains([]string{"every", "each", "both"}, first) && len(rest) > 1 && slices.Contains(things, strings.ToLower(rest[1])):
	default:
		return false
	}
	e.refuse("Nothing was done: write `/%s all` and the reason for everything, or name an environment for all apps there: `/%s` %s.", c.Name, c.Name, e.environmentChoices())
	return true
}

// lengthLast puts the length that stands before everything else behind it, so that the place is the first word.
func lengthLast(words []string) []string {
	if len(words) < 3 || !saysFor(words, 0) {
		return words
	}
	return slices.Concat(words[2:], words[:2])
}

// Said is a comment that has been obeyed.
type Said struct {
	Commands    []Command
	App         string // of the pull request that it stands under
	Environment string
}

// overtaken says whether something that was said after the command, about the same, has been obeyed already: deliveries come late, and a lost one's comment
// is found by a sweep. In the order in which they were said, the later one had the last word.
func (e *execution) overtaken(c Command) bool {
	subject := subjectOf(c.Name)
	if subject == "" {
		return false
	}
	app, environment, _ := e.target(c.Words)
	app, environment = e.orHere(app, environment)
	for _, s := range e.Since {
		for _, later := range s.Commands {
			if subjectOf(later.Name) != subject {
				continue
			}
			app2, environment2, _ := e.target(later.Words)
			if app2 == "" && environment2 == "" {
				app2, environment2 = s.App, s.Environment
			}
			if meet(app, app2) && meet(environment, environment2) {
				return true
			}
		}
	}
	return false
}

func meet(a, b string) bool { return a == b || a == "" || b == "" || a == "all" || b == "all" }

// subjectOf says what a command changes that another one changes too; empty for those that the order does not matter to.
func subjectOf(command string) string {
	switch command {
	case "hold", "resume":
		return "hold"
	case "freeze", "thaw":
		return "freeze"
	case "block", "unblock", "promote", "rollback", "hotfix", "drop":
		return "release"
	}
	return ""
}
