package promotion

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ferry/forge"
	"ferry/promotion/config"
)

// CommandScene is what a comment's commands are executed on.
type CommandScene struct {
	Config *config.Config
	Views  []View // of every app of the repository
	Stops
	Rejections   []StandingRejection
	Dropped      []Dropped
	History      map[string]map[string][]Deployment // app → environment, the newest first; of the apps that AppsLookedBack names
	Lately       map[string]map[string]Lately       // app → environment; of the same apps
	App          string                             // of the pull request the comment stands under; empty on the issue
	Environment  string
	Shown        *Shown // by that pull request; nil on the issue
	Actor        int64  // who said it, by the forge's number
	Login        string
	Permission   forge.Permission
	Teams        []string // of those that matter: where they are a member
	Unknown      string   // what could not be looked up of them
	Now          time.Time
	OnFerrysPage bool           // on a promotion pull request or Ferry's issue
	Since        []Said         // what was said after it and has been obeyed already
	Said         time.Time      // when it was, by the forge's clock
	Checked      []CheckedImage // of its hotfixes; nil where no registry is asked
	Edited       bool           // before Ferry heard it
	Left         []Command      // of the comment, that are too many
	Throttles    []Throttle     // that ended after it was said, or did not yet
}

// Outcome is what the commands of one comment change, and the answer.
type Outcome struct {
	Reaction  forge.Reaction
	Answer    string // markdown, one line a command
	Holds     []Hold
	Resumed   []int64 // ids of holds
	Freezes   []Freeze
	Thawed    []int64 // ids of freezes
	Blocks    []Block
	Unblocked []int64 // ids of blocks
	Lifts     []Lift
	Drops     []Dropped
	Waived    []Waived
	Intents   map[string]map[string]Intent // app → environment
	Retry     [][2]string                  // app, environment
	Approvals []Approval
	Overrides []Override
	Given     []Given // what the answer keeps of these
}

// Decides says whether anything of it is a decision that has to stand on the branch ferry-state before it is answered.
func (o Outcome) Decides() bool {
	return len(o.Holds)+len(o.Resumed)+len(o.Freezes)+len(o.Thawed)+len(o.Blocks)+len(o.Unblocked)+len(o.Lifts)+len(o.Drops)+len(o.Waived)+len(o.Intents) > 0
}

type execution struct {
	CommandScene
	commands []Command
	out      Outcome
	refused  bool
	told     []told // by the command that is being carried out
	answers  []string
	urgent   map[config.Place]int // where a rollback or a hotfix was asked for: its answer
}

// Execute carries the commands out on the scene. It always answers, unless there is no command.
func Execute(commands []Command, scene CommandScene) Outcome {
	e := execution{CommandScene: scene, commands: commands, urgent: map[config.Place]int{}}
	e.out.Intents = map[string]map[string]Intent{}
	if scene.Edited {
		e.refuse("Nothing was done: this comment has been edited, and Ferry heard no command in it before that. What a comment said at first counts alone. Say it anew.")
	} else {
		e.runAll()
	}
	for i := range e.out.Holds {
		e.out.Holds[i].ID = 0 // the database gives them theirs
	}
	for i := range e.out.Freezes {
		e.out.Freezes[i].ID = 0
	}
	for i := range e.out.Blocks {
		e.out.Blocks[i].ID = 0
	}
	e.out.Answer = Prefixed(scene.Config.CommandPrefix, strings.Join(e.answers, "\n\n"))
	for i, g := range e.out.Given {
		if e.out.Answer += "\n"; i == 0 {
			e.out.Answer += "\n"
		}
		e.out.Answer += g.mark()
	}
	if e.out.Reaction = forge.ReactionDone; e.refused {
		e.out.Reaction = forge.ReactionRefused
	}
	return e.out
}

func (e *execution) runAll() {
	for _, c := range e.commands {
		e.run(c)
	}
	e.leave()
}

// leave says which commands of the comment were not done, because they are too many.
func (e *execution) leave() {
	if len(e.Left) == 0 {
		return
	}
	lines := make([]string, len(e.Left))
	for i, c := range e.Left {
		lines[i] = code(clip(strings.Join(append([]string{"/" + c.Name}, c.Words...), " "), 60))
	}
	e.refuse("Not done, for one comment has at most %d commands: %s. Say the rest in another one.", maxCommands, someOf(lines))
}

func (e *execution) run(c Command) {
	specs := commandSpecs()
	i := slices.IndexFunc(specs, func(s CommandSpec) bool { return s.Name == c.Name })
	_, _, _, unbound := e.ofTrain(c) // it is bound to what waits, and not to a pull request
	switch {
	case i < 0:
		e.refuse("%s is not a command of Ferry's. Did you mean `/%s`? `/help` lists all.", code("/"+clip(c.Name, 60)), meantCommand(c.Name))
	case !e.mayAnywhere(specs[i]):
		e.mayNot(specs[i], e.somewhere())
	case specs[i].Bound && !unbound && e.Shown == nil:
		e.refuse("`/%s` counts for what a promotion pull request shows: say it under one.", c.Name)
	case specs[i].Bound && !unbound && e.Shown.Void != "":
		e.refuse("`/%s` is void: %s.", c.Name, e.Shown.Void)
	case specs[i].Bound && !unbound && e.isGroup(e.App) && slices.ContainsFunc(e.commands, func(c Command) bool { return c.Name == "drop" }):
		e.refuse("`/%s` is void: `/drop` in the same comment changes what #%d shows. Say it again once that shows what is left.", c.Name, e.Shown.Number)
	case e.overtaken(c):
		e.refuse("`/%s` reached Ferry late, and what was said after it about the same has been done already. Nothing was changed; say it again if you want it still.", c.Name)
	default:
		e.carryOut(specs[i], c)
	}
}

func (e *execution) say(format string, args ...any) {
	e.answers = append(e.answers, fmt.Sprintf(format, args...))
}

func (e *execution) refuse(format string, args ...any) {
	e.refused = true
	e.say(format, args...)
}

// isApp says whether the name is an app's or a group's.
func (e *execution) isApp(name string) bool {
	return slices.ContainsFunc(e.Views, func(v View) bool { return v.App == name || v.Group == name && name != "" })
}

// orHere fills in what the comment's pull request is about, where the words named neither.
func (e *execution) orHere(app, environment string) (string, string) {
	if app == "" && environment == "" {
		return e.App, e.Environment
	}
	return app, environment
}

func (e *execution) status(c Command) {
	app, environment, rest := e.target(c.Words)
	if len(rest) > 0 {
		e.unknownWords(c, rest)
		return
	}
	e.limits()
	if e.Unkept != "" {
		e.say("%s", UnkeptWords(e.Unkept))
	}
	app, environment = e.orHere(app, environment)
	said := 0
	for _, v := range e.Views {
		if !e.means(app, v.App) {
			continue
		}
		for _, cell := range v.Environments {
			if environment != "" && cell.Name != environment {
				continue
			}
			said++
			cell.Held, cell.Frozen = e.stoppedBy(v.App, cell.Name)
			if strings.HasPrefix(gateNamed(cell.Gates, "freeze").Reason, overridden) {
				cell.Frozen = ""
			}
			e.tell(cell.outcome(), code(v.App), "%s%s%s", cell.Explain(v.App), e.placeInLine(v.App, cell), e.wayOver(v.App, cell))
		}
	}
	e.sumUp(mostExplained)
	switch {
	case said > 0:
	case app != "" && environment != "":
		e.say("Nothing to say: %s is not in %s.", code(app), code(environment))
	default:
		e.say("Nothing to say: Ferry has read no manifest there.")
	}
}

func (e *execution) retry(c Command) {
	app, environment, rest := e.target(c.Words)
	if len(rest) > 0 {
		e.unknownWords(c, rest)
		return
	}
	app, environment = e.orHere(app, environment)
	if app == "" {
		app = e.App
	}
	if app == "" {
		e.refuse("`/retry` what? Name an app (%s), or `all`.", e.appChoices())
		return
	}
	for _, v := range e.Views {
		for _, cell := range v.Environments {
			if e.means(app, v.App) && (environment == "" || cell.Name == environment) {
				e.out.Retry = append(e.out.Retry, [2]string{v.App, cell.Name})
			}
		}
	}
	e.say("Trying again.")
}

func (e *execution) help(Command) { e.say("%s", commandTable(e.whoMay)) }

// unknownWords refuses what a command that takes no reason does not understand.
func (e *execution) unknownWords(c Command, rest []string) {
	if e.several(c, rest) || e.namesRelease(c, rest[0]) {
		return
	}
	e.refuse("%s is no app and no environment here. Did you mean %s?", code(clip(rest[0], 60)), code(config.Nearest(rest[0], append([]string{"all"}, e.places()...))))
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
