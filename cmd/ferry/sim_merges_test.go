package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"ferry/forge"
	"ferry/promotion/config"
)

// What stands here says by the tables of facts alone, and not by the gates' code, whether Ferry may merge.

var stormMerge = regexp.MustCompile(`/pulls/([0-9]+)/merge$`)

// check lets CI say how e2e stands on a commit.
func (w *storm) check(sha string) {
	state := forge.State(w.pick([]string{"success", "success", "pending", "failure"}))
	w.note("CI posts e2e on %.7s: %s", sha, state)
	w.noted("check", w.harness.forge.SetStatus(acmeEnv, forge.SHA(sha), "dora", forge.Status{Context: "e2e", State: state, Description: fmt.Sprint("run ", w.r.Uint32())}))
}

// judgeMerge holds a merge that Ferry has just made against what it knew.
func (w *storm) judgeMerge(x forgeWrite) {
	w.t.Helper()
	m := stormMerge.FindStringSubmatch(x.path)
	if m == nil {
		return
	}
	number, _ := strconv.Atoi(m[1])
	p := w.pull(number)
	if !p.Merged {
		return
	}
	if w.kind == stormQueued && x.code == http.StatusOK {
		w.t.Errorf("Ferry merges #%d past the queue", number)
	}
	w.met["merged by Ferry"]++
	for _, c := range w.cars(number) {
		if shut := w.shut(p, strings.Split(p.Head.Ref, "/")[1], c); shut != "" {
			w.t.Errorf("Ferry merges #%d, %s %s: %s", number, c.App, c.Tag, shut)
		}
	}
}

// shut says what should have kept the app out of the environment.
func (w *storm) shut(p pull, name string, c stormCar) string {
	env, _ := w.inForce().Environment(name)
	over := func(gate string) bool { return w.overrode(p, name, gate) || w.letOn(name, gate, c) }
	urgent := c.Intent != "promotion"
	stopped := func(lines string) bool {
		return query[bool](w.harness, `select exists (select from `+lines+` and lifted_at is null and (until is null or until > $3) and app in ('', $1, $4) and environment in ('', $2))`, c.App, name, w.clock.Now(), w.groupOf(c.App))
	}
	switch {
	case w.isAgainst(name, c):
		return "somebody rejected or blocked it"
	case stopped(`holds where rolled_back = '[]'`):
		return "it is held"
	case !over("freeze") && stopped(`freezes where true`):
		return "it is frozen"
	case !over("approvals") && w.approvals(p, name) < env.Approvals:
		return "it is not approved"
	case !over("policy") && len(env.Policies) > 0 && c.Tag == "1.3.0":
		return "a policy says no"
	case urgent:
	case !over("checks") && len(env.Checks) > 0 && !w.isGreen(env, c):
		return "its checks are not green"
	case !over("upstream") && !over("soak") && w.soakedAtMost(env, c) < env.Soak:
		return "it has not soaked"
	}
	return ""
}

func (w *storm) groupOf(app string) string {
	settings, _ := w.inForce().App(app, worldPath(app, "dev"))
	return settings.Group
}

// soakedAtMost returns how long ago the last of the environments that the release comes from was said to be healthy with it; less than nothing where one never was.
func (w *storm) soakedAtMost(env config.Environment, c stormCar) time.Duration {
	least := time.Duration(1<<63 - 1)
	for _, from := range env.From {
		since, ok := w.arrived[from+"/"+c.App+"/"+c.Tag]
		if !ok {
			return -1
		}
		least = min(least, w.clock.Now().Sub(since))
	}
	return least
}

// alike says whether a commit shows all that the pull request brings.
func (w *storm) alike(sha string, p pull, env string) bool {
	return !slices.ContainsFunc(w.cars(p.Number), func(c stormCar) bool { return w.standing(sha, c.App, env) != c.Tag })
}

// overrode says whether somebody overrode the gate for what the pull request brings.
func (w *storm) overrode(p pull, env, gate string) bool {
	list := query[[]string](w.harness, `select coalesce(array_agg(sha), '{}') from overrides where number = $1 and gate = $2`, p.Number, gate)
	return slices.ContainsFunc(list, func(sha string) bool { return w.alike(sha, p, env) })
}

// approvals counts who approves what the pull request brings, of those who may; it is less than none where somebody wants changes.
func (w *storm) approvals(p pull, env string) (n int) {
	var list []struct{ Login, Verdict, SHA string }
	raw := query[string](w.harness, `
		select coalesce(json_agg(json_build_object('Login', login, 'Verdict', verdict, 'SHA', sha)), '[]')::text from (
		  select distinct on (actor) * from reviews where number = $1 and permission >= $2 and not bot order by actor, at desc, verdict = 'changes' desc) last`, p.Number, int(forge.PermissionWrite))
	if err := json.Unmarshal([]byte(raw), &list); err != nil {
		w.t.Fatal(err)
	}
	askers := map[string]bool{}
	for _, c := range w.cars(p.Number) {
		for _, one := range strings.Split(c.Asker, ", ") {
			askers[one] = true
		}
	}
	for _, r := range list {
		switch {
		case r.Verdict == "changes":
			return -1
		case r.Verdict == "approved" && !askers[r.Login] && w.alike(r.SHA, p, env):
			n++
		}
	}
	return n
}

// isGreen says whether each check is green on a revision at which the release stood in an environment that it comes from, as far as Ferry has read.
func (w *storm) isGreen(env config.Environment, c stormCar) bool {
	return !slices.ContainsFunc(env.Checks, func(check config.Check) bool {
		green := query[[]string](w.harness, `
			select coalesce(array_agg(distinct f.sha), '{}') from check_facts f, jsonb_array_elements(f.checks) x where x ->> 'name' = $1 and x ->> 'state' = 'success'`, check.Name)
		return !slices.ContainsFunc(green, func(sha string) bool {
			return slices.ContainsFunc(env.From, func(from string) bool { return w.standing(sha, c.App, from) == c.Tag })
		})
	})
}
