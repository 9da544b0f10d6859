package promotion

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"ferry/forge"
	"ferry/promotion/config"
)

// CommandSpec is one slash command: the registry that parsing, help and permissions are read from.
type CommandSpec struct {
	Name    string
	Usage   string
	Help    string
	Needs   forge.Permission
	execute func(*execution, Command)
}

// commandSpecs returns the commands this version acts on.
func commandSpecs() []CommandSpec {
	return []CommandSpec{
		{"status", "/status [app] [environment]", "says why something is not moving", forge.PermissionRead, (*execution).status},
		{"hold", "/hold [app] [environment] [reason] [for 2h]", "stops promotions", forge.PermissionWrite, (*execution).hold},
		{"resume", "/resume [app] [environment]", "lifts a hold", forge.PermissionWrite, (*execution).resume},
		{"promote", "/promote [app|all] [to environment]", "promotes what stands upstream, also where it stood there before Ferry", forge.PermissionWrite, (*execution).promote},
		{"retry", "/retry [app] [environment]", "tries again what the forge refused, and makes a promotion anew", forge.PermissionWrite, (*execution).retry},
		{"help", "/help", "lists the commands", forge.PermissionRead, (*execution).help},
	}
}

// laterCommands are Ferry's commands that this version does not act on: named, so that nobody's hotfix is met by silence.
func laterCommands() []string {
	return []string{"approve", "rollback", "hotfix", "override", "freeze", "thaw", "block", "unblock", "drop"}
}

// Command is one command of a comment.
type Command struct {
	Name  string
	Words []string
}

var (
	commandForm = regexp.MustCompile(`(?i)^\s{0,3}/(?:ferry\s+/?)?([a-z]+)((?:\s.*)?)$`)
	fenceForm   = regexp.MustCompile("^\\s{0,3}(```+|~~~+)")
	htmlComment = regexp.MustCompile(`(?s)<!--.*?(-->|$)`)
)

// ParseCommands returns the commands of a comment: each the first word of a line outside quotes, code and HTML comments. A first word that
// is not a command of Ferry's is left to other bots, unless it is written as /ferry WORD.
func ParseCommands(body string) []Command {
	var out []Command
	fence := ""
	body = htmlComment.ReplaceAllStringFunc(body, func(s string) string { return strings.Repeat("\n", strings.Count(s, "\n")) })
	for line := range strings.Lines(body) {
		line = strings.TrimRight(line, "\r\n")
		if m := fenceForm.FindStringSubmatch(line); m != nil {
			switch {
			case fence == "":
				fence = m[1]
			case strings.HasPrefix(m[1], fence):
				fence = ""
			}
			continue
		}
		m := commandForm.FindStringSubmatch(line)
		if fence != "" || m == nil || strings.HasPrefix(line, "    ") {
			continue
		}
		name := strings.ToLower(m[1])
		ours := strings.Contains(strings.ToLower(line[:len(line)-len(m[2])]), "/ferry")
		if !ours && !isCommand(name) {
			continue
		}
		out = append(out, Command{Name: name, Words: strings.Fields(m[2])})
		if len(out) == maxCommands {
			break
		}
	}
	return out
}

// maxCommands bounds the commands of one comment.
const maxCommands = 10

func isCommand(name string) bool {
	return slices.ContainsFunc(commandSpecs(), func(s CommandSpec) bool { return s.Name == name }) || slices.Contains(laterCommands(), name)
}

// CommandScene is what a comment's commands are executed on.
type CommandScene struct {
	Config       *config.Config
	Views        []View // of every app of the repository
	Holds        []Hold
	App          string // of the pull request the comment stands under; empty on the issue
	Environment  string
	Login        string
	Permission   forge.Permission
	Now          time.Time
	OnFerrysPage bool // on a promotion pull request or Ferry's issue
}

// Outcome is what the commands of one comment change, and the answer.
type Outcome struct {
	Reaction forge.Reaction
	Answer   string // markdown, one line a command
	Holds    []Hold
	Resumed  []int64                      // ids of holds
	Intents  map[string]map[string]Intent // app → environment
	Retry    [][2]string                  // app, environment
}

type execution struct {
	CommandScene
	out     Outcome
	refused bool
	answers []string
}

// Execute carries the commands out on the scene. It always answers, unless there is no command.
func Execute(commands []Command, scene CommandScene) Outcome {
	e := execution{CommandScene: scene}
	e.out.Intents = map[string]map[string]Intent{}
	for _, c := range commands {
		e.run(c)
	}
	e.out.Answer = strings.Join(e.answers, "\n")
	if e.out.Reaction = forge.ReactionDone; e.refused {
		e.out.Reaction = forge.ReactionRefused
	}
	return e.out
}

func (e *execution) run(c Command) {
	specs := commandSpecs()
	i := slices.IndexFunc(specs, func(s CommandSpec) bool { return s.Name == c.Name })
	switch {
	case i < 0 && slices.Contains(laterCommands(), c.Name):
		e.refuse("`/%s` is known to Ferry, but this version does not act on it yet.", c.Name)
	case i < 0:
		names := make([]string, len(specs))
		for n, s := range specs {
			names[n] = s.Name
		}
		e.refuse("`/%s` is not a command of Ferry's. Did you mean `/%s`? `/help` lists all.", strings.Trim(c.Name, "`"), config.Nearest(c.Name, names))
	case e.Permission < specs[i].Needs:
		e.refuse("@%s, you may not `/%s`: it needs %s permission in this repository, and you have %s.", e.Login, c.Name, specs[i].Needs, e.Permission)
	default:
		specs[i].execute(e, c)
	}
}

func (e *execution) say(format string, args ...any) {
	e.answers = append(e.answers, fmt.Sprintf(format, args...))
}

func (e *execution) refuse(format string, args ...any) {
	e.refused = true
	e.say(format, args...)
}

// target reads app and environment from the words, in either order, and returns what is left of the words.
func (e *execution) target(words []string) (app, environment string, rest []string) {
	app, environment = "", ""
	for len(words) > 0 {
		word := strings.Trim(words[0], "`,")
		_, isEnvironment := e.Config.Environment(word)
		switch {
		case word == "to" && len(words) > 1:
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

func (e *execution) isApp(name string) bool {
	return slices.ContainsFunc(e.Views, func(v View) bool { return v.App == name })
}

// orHere fills in what the comment's pull request is about, where the words named neither.
func (e *execution) orHere(app, environment string) (string, string) {
	if app == "" && environment == "" {
		return e.App, e.Environment
	}
	return app, environment
}

func (e *execution) view(app string) *View {
	for i := range e.Views {
		if e.Views[i].App == app {
			return &e.Views[i]
		}
	}
	return nil
}

func (e *execution) status(c Command) {
	app, environment, rest := e.target(c.Words)
	if len(rest) > 0 {
		e.unknownWord(rest[0])
		return
	}
	app, environment = e.orHere(app, environment)
	said := 0
	for _, v := range e.Views {
		if app != "" && app != "all" && v.App != app {
			continue
		}
		for _, cell := range v.Environments {
			if environment != "" && cell.Name != environment || said > 30 {
				continue
			}
			said++
			e.say("%s", cell.Explain(v.App))
		}
	}
	if said == 0 {
		e.say("Nothing to say: %s is not in %s.", code(app), code(environment))
	}
}

var holdFor = regexp.MustCompile(`(?i)\s*\bfor\s+(\d[0-9a-z.]*)\s*$`)

func (e *execution) hold(c Command) {
	app, environment, rest := e.target(c.Words)
	app, environment = e.orHere(app, environment)
	if app == "" && environment == "" {
		e.refuse("`/hold` what? Name an app (%s) or an environment (%s), or `all`.", e.appChoices(), e.environmentChoices())
		return
	}
	if app == "all" {
		app = ""
	}
	reason := strings.Join(rest, " ")
	h := Hold{App: app, Environment: environment, Actor: e.Login, At: e.Now}
	if m := holdFor.FindStringSubmatchIndex(" " + reason); m != nil {
		text := (" " + reason)[m[2]:m[3]]
		d, err := config.ParseDuration(text)
		if err != nil || d <= 0 {
			e.refuse("`/hold … for %s`: that is not a duration; write 30m, 2h or 3d.", strings.Trim(text, "`"))
			return
		}
		h.Until = e.Now.Add(d)
		reason = strings.TrimSpace((" " + reason)[:m[0]])
	}
	h.Reason = clip(oneLine(reason), 300)
	e.out.Holds = append(e.out.Holds, h)
	e.say("Held: %s.", escape(h.words()))
}

func (e *execution) resume(c Command) {
	app, environment, rest := e.target(c.Words)
	if len(rest) > 0 {
		e.unknownWord(rest[0])
		return
	}
	app, environment = e.orHere(app, environment)
	if app == "all" {
		app = ""
	}
	lifted := 0
	for _, h := range e.Holds {
		if (app == "" || h.App == app || h.App == "") && (environment == "" || h.Environment == environment || h.Environment == "") && !slices.Contains(e.out.Resumed, h.ID) {
			e.out.Resumed = append(e.out.Resumed, h.ID)
			e.say("Lifted: %s.", escape(strings.TrimSuffix(h.words(), " (/resume lifts it)")))
			lifted++
		}
	}
	if lifted == 0 {
		e.say("Nobody holds that.")
	}
}

func (e *execution) promote(c Command) {
	app, environment, rest := e.target(c.Words)
	if len(rest) > 0 {
		e.unknownWord(rest[0])
		return
	}
	if app == "" {
		app = e.App
	}
	if environment == "" && app == e.App {
		environment = e.Environment
	}
	if app == "" {
		e.refuse("`/promote` what? Name an app (%s), or `all`.", e.appChoices())
		return
	}
	asked := 0
	for _, v := range e.Views {
		if app == "all" || v.App == app {
			asked += e.promoteApp(v, environment)
		}
	}
	if asked == 0 {
		e.say("There is nothing to promote: %s has no other release upstream.", code(app))
	}
}

// promoteApp asks for each environment of the app that stands behind its upstream: for the named one, else for all of them.
func (e *execution) promoteApp(v View, environment string) int {
	asked := 0
	for _, cell := range v.Environments {
		env, ok := e.Config.Environment(cell.Name)
		if !ok || len(env.From) == 0 || environment != "" && cell.Name != environment {
			continue
		}
		up := v.Find(env.From[0])
		if up == nil || up.Release == nil || up.Problem != "" || cell.Problem == "" && up.Release.Same(cell.Release) {
			continue
		}
		if e.out.Intents[v.App] == nil {
			e.out.Intents[v.App] = map[string]Intent{}
		}
		e.out.Intents[v.App][cell.Name] = Intent{Release: up.Release, Actor: e.Login, At: e.Now}
		e.say("%s goes to %s in %s as soon as its gates are open.", code(v.App), code(up.Release.Version()), code(cell.Name))
		asked++
	}
	return asked
}

func (e *execution) retry(c Command) {
	app, environment, rest := e.target(c.Words)
	if len(rest) > 0 {
		e.unknownWord(rest[0])
		return
	}
	app, environment = e.orHere(app, environment)
	if app == "" {
		e.refuse("`/retry` what? Name an app (%s), or `all`.", e.appChoices())
		return
	}
	for _, v := range e.Views {
		for _, cell := range v.Environments {
			if (app == "all" || v.App == app) && (environment == "" || cell.Name == environment) {
				e.out.Retry = append(e.out.Retry, [2]string{v.App, cell.Name})
			}
		}
	}
	e.say("Trying again.")
}

func (e *execution) help(Command) { e.say("%s", commandTable()) }

func (e *execution) unknownWord(word string) {
	names := []string{"all"}
	for _, v := range e.Views {
		names = append(names, v.App)
	}
	for _, env := range e.Config.Environments {
		names = append(names, env.Name)
	}
	e.refuse("%s is no app and no environment here. Did you mean %s?", code(clip(word, 60)), code(config.Nearest(word, names)))
}

func (e *execution) appChoices() string {
	var names []string
	for _, v := range e.Views {
		names = append(names, code(v.App))
	}
	return choices(names)
}

func (e *execution) environmentChoices() string {
	var names []string
	for _, env := range e.Config.Environments {
		names = append(names, code(env.Name))
	}
	return choices(names)
}

func choices(names []string) string {
	if len(names) > 12 {
		return strings.Join(names[:12], ", ") + " …"
	}
	return strings.Join(names, ", ")
}

func commandTable() string {
	var b strings.Builder
	b.WriteString("| command | what it does | who may |\n| --- | --- | --- |\n")
	for _, s := range commandSpecs() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", strings.ReplaceAll(s.Usage, "|", "\\|"), s.Help, s.Needs)
	}
	return b.String()
}
