// Package doctor judges whether a forge is set up so that Ferry can do what its configuration says: what is missing, what will block it, and what is left unguarded.
package doctor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"ferry/forge"
	"ferry/promotion/config"
)

// The severities of findings.
const (
	Problem = "problem" // something does not work, or is not guarded
	Note    = "note"    // something to know
)

// Finding is one thing that is not as it should be.
type Finding struct {
	Severity string `json:"severity"`
	Rule     string `json:"rule"`
	Where    string `json:"where"`
	Message  string `json:"message"`
	Do       string `json:"do"`
	Link     string `json:"link,omitempty"` // the page that does it
}

// Wanted is what Ferry asks of the forge: permissions by their levels, and events. What only some features need is among Optional.
type Wanted struct {
	Permissions map[string]string
	Optional    map[string]bool
	Events      []string
	Hook        string // where webhooks are expected to go; empty where that is unknown
}

// maxSkew is how far a clock may be off: the forge takes no signature from a minute ahead.
const maxSkew = 30 * time.Second

// App judges the App itself and its webhook's log, the newest first.
func App(app forge.AppFacts, log []forge.SentDelivery, want Wanted) []Finding {
	where := fmt.Sprintf("App %d", app.ID)
	found := lacking(where, "the App does not ask for", app.Settings+"/permissions", "ask for it on that page; the owner of each installation is then asked to accept", app.Permissions, app.Events, want)
	switch {
	case app.Hook == "":
		found = append(found, Finding{Problem, "webhook", where, "its webhook goes nowhere: Ferry sees what happens only at the sweep", "make it active on that page, with Ferry's address and /webhooks/github", app.Settings})
	case want.Hook != "" && app.Hook != want.Hook:
		found = append(found, Finding{Problem, "webhook", where, fmt.Sprintf("its webhook goes to %s, and FERRY_URL says %s", app.Hook, want.Hook), "make them agree", app.Settings})
	}
	if app.HookUnproven {
		found = append(found, Finding{Problem, "webhook-tls", where, "the certificate of the webhook's address is not checked", "enable SSL verification", app.Settings})
	}
	return slices.Concat(found, Clock(app), deliveries(where, app.Settings+"/advanced", log))
}

// Clock judges how far this machine's clock is off, which the forge tells also where it refuses what was signed by it.
func Clock(app forge.AppFacts) []Finding {
	skew := app.Ours.Sub(app.Clock).Round(time.Second)
	if app.Clock.IsZero() || skew.Abs() <= maxSkew {
		return nil
	}
	return []Finding{{Problem, "clock", fmt.Sprintf("App %d", app.ID), fmt.Sprintf("this machine's clock is %s off the forge's", skew.Abs()), "keep it right with NTP: the forge refuses what is signed in the future", ""}}
}

// deliveries judges the last sendings: a delivery that failed and was sent again with success is none.
func deliveries(where, link string, log []forge.SentDelivery) []Finding {
	arrived := map[string]bool{}
	failed := map[string]forge.SentDelivery{}
	for _, d := range log {
		if d.Status >= 200 && d.Status < 300 {
			arrived[d.GUID] = true
		} else if _, newer := failed[d.GUID]; !newer {
			failed[d.GUID] = d
		}
	}
	maps.DeleteFunc(failed, func(guid string, _ forge.SentDelivery) bool { return arrived[guid] })
	if len(failed) == 0 {
		return nil
	}
	last := slices.MaxFunc(slices.Collect(maps.Values(failed)), func(a, b forge.SentDelivery) int { return a.At.Compare(b.At) })
	answer := fmt.Sprintf("answered with %d", last.Status)
	if last.Status == 0 {
		answer = "not answered"
	}
	return []Finding{{Problem, "deliveries", where, fmt.Sprintf("%d of the last %d webhooks did not arrive; the newest of them, %s at %s, was %s", len(failed), len(arrived)+len(failed), last.Event, last.At.UTC().Format("2006-01-02 15:04:05 UTC"), answer),
		"see there what the forge was answered: 401 is another secret, no answer an address that it cannot reach", link}}
}

// lacking names each permission and event that is wanted and not there.
func lacking(where, said, link, do string, have map[string]string, events []string, want Wanted) (found []Finding) {
	for _, name := range slices.Sorted(maps.Keys(want.Permissions)) {
		level := want.Permissions[name]
		if have[name] == level || have[name] == "write" || have[name] == "admin" {
			continue
		}
		severity := Problem
		if want.Optional[name] {
			severity = Note
		}
		found = append(found, Finding{severity, "permission", where, fmt.Sprintf("%s the permission %s: %s", said, name, level), do, link})
	}
	for _, event := range want.Events {
		if !slices.Contains(events, event) {
			severity := Problem
			if want.Optional[event] {
				severity = Note
			}
			found = append(found, Finding{severity, "event", where, fmt.Sprintf("%s the event %s: what it tells is seen at the next sweep", said, event), do, link})
		}
	}
	return found
}

// Installation judges one installation and its budget.
func Installation(in forge.InstallationFacts, budget forge.Budget, want Wanted) []Finding {
	where := "installation on " + in.Account
	if in.Suspended {
		return []Finding{{Problem, "suspended", where, "it is suspended: Ferry can do nothing there", "its owner lets it go on, on that page", in.Page}}
	}
	found := lacking(where, "it was not given", in.Page, "its owner accepts it on that page", in.Permissions, in.Events, want)
	if budget.Limit > 0 && budget.Left*10 < budget.Limit {
		found = append(found, Finding{Problem, "budget", where, fmt.Sprintf("%d of %d requests are left until %s", budget.Left, budget.Limit, budget.Reset.UTC().Format("15:04 UTC")), "wait, or look for who else uses this App", ""})
	}
	return found
}

// Patient is an environment repository that is to be looked at.
type Patient struct {
	Installation int64
	Repo         forge.Repo
	Branch       string
	Config       *config.Config // nil where it has errors, which lint tells
}

// NamesTeams says whether roles name teams, whose members are seen with a permission of its own.
func (p Patient) NamesTeams() bool { return p.Config != nil && len(p.Config.Teams()) > 0 }

// Unseen is what is found of a repository whose rules the forge does not show.
func Unseen(name, page string, err error) Finding {
	return Finding{Problem, "unseen", name, "how its branch is guarded cannot be seen: " + err.Error(), "see that Ferry's App is installed on it with the permissions that are named here", page}
}

// Repository is an environment repository as the forge shows it.
type Repository struct {
	Name    string
	Branch  string
	Page    string         // of the repository
	Config  *config.Config // nil where it has errors, which lint tells
	Methods []forge.MergeMethod
	Rules   forge.BranchRules
	Kept    string            // the branch where decisions are kept
	State   forge.BranchRules // of that
	App     int64
}

const gates = "ferry/gates"

// Judge judges the environment repository.
func (r Repository) Judge() []Finding {
	found := slices.Concat(r.guard(), r.blocks(), r.merges(), r.pushes(), r.state())
	if r.Rules.DismissStale {
		found = append(found, r.finding(Note, "dismisses", "the forge takes approvals back when a promotion is made anew", "Ferry counts an approval for as long as the edit is the same; the forge's own required reviews have to be given again"))
	}
	if r.Rules.Protected {
		found = append(found, r.unseen())
	}
	return found
}

func (r Repository) finding(severity, rule, message, do string) Finding {
	return Finding{severity, rule, r.Name + "@" + r.Branch, message, do, r.Page + "/settings/rules"}
}

// unseen says what of branch protection the forge shows to administrators alone.
func (r Repository) unseen() Finding {
	if r.Rules.Hidden {
		return r.finding(Note, "unseen", "of branch protection the forge shows Ferry the required checks alone", "look there for required signatures, a linear history, restricted pushes and dismissed reviews; rulesets show all")
	}
	return r.finding(Note, "unseen", "of branch protection the forge does not show Ferry who may push, and whether approvals are taken back", "look there for restricted pushes and dismissed reviews; rulesets show all")
}

// guard judges whether a person or Ferry can merge past the gates.
func (r Repository) guard() []Finding {
	if !r.Rules.Guarded() {
		message := "nothing guards the branch: whoever may write can merge past every gate"
		if r.any(func(e config.Environment) bool { return e.AutoMerge && !e.AllowUnprotected }) {
			message += ", and Ferry refuses to merge by itself (`merge: auto`)"
		}
		return []Finding{r.finding(Problem, "unguarded", message, "protect it, with the required status "+gates)}
	}
	var apps []int64
	for _, c := range r.Rules.Checks {
		if c.Name == gates {
			apps = append(apps, c.App)
		}
	}
	switch {
	case len(apps) == 0:
		return []Finding{r.finding(Problem, "gates", gates+" is not required: people can merge past a hold, a freeze or a block", "make "+gates+" a required status, posted by Ferry's App")}
	case slices.ContainsFunc(apps, func(app int64) bool { return app != 0 && r.App != 0 && app != r.App }):
		return []Finding{r.finding(Problem, "gates-app", gates+" is required of another App: nothing can be merged", "choose Ferry's App as the source of "+gates)}
	case !slices.ContainsFunc(apps, func(app int64) bool { return app != 0 }):
		return []Finding{r.finding(Problem, "gates-app", gates+" is taken from anybody who may post a status", "choose Ferry's App as the source of "+gates)}
	}
	return nil
}

// blocks judges what keeps Ferry from merging by itself.
func (r Repository) blocks() []Finding {
	if !r.any(func(e config.Environment) bool { return e.AutoMerge }) {
		return nil
	}
	var found []Finding
	if r.Rules.Restricted {
		found = append(found, r.finding(Problem, "restricted", "the branch is updated only by who may bypass its rules: Ferry's own merges (`merge: auto`) are refused", "let Ferry's App bypass that rule alone, or set `merge: manual`"))
	}
	if r.Rules.Reviews > 0 {
		found = append(found, r.finding(Note, "reviews", fmt.Sprintf("the forge asks for %d approving reviews of each pull request: `merge: auto` waits for them", r.Rules.Reviews), "somebody approves each promotion, for Ferry approves nothing; or ask for `approvals` in .ferry.yaml where they are needed, and not at the forge"))
	}
	return found
}

// merges judges the ways to merge.
func (r Repository) merges() []Finding {
	left, shapes := r.Rules.Ways(r.Methods), strings.Join(r.Rules.Shapes(), ", ")
	switch {
	case len(r.Methods) == 0 || len(left) == len(r.Methods):
		return nil
	case len(left) == 0:
		return []Finding{{Problem, "merge-methods", r.Name, fmt.Sprintf("only %s is allowed, which the rules of %s (%s) do not let through", words(r.Methods), r.Branch, shapes), "allow squash: it is signed and keeps the history linear", r.Page + "/settings"}}
	}
	return []Finding{{Note, "merge-methods", r.Name, fmt.Sprintf("the rules of %s (%s) let only %s through", r.Branch, shapes, words(left)), "nothing for Ferry, which tries them in turn; people may be refused", r.Page + "/settings"}}
}

func words(methods []forge.MergeMethod) string {
	var list []string
	for _, m := range methods {
		list = append(list, string(m))
	}
	return strings.Join(list, " and ")
}

// pushes judges what is to be pushed without a pull request.
func (r Repository) pushes() []Finding {
	var found []Finding
	if r.Config == nil || !(r.Rules.PullRequest || r.Rules.Restricted || r.Rules.MergeQueue || len(r.Rules.Checks) > 0) {
		return nil
	}
	for _, e := range r.Config.Environments {
		if e.Update == config.UpdateCommit {
			found = append(found, r.finding(Note, "pushes", fmt.Sprintf("Ferry is to commit to %s directly (`update: commit`), which the branch takes only from who may bypass its rules; who may, the forge does not show", e.Name), "use `update: pr` there, or see that Ferry's App may bypass the rule"))
		}
	}
	return found
}

// state judges what keeps people's decisions from being written to their branch.
func (r Repository) state() []Finding {
	var rules []string
	for _, rule := range []struct {
		binds bool
		words string
	}{
		{r.State.NoCreation, "it cannot be made"}, {r.State.Restricted, "it cannot be updated"}, {r.State.PullRequest || r.State.MergeQueue, "it changes by pull request only"},
		{r.State.Verified, "checks are asked for"},
	} {
		if rule.binds {
			rules = append(rules, rule.words)
		}
	}
	if len(rules) == 0 {
		return nil
	}
	return []Finding{{Note, "state", r.Name + "@" + r.Kept, "by the rules for this branch " + strings.Join(rules, ", ") + ", except by who may bypass them; who may, the forge does not show. " +
		"What people decide by /hold, /freeze, /block or /rollback would be in force, and be forgotten with Ferry's database", "leave the branch out of those rules, or see that Ferry's App may bypass them", r.Page + "/settings/rules"}}
}

func (r Repository) any(of func(config.Environment) bool) bool {
	return r.Config != nil && slices.ContainsFunc(r.Config.Environments, of)
}
