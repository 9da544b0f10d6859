package promotion

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ferry/promotion/config"
)

// View is what the last plan said of an app: for the page, the issue and /status.
type View struct {
	App          string            `json:"app"`
	Group        string            `json:"group,omitempty"`
	Environments []EnvironmentView `json:"environments"`
}

// EnvironmentView is one cell of the matrix apps × environments.
type EnvironmentView struct {
	Name        string          `json:"name"`
	Mode        config.Mode     `json:"mode"`
	Release     Release         `json:"release,omitempty"`
	Problem     string          `json:"problem,omitempty"`
	Baseline    bool            `json:"baseline,omitempty"`
	State       DeploymentState `json:"state,omitempty"`
	Message     string          `json:"message,omitempty"`
	Since       time.Time       `json:"since,omitzero"`
	ConvergedAt time.Time       `json:"converged_at,omitzero"`
	// ByTime says of the environments from which the app is promoted into this one whether what stands there is newer or older than what stands here, where
	// not their versions tell, but when they came.
	ByTime   map[string]Order `json:"by_time,omitempty"`
	Proposed Release          `json:"proposed,omitempty"`
	Next     Release          `json:"next,omitempty"`
	Queue    []Release        `json:"queue,omitempty"` // what comes after Next
	Then     string           `json:"then,omitempty"`  // until when Next waits
	// Of what travels with others: the group, the gate of its own that keeps it off the train, and since when it has been what is to come.
	Train         string    `json:"train,omitempty"`
	Behind        string    `json:"behind,omitempty"`
	ProposedSince time.Time `json:"proposed_since,omitzero"`
	Number        int       `json:"number,omitempty"`
	Gates         []Gate    `json:"gates,omitempty"`
	Why           string    `json:"why,omitempty"`
	RoomSince     time.Time `json:"room_since,omitzero"` // since when it waits for a place there, of
	MaxOpen       int       `json:"max_open,omitempty"`  // so many
	Stuck         bool      `json:"stuck,omitempty"`     // without a person nothing comes, though something else stands upstream
	Offer         string    `json:"offer,omitempty"`     // what went wrong, and the rollback that a person may ask for
	Urgent        string    `json:"urgent,omitempty"`    // the intent of what a person wants here at once
	Held          string    `json:"held,omitempty"`
	Frozen        string    `json:"frozen,omitempty"`   // by a person
	Lacks         string    `json:"lacks,omitempty"`    // labels, assignees or reviewers that the forge did not take
	Unposted      string    `json:"unposted,omitempty"` // why the forge does not take the status of what stands here
}

func (v *EnvironmentView) standing(env *Environment) {
	if d := env.Current(); d != nil {
		v.Release, v.Problem, v.Baseline = d.Release, d.Problem, d.Baseline
		v.State, v.Message, v.Since, v.ConvergedAt = d.State, d.Message, d.Since, d.ConvergedAt
	}
	if env.Pull != nil {
		v.Number = env.Pull.Number
	}
	if i := env.wanted(); i != nil {
		v.Urgent = i.Kind
	}
	if len(env.Holds) > 0 {
		v.Held = env.Holds[0].words()
	}
	if len(env.Frozen) > 0 {
		v.Frozen = env.Frozen[0].words()
	}
}

// byTime orders what stands upstream of the environment to what stands in it, where their versions do not.
func (s *Snapshot) byTime(env *Environment) map[string]Order {
	orders := map[string]Order{}
	current := env.Current()
	for _, name := range env.From {
		up := s.Find(name)
		if up == nil || up.Current() == nil || current == nil || up.Current().Release.compareVersions(current.Release) != Unordered {
			continue
		}
		if o := s.order(up.Current().Release, current.Release); o != Unordered {
			orders[name] = o
		}
	}
	return orders
}

// Find returns the cell of the environment, or nil.
func (v *View) Find(environment string) *EnvironmentView {
	for i := range v.Environments {
		if v.Environments[i].Name == environment {
			return &v.Environments[i]
		}
	}
	return nil
}

// Explain answers "why is this not moving?" for one environment, in markdown.
func (v EnvironmentView) Explain(app string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s** in **%s**: %s", escape(app), escape(v.Name), v.standsWords())
	switch {
	case v.Proposed != nil && v.Number > 0:
		fmt.Fprintf(&b, " #%d brings %s.", v.Number, code(v.Proposed.Version()))
	case v.Proposed != nil:
		fmt.Fprintf(&b, " %s is to come next.", code(v.Proposed.Version()))
	case v.Why != "":
		fmt.Fprintf(&b, " Nothing is on its way: %s.", escape(v.Why))
	}
	if v.Next != nil {
		fmt.Fprintf(&b, " Next%s: %s.", v.thenWords(), releaseNames(append([]Release{v.Next}, v.Queue...)))
	}
	if v.Offer != "" {
		b.WriteString("\n- " + escape(v.Offer))
	}
	open := true
	for _, g := range v.Gates {
		if g.State != GateOpen {
			open = false
			fmt.Fprintf(&b, "\n- %s is %s: %s", g.Name, g.State, escape(g.Reason))
		}
	}
	if v.Proposed != nil && open {
		b.WriteString("\n- every gate is open: ")
		switch {
		case v.Mode == config.ModeObserve:
			b.WriteString("`mode: observe` keeps Ferry from opening the pull request")
		case v.Number > 0:
			b.WriteString("merging the pull request releases it")
		default:
			b.WriteString("Ferry is about to bring it")
		}
	}
	if v.Held != "" && gateNamed(v.Gates, "hold").State != GateClosed {
		b.WriteString("\n- " + escape(v.Held))
	}
	if g := gateNamed(v.Gates, "freeze"); v.Frozen != "" && g.State != GateClosed && g.State != GateWaiting {
		b.WriteString("\n- " + escape(v.Frozen))
	}
	for _, text := range []string{v.Unposted, v.Lacks} {
		if text != "" {
			b.WriteString("\n- " + escape(text))
		}
	}
	return b.String()
}

func (v EnvironmentView) thenWords() string {
	if v.Then == "" {
		return ""
	}
	return ", " + escape(v.Then)
}

func (v EnvironmentView) standsWords() string {
	switch {
	case v.Problem != "":
		return escape(v.Problem) + "."
	case v.Release == nil:
		return "no manifest there."
	case v.State == DeploymentConverged:
		return fmt.Sprintf("%s runs there since %s.", code(v.Release.Version()), instant(v.ConvergedAt))
	case strings.HasPrefix(v.Message, string(v.State)): // "degraded: it loses orders"
		return fmt.Sprintf("%s is %s.", code(v.Release.Version()), escape(v.Message))
	case v.Message == "":
		return fmt.Sprintf("%s is %s.", code(v.Release.Version()), v.State)
	}
	return fmt.Sprintf("%s is %s: %s.", code(v.Release.Version()), v.State, escape(v.Message))
}

// IssueTitle is the title of Ferry's one issue in an environment repository.
const IssueTitle = "Ferry: what is where"

// IssueBody returns the matrix of all apps and what waits for what, between Ferry's marks.
func IssueBody(environments []string, views []View, stops Stops, findings []config.Finding, throttles []Throttle) string {
	var b strings.Builder
	fmt.Fprintln(&b, bodyBegin)
	b.WriteString("Ferry keeps this issue up to date. Comment with a command to steer it; `/help` lists them.\n\n")
	for _, t := range throttles {
		fmt.Fprintf(&b, "⏳ %s.\n\n", escape(t.String()))
	}
	if stops.Unkept != "" {
		fmt.Fprintf(&b, "%s\n\n", UnkeptWords(stops.Unkept))
	}
	b.WriteString("| app |")
	for _, e := range environments {
		fmt.Fprintf(&b, " %s |", escape(e))
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --- |", len(environments)) + "\n")
	for _, v := range views {
		if b.Len() > 40000 {
			fmt.Fprintf(&b, "\n… and more apps than fit here.\n")
			break
		}
		fmt.Fprintf(&b, "| %s |", escape(v.App))
		for _, e := range environments {
			fmt.Fprintf(&b, " %s |", cell(v.Find(e)))
		}
		b.WriteString("\n")
	}
	section(&b, "What went wrong", views, wrong)
	section(&b, "What waits for what", views, waits)
	listed(&b, "What waits for room", RoomWords(environments, views))
	section(&b, "What is not on its way", views, stuck)
	listed(&b, "Statuses that cannot be posted", append(lines(views, unposted), OverpostedWords(stops.Overposted)...))
	section(&b, "What pull requests lack", views, lacking)
	section(&b, "Differences from before Ferry", views, difference)
	section(&b, "What observe keeps Ferry from doing", views, withheld)
	stops.list(&b, naming{environments, views})
	if len(findings) > 0 {
		b.WriteString("\n### What looks wrong in the configuration\n\n")
		for _, f := range findings {
			fmt.Fprintf(&b, "- %s: %s. %s\n", code(fmt.Sprintf("%s:%d:%d", f.File, f.Line, f.Column)), escape(clip(f.Message, 300)), escape(f.Do))
		}
	}
	neverReported(&b, environments, views)
	return closed(b.String(), maxPart)
}

// ClosedIssueBody returns the issue's body with a first line for one that a person closed: it is kept up to date all the same.
func ClosedIssueBody(body string) string {
	return strings.Replace(body, bodyBegin+"\n", bodyBegin+"\nThis issue is closed. Ferry keeps it up to date all the same and obeys comments; it may be reopened at any time.\n\n", 1)
}

func cell(v *EnvironmentView) string {
	switch {
	case v == nil:
		return "–"
	case v.Problem != "":
		return "⚠ " + escape(clip(v.Problem, 60))
	case v.Release == nil:
		return "–"
	}
	marks := map[DeploymentState]string{DeploymentConverged: "✅", DeploymentDegraded: "❌", DeploymentFailed: "❌", DeploymentProgressing: "🔄", DeploymentPending: "⏳"}
	s := code(v.Release.Version()) + " " + marks[v.State]
	if v.Number > 0 && v.Proposed != nil {
		s += fmt.Sprintf(" ← %s #%d", code(v.Proposed.Version()), v.Number)
	}
	return s
}

// OverpostedWords returns why gates of hand-made pull requests do not stand, each with what is to be done.
func OverpostedWords(reasons []string) (list []string) {
	for _, reason := range reasons {
		list = append(list, escape(reason)+"; `/retry all` here tries it at once")
	}
	return list
}

func section(b *strings.Builder, title string, views []View, line func(string, EnvironmentView) string) {
	listed(b, title, lines(views, line))
}

// lines returns what there is to say of each app in each environment.
func lines(views []View, line func(string, EnvironmentView) string) (list []string) {
	for _, v := range views {
		for _, e := range v.Environments {
			if l := line(v.App, e); l != "" {
				list = append(list, l)
			}
		}
	}
	return list
}

// listed writes the lines below the title; nothing where there is none.
func listed(b *strings.Builder, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	const most = 60
	fmt.Fprintf(b, "\n### %s\n\n- %s\n", title, strings.Join(lines[:min(len(lines), most)], "\n- "))
	if len(lines) > most {
		fmt.Fprintf(b, "- … and %d more\n", len(lines)-most)
	}
}

func waits(app string, v EnvironmentView) string {
	if v.Proposed == nil || v.Mode == config.ModeObserve || !v.RoomSince.IsZero() {
		return ""
	}
	return strings.ReplaceAll(v.Explain(app), "\n- ", "\n  - ")
}

// stuck says whether something else has arrived upstream that does not come here without a person.
func (s *Snapshot) stuck(env *Environment) bool {
	return env.Current() != nil && slices.ContainsFunc(env.From, func(name string) bool {
		up := s.Find(name)
		if up == nil || up.Current() == nil {
			return false
		}
		d := up.Current()
		return d.Problem != "" || !d.Baseline && !d.ConvergedAt.IsZero() && !env.runs(d.Release) && !env.merging(d.Release)
	})
}

// stuck says what needs a person before it moves: a rejection, a manifest that disagrees, a release that cannot be ordered.
func stuck(app string, v EnvironmentView) string {
	if v.Proposed != nil || !v.Stuck {
		return ""
	}
	return fmt.Sprintf("%s in %s: %s", escape(app), escape(v.Name), escape(v.Why))
}

func unposted(app string, v EnvironmentView) string {
	if v.Unposted == "" {
		return ""
	}
	return fmt.Sprintf("%s in %s: %s", escape(app), escape(v.Name), escape(v.Unposted))
}

func lacking(app string, v EnvironmentView) string {
	if v.Lacks == "" {
		return ""
	}
	return fmt.Sprintf("%s in %s, #%d: %s", escape(app), escape(v.Name), v.Number, escape(v.Lacks))
}

func difference(app string, v EnvironmentView) string {
	if !strings.Contains(v.Why, "since Ferry's first look") {
		return ""
	}
	return fmt.Sprintf("%s in %s: %s", escape(app), escape(v.Name), escape(v.Why))
}

func withheld(app string, v EnvironmentView) string {
	if v.Mode != config.ModeObserve || v.Proposed == nil {
		return ""
	}
	return fmt.Sprintf("%s: would open a pull request that brings %s to %s", escape(app), code(v.Proposed.Version()), escape(v.Name))
}

// neverReported names each environment from which nothing was heard of some apps, with the two ways out.
func neverReported(b *strings.Builder, environments []string, views []View) {
	var lines []string
	for _, name := range environments {
		var apps []string
		for _, v := range views {
			if cell := v.Find(name); cell != nil && cell.Message == noReportYet {
				apps = append(apps, v.App)
			}
		}
		if len(apps) > 0 {
			lines = append(lines, fmt.Sprintf("- %s: %s", escape(name), escape(clip(strings.Join(apps, ", "), 300))))
		}
	}
	if len(lines) > 0 {
		fmt.Fprintf(b, "\n### Who never reported\n\n%s\n\nEither let an agent report there (`ferry token create`), or set `converge: merge` on the environment, so that merged counts as arrived.\n", strings.Join(lines, "\n"))
	}
}

// EnvironmentNames returns the environments of all views, upstream first, as the views have them.
func EnvironmentNames(views []View) []string {
	var names []string
	for _, v := range views {
		at := 0
		for _, e := range v.Environments {
			if i := slices.Index(names, e.Name); i >= 0 {
				at = i + 1
				continue
			}
			names = slices.Insert(names, at, e.Name)
			at++
		}
	}
	return names
}
