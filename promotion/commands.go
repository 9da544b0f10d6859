package promotion

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

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
	Bound   bool // to what the pull request shows: void where that has changed since the comment was made
}

// commandSpecs returns the commands this version acts on.
func commandSpecs() []CommandSpec {
	return []CommandSpec{
		{"status", "/status [app] [environment]", "says why something is not moving", forge.PermissionRead, (*execution).status, false},
		{"hold", "/hold [app] [environment] [reason] [for 2h]", "stops promotions", forge.PermissionWrite, (*execution).hold, false},
		{"resume", "/resume [app] [environment]", "lifts a hold", forge.PermissionWrite, (*execution).resume, false},
		{"freeze", "/freeze [app] [environment]|all [for 2h] reason", "lets nothing in, also what people merge where `ferry/gates` is required", forge.PermissionMaintain, (*execution).freeze, false},
		{"thaw", "/thaw [app] [environment]|all", "ends what a person froze", forge.PermissionMaintain, (*execution).thaw, false},
		{"block", "/block [app] release [environment] reason", "keeps a release (its tag) out of an environment and those behind it, or out of all", forge.PermissionWrite, (*execution).block, false},
		{"unblock", "/unblock [app] release [environment]", "lifts a block, or the rejection of a release", forge.PermissionMaintain, (*execution).unblock, false},
		{"rollback", "/rollback [app] environment [to tag] [reason]", "brings back what ran there before, and keeps what stands now out", forge.PermissionMaintain, (*execution).rollback, false},
		{"hotfix", "/hotfix [app] environment image:tag reason", "brings a release that upstream never had; skips upstream, soak and checks", forge.PermissionMaintain, (*execution).hotfix, false},
		{CommandApprove, "/approve", "approves exactly what this pull request shows", forge.PermissionWrite, (*execution).approve, true},
		{CommandOverride, "/override gate [app] reason", "opens a gate for exactly what this pull request shows; with an app of a group, for the release of it that stays behind", forge.PermissionMaintain, (*execution).override, true},
		{"promote", "/promote [app|all] [to environment]", "promotes what stands upstream, also where it stood there before Ferry", forge.PermissionWrite, (*execution).promote, false},
		{"drop", "/drop app [environment]", "takes an app out of its group's pull request", forge.PermissionWrite, (*execution).drop, false},
		{"retry", "/retry [app] [environment]", "tries again what the forge refused, and makes a promotion anew", forge.PermissionWrite, (*execution).retry, false},
		{"help", "/help", "lists the commands", forge.PermissionRead, (*execution).help, false},
	}
}

// Command is one command of a comment.
type Command struct {
	Name  string
	Words []string
}

var commandForm = regexp.MustCompile(`(?i)^ {0,3}/(ferry[\s\p{Z}]+/?)?([a-z]+)[.,:;!]*((?:[\s\p{Z}].*)?)$`)

// anyCommandForm is the begin of a line that may be a command.
var anyCommandForm = regexp.MustCompile(`(?m)^ {0,3}/[a-zA-Z]`)

// ParseCommands returns the commands of a comment: each the first word of a line outside quotes, code and HTML comments. A first word that
// is neither a command of Ferry's nor nearly one is left to other bots, unless it is written as /ferry WORD. Of many commands it returns the first ten.
//
// Where the configuration has a prefix, only what is written as /ferry WORD is a command.
func ParseCommands(body, prefix string) []Command {
	all := allCommands(body, prefix)
	return all[:min(len(all), maxCommands)]
}

// CommandsLeft returns the commands of a comment that ParseCommands leaves out, because they are too many.
func CommandsLeft(body, prefix string) []Command {
	all := allCommands(body, prefix)
	return all[min(len(all), maxCommands):]
}

// maxCommands bounds the commands of one comment.
const maxCommands = 10

func allCommands(body, prefix string) (out []Command) {
	if !anyCommandForm.MatchString(body) { // most comments: how they are to be read does not matter
		return nil
	}
	for _, line := range spokenLines(body) {
		m := commandForm.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		name := strings.ToLower(m[2])
		switch {
		case m[1] == "" && name == "ferry":
			name = "help"
		case m[1] == "" && prefix != "":
			continue
		case m[1] == "" && !isCommand(name) && !nearCommand(name):
			continue
		}
		words := strings.Fields(m[3])
		if name == "hold" || name == "freeze" {
			words = lengthLast(words)
		}
		out = append(out, Command{Name: name, Words: words})
	}
	return out
}

// nearCommand says whether somebody seems to have meant a command of Ferry's, and no other bot's.
func nearCommand(name string) bool {
	others := []string{"lock", "unlock", "blocks"} // of other bots, and like one of Ferry's
	_, near := config.Near(name, commandNames())
	switch meant := meantCommand(name); {
	case len(name) < 4 || slices.Contains(others, name):
		return false
	case strings.HasPrefix(name, "un") && !strings.HasPrefix(meant, "un"): // the opposite of what it is like
		return meant != config.Nearest(name, commandNames())
	}
	return near || sameLetters(name, config.Nearest(name, commandNames()))
}

func sameLetters(a, b string) bool {
	x, y := []byte(a), []byte(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// meantCommand returns the command that the word most likely stands for.
func meantCommand(name string) string {
	if meant, ok := map[string]string{"unfreeze": "thaw", "unhold": "resume"}[name]; ok {
		return meant
	}
	return config.Nearest(name, commandNames())
}

func commandNames() (names []string) {
	for _, s := range commandSpecs() {
		names = append(names, s.Name)
	}
	return names
}

// AnyBound says whether any of the commands is bound to what a pull request shows; /drop is where it is said under one.
func AnyBound(commands []Command) bool {
	return slices.ContainsFunc(commands, func(c Command) bool { spec, ok := specOf(c.Name); return ok && (spec.Bound || spec.Name == "drop") })
}

func isCommand(name string) bool {
	return slices.ContainsFunc(commandSpecs(), func(s CommandSpec) bool { return s.Name == name })
}

// commandTable lists the commands, with who may give each as who says.
func commandTable(who func(CommandSpec) string) string {
	var b strings.Builder
	b.WriteString("| command | what it does | who may |\n| --- | --- | --- |\n")
	for _, s := range commandSpecs() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", strings.ReplaceAll(s.Usage, "|", "\\|"), s.Help, escape(who(s)))
	}
	return b.String()
}

// saidForm is what may be a command in Ferry's own words.
var saidForm = regexp.MustCompile("(^|[\\s(`])/([a-z]+)\\b")

// Prefixed returns Ferry's own words with each command as it is obeyed: behind the configuration's prefix, where that has one.
func Prefixed(prefix, text string) string {
	if prefix == "" {
		return text
	}
	return saidForm.ReplaceAllStringFunc(text, func(said string) string {
		before, name, _ := strings.Cut(said, "/")
		if !isCommand(name) {
			return said
		}
		return before + "/" + prefix + " " + name
	})
}

// speak lets the plan's words name commands as they are obeyed.
func (p *Plan) speak(prefix string) {
	if prefix == "" {
		return
	}
	for i := range p.Pulls {
		p.Pulls[i].Body = Prefixed(prefix, p.Pulls[i].Body)
	}
	for i := range p.Notices {
		p.Notices[i].Trouble = Prefixed(prefix, p.Notices[i].Trouble)
	}
	for i := range p.Contributions {
		p.Contributions[i].Description = Prefixed(prefix, p.Contributions[i].Description)
	}
	for i := range p.View.Environments {
		v := &p.View.Environments[i]
		for _, text := range []*string{&v.Problem, &v.Message, &v.Why, &v.Offer, &v.Held, &v.Unposted} {
			*text = Prefixed(prefix, *text)
		}
		v.Gates = slices.Clone(v.Gates)
		for j := range v.Gates {
			v.Gates[j].Reason = Prefixed(prefix, v.Gates[j].Reason)
		}
	}
}
