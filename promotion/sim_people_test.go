package promotion_test

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"ferry/forge"
	"ferry/promotion"
)

type simIntent = promotion.Intent

// simPeople is what people have decided by comments and by closing pull requests, and what they said that Ferry has not heard yet.
type simPeople struct {
	holds      []promotion.Hold
	freezes    []promotion.Freeze
	blocks     []promotion.Block
	rejections []promotion.StandingRejection
	lifts      []promotion.Lift
	drops      []promotion.Dropped
	waived     []promotion.Waived
	intents    map[simPlace]simIntent
	unheard    []simComment
	ids        int64
	answers    int
}

type simComment struct {
	body       string
	place      simPlace // of the pull request it stands under; empty on the issue
	permission forge.Permission
	login      string
	number     int // of the pull request, where it is about what that shows
	said       time.Time
}

// stops are what nobody has lifted and no time has ended.
func (p *simPeople) stops(now time.Time) promotion.Stops {
	over := func(h promotion.Hold) bool { return !h.Until.IsZero() && !h.Until.After(now) }
	return promotion.Stops{
		Holds:   slices.DeleteFunc(slices.Clone(p.holds), over),
		Freezes: slices.DeleteFunc(slices.Clone(p.freezes), func(f promotion.Freeze) bool { return over(promotion.Hold(f)) }),
		Blocks:  p.blocks,
	}
}

func (p *simPeople) endStops(now time.Time) {
	s := p.stops(now)
	p.holds, p.freezes = s.Holds, s.Freezes
}

func (p *simPeople) reject(r promotion.StandingRejection) {
	p.rejections = slices.DeleteFunc(p.rejections, func(x promotion.StandingRejection) bool { return x.Number == r.Number && x.App == r.App })
	p.rejections = append(p.rejections, r)
}

func (p *simPeople) lift(number int) {
	p.rejections = slices.DeleteFunc(p.rejections, func(r promotion.StandingRejection) bool { return r.Number == number })
}

// comment lets somebody say something with commands in it, on the issue or under a pull request.
func (s *sim) comment() {
	c := simComment{permission: simPick(s, []forge.Permission{forge.PermissionNone, forge.PermissionRead, forge.PermissionWrite, forge.PermissionMaintain, forge.PermissionMaintain, forge.PermissionAdmin})}
	if s.r.IntN(3) > 0 {
		c.place = simPlace{simPick(s, s.names()), simPick(s, simEnvironments()[1:])}
	}
	for range 1 + s.r.IntN(3) {
		c.body += s.sentence()
	}
	s.note("somebody who may %s says %q under %v", c.permission, c.body, c.place)
	s.people.unheard = append(s.people.unheard, c)
}

// sentence is a line with a command of the registry, and words of which most mean something to some command.
func (s *sim) sentence() string {
	if s.r.IntN(12) == 0 {
		return simPick(s, []string{"> /freeze all quoted\n", "```\n/hold all\n```\n", "<!-- /block 1.0.0 hidden -->\n", "/holt prod\n", "/ferry nonsense\n", "looks good\n", "/hold for -1h\n"})
	}
	if s.r.IntN(2) == 0 { // as people mean it, and lifting more often than stopping
		return strings.NewReplacer("APP", simPick(s, s.apps), "ENV", simPick(s, simEnvironments()), "TAG", simPick(s, s.tags())).Replace(simPick(s, []string{
			"/promote APP to ENV", "/promote APP", "/promote all", "/block APP TAG it's bad", "/block APP TAG ENV it's bad", "/unblock APP TAG", "/unblock APP TAG ENV", "/thaw all", "/thaw ENV",
			"/thaw all\n/resume all", "/resume all", "/resume APP", "/hold APP ENV for 10m", "/freeze ENV for 1h an incident", "/retry APP ENV", "/status APP", "/rollback APP ENV", "/rollback APP ENV to TAG it loses orders"})) + "\n"
	}
	words := []string{simPick(s, []string{"/", "/", "/", "/ferry ", "/FERRY /"}) + simPick(s, s.commandNames())}
	for range s.r.IntN(5) {
		words = append(words, simPick(s, slices.Concat(s.apps, simEnvironments(), s.tags(), s.tags(),
			[]string{"all", "to", "soak", "because", "for 10m", "for 1h", "it's bad", "`prod`", "staging,", "@everybody", "<b>"})))
	}
	return strings.Join(words, " ") + "\n"
}

var simUsage = regexp.MustCompile("(?m)^\\| `/([a-z]+).*\\| ([a-z]+)(?: permission)? \\|$")

// simCode is a code span, in which nothing is a mention or markup.
var simCode = regexp.MustCompile("`[^`]*`")

// commandNames reads from the answer to /help which commands there are: a new one is in use from its first day on.
func (s *sim) commandNames() []string { return slices.Sorted(maps.Keys(s.needs())) }

// needs is who may say a command, by the answer to /help.
func (s *sim) needs() map[string]string {
	if s.help == nil {
		s.help = map[string]string{}
		out := promotion.Execute([]promotion.Command{{Name: "help"}}, promotion.CommandScene{Config: s.config, Permission: forge.PermissionRead})
		for _, m := range simUsage.FindAllStringSubmatch(out.Answer, -1) {
			s.help[m[1]] = m[2]
		}
		if len(s.help) < 10 {
			s.wrong("the answer to /help names %v", s.help)
		}
	}
	return s.help
}

func (s *sim) tags() []string {
	list := []string{"1.0.0"}
	for i := range s.minor {
		list = append(list, simTagOf(i+1))
	}
	return list
}

// hear reads what was said, and carries it out.
func (s *sim) hear() {
	said := s.people.unheard
	s.people.unheard = nil
	for _, c := range said {
		s.execute(c)
	}
}

func (s *sim) execute(c simComment) {
	commands := promotion.ParseCommands(c.body, s.config.CommandPrefix)
	if len(commands) == 0 {
		return
	}
	var views []promotion.View
	for _, app := range s.apps {
		v := s.facts[app].plan.View
		v.App, v.Group = app, s.groupOf(app)
		views = append(views, v)
	}
	scene := promotion.CommandScene{Config: s.config, Views: views, Stops: s.people.stops(s.now), Rejections: s.people.rejections, App: c.place.app, Environment: c.place.env,
		Actor: simID(c.login), Login: cmp.Or(c.login, "ann"), Permission: c.permission, Now: s.now, OnFerrysPage: true, Shown: s.shownTo(c), Said: c.said}
	scene.History = map[string]map[string][]promotion.Deployment{}
	for _, app := range scene.AppsLookedBack(commands) {
		scene.History[app] = map[string][]promotion.Deployment{}
		for env, in := range s.facts[app].envs {
			scene.History[app][env] = in.history
		}
	}
	out := promotion.Execute(commands, scene)
	s.answered(c, commands, out)
	s.carryOut(out)
	s.given(c, out)
	for _, f := range s.facts {
		f.dirty = true
	}
}

// answered holds an outcome against what people are told of commands.
func (s *sim) answered(c simComment, commands []promotion.Command, out promotion.Outcome) {
	s.people.answers++
	if strings.TrimSpace(out.Answer) == "" || out.Reaction != forge.ReactionDone && out.Reaction != forge.ReactionRefused {
		s.wrong("%q has the answer %q with %q: never silence", c.body, out.Answer, out.Reaction)
	}
	if bare := simCode.ReplaceAllString(out.Answer, ""); strings.Contains(bare, "@everybody") || strings.Contains(bare, "<b>") {
		s.wrong("the answer to %q mentions people or has markup: %s", c.body, out.Answer)
	}
	may := false
	for _, x := range commands {
		need, known := s.needs()[x.Name]
		if known && need != "read" && c.permission >= simPermission(need) {
			may = true
		}
		if known && c.permission < simPermission(need) && out.Reaction != forge.ReactionRefused {
			s.wrong("%q by somebody who may %s is not refused: %s", c.body, c.permission, out.Answer)
		}
	}
	if !may && (out.Decides() || len(out.Retry) > 0) {
		s.wrong("%q by somebody who may %s changes %+v", c.body, c.permission, out)
	}
}

func simPermission(word string) forge.Permission {
	for p := forge.PermissionNone; p <= forge.PermissionAdmin; p++ {
		if p.String() == word {
			return p
		}
	}
	return forge.PermissionAdmin
}

// carryOut writes an outcome down as the database does, and reads the file of decisions back as after a loss.
func (s *sim) carryOut(out promotion.Outcome) {
	p := &s.people
	next := func() int64 { p.ids++; return p.ids }
	for _, h := range out.Holds {
		h.ID = next()
		p.holds = append(p.holds, h)
	}
	for _, f := range out.Freezes {
		f.ID = next()
		p.freezes = append(p.freezes, f)
	}
	for _, b := range out.Blocks {
		b.ID = next()
		p.blocks = append(p.blocks, b)
	}
	p.holds = slices.DeleteFunc(p.holds, func(h promotion.Hold) bool { return slices.Contains(out.Resumed, h.ID) })
	p.freezes = slices.DeleteFunc(p.freezes, func(f promotion.Freeze) bool { return slices.Contains(out.Thawed, f.ID) })
	p.blocks = slices.DeleteFunc(slices.Clone(p.blocks), func(b promotion.Block) bool { return slices.Contains(out.Unblocked, b.ID) })
	for _, l := range out.Lifts {
		p.lift(l.Number)
		p.lifts = append(p.lifts, l)
	}
	for app, byEnv := range out.Intents {
		for env, i := range byEnv {
			place := simPlace{app, env}
			if before, ok := p.intents[place]; ok && before.Release.Same(i.Release) && before.Actor != simFerry {
				i.Actor = promotion.AskedAlso(before.Actor, i.Actor)
			}
			if p.intents[place] = i; simUrgent(i.Kind) {
				continue
			}
			p.rejections = slices.DeleteFunc(p.rejections, func(r promotion.StandingRejection) bool { return r.App == app && r.Environment == env })
		}
	}
	for _, r := range out.Retry {
		s.retry(simPlace{r[0], r[1]})
		if group := s.groupOf(r[0]); group != "" {
			s.retry(simPlace{group, r[1]})
		}
	}
	s.carryOutOfTrains(out)
	if out.Decides() {
		s.comesBack()
	}
}

// rolledBack writes down a rollback that no comment asked for.
func (s *sim) rolledBack(app string, r promotion.RolledBack) {
	s.met["rolled back"]++
	out := promotion.Outcome{Holds: []promotion.Hold{r.Hold}}
	if r.Block != nil {
		out.Blocks = []promotion.Block{*r.Block}
	}
	if r.Intent.Kind != "" {
		out.Intents = map[string]map[string]promotion.Intent{app: {r.Environment: r.Intent}}
	}
	s.carryOut(out)
	s.facts[app].dirty = true
}

// retry makes a promotion anew, whatever others pushed on top.
func (s *sim) retry(place simPlace) {
	f := s.facts[place.app]
	if w := f.wishes[place.env]; w != nil && w.number > 0 {
		if p := s.forge.pull(w.number); p.open && w.desired.Open {
			p.known, p.anew, p.shows.Edit, w.done = p.known || !s.wide, true, "", false
		}
	}
	f.dirty = true
}

// comesBack fails unless the file of decisions says what people have decided (rule 10).
func (s *sim) comesBack() {
	d := promotion.Decisions{Stops: s.people.stops(s.now), Lifts: s.people.lifts, Drops: s.people.drops, Waived: s.people.waived}
	for _, place := range slices.SortedFunc(maps.Keys(s.people.intents), func(a, b simPlace) int { return strings.Compare(a.String(), b.String()) }) {
		d.Asked = append(d.Asked, promotion.Asked{App: place.app, Environment: place.env, Intent: s.people.intents[place]})
	}
	content, err := d.Marshal()
	if err != nil {
		s.wrong("the decisions cannot be written: %v", err)
	}
	back, err := promotion.ParseDecisions(content)
	if err != nil {
		s.wrong("the decisions cannot be read back: %v\n%s", err, content)
	}
	for i := range d.Holds { // what no file has
		d.Holds[i].ID = 0
	}
	for i := range d.Freezes {
		d.Freezes[i].ID = 0
	}
	d.Blocks = slices.Clone(d.Blocks)
	for i := range d.Blocks {
		d.Blocks[i].ID = 0
	}
	if got, want := fmt.Sprintf("%+v", back), fmt.Sprintf("%+v", d); got != want && !reflect.DeepEqual(back, d) {
		s.wrong("the decisions come back as\n%s\nwant\n%s", got, want)
	}
}

// handMade holds ferry/gates of somebody's own pull request against what stops its environment.
func (s *sim) handMade() {
	place, tag := simPlace{simPick(s, s.apps), simPick(s, s.config.Environments).Name}, simPick(s, s.tags())
	changes := fmt.Sprintf(`[{"App":%q,"Environment":%q,"Images":[{"name":"ghcr.io/acme/%s","tag":%q}]}]`, place.app, place.env, place.app, tag)
	got, due, err := promotion.HandMadeGates(s.config, sha(9), []byte(changes), s.people.stops(s.now), s.now)
	if err != nil {
		s.wrong("%v", err)
	}
	want := forge.Success
	switch {
	case s.isHeld(place) || s.isFrozenBySomebody(place) || s.isBlocked(place, tag):
		want = forge.Failure
	case s.inWindow(place.env, s.now):
		want = forge.Pending
	}
	if got.State != want || !due.IsZero() && !due.After(s.now) {
		s.wrong("a pull request by hand that brings %s into %v has %+v, due %v; want %s", tag, place, got, due, want)
	}
}
