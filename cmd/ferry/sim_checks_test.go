package main

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"ferry/promotion"
	"ferry/promotion/postgres"
)

var stormTag = regexp.MustCompile(`(?m)^    newTag: (.*)$`)

// tagIn reads the tag that stands in a manifest; "" where that is none, or several.
func tagIn(content string) string {
	found := stormTag.FindAllStringSubmatch(content, -1)
	if len(found) == 0 || slices.ContainsFunc(found, func(f []string) bool { return f[1] != found[0][1] }) {
		return ""
	}
	return found[0][1]
}

// standing returns the tag that a reference shows of an app in an environment.
func (w *storm) standing(ref, app, env string) string {
	w.t.Helper()
	var file struct{ Content []byte }
	w.api("/repos/"+acmeEnv+"/contents/"+worldPath(app, env)+"?ref="+ref, &file)
	return tagIn(string(file.Content))
}

// openOnce fails where two pull requests are open for one place (rule 2). It looks where Ferry has written since it looked last.
func (w *storm) openOnce() {
	w.t.Helper()
	if w.looked != len(w.crash.writes) {
		for _, x := range w.crash.writes[w.looked:] {
			w.note("Ferry: %s %s", x.method, strings.TrimPrefix(x.path, "/api/v3/repos/"+acmeEnv))
			w.judgeMerge(x)
			w.judgeGroup(x)
		}
		w.looked = len(w.crash.writes)
		w.places()
	}
}

// calm holds everything against what should be once nothing is left to do.
func (w *storm) calm() {
	w.t.Helper()
	for _, p := range w.promotions("open") {
		w.shown(p)
	}
	w.nobodyWaitsInVain()
	w.nothingGreenIsLeft()
	w.decisionsStand()
	w.configStands()
	w.rejections()
	w.nothingTwiceSince()
	w.statusesAreWished()
	w.nothingLeft()
}

// stormCar is what the database says of one app in a pull request.
type stormCar struct {
	App, Tag, Intent, Asker, State string
}

// cars returns what the database says that the pull request brings.
func (w *storm) cars(number int) (list []stormCar) {
	w.t.Helper()
	raw := query[string](w.harness, `
		select coalesce(json_agg(json_build_object('App', app, 'Tag', release -> 0 ->> 'tag', 'Intent', intent, 'Asker', asker, 'State', state) order by app), '[]')::text
		from promotions where number = $1`, number)
	if err := json.Unmarshal([]byte(raw), &list); err != nil {
		w.t.Fatal(err)
	}
	return list
}

// shown holds a promotion's pull request against rules 3 to 5 and against what the database says of it.
func (w *storm) shown(p pull) {
	w.t.Helper()
	env := strings.Split(p.Head.Ref, "/")[1]
	known := query[bool](w.harness, `select exists (select from commits c where c.sha = $1)`, p.Head.SHA)
	cars := w.cars(p.Number)
	w.shows(p, env, cars, known)
	status := w.statuses(acmeEnv, p.Head.SHA)["ferry/gates"]
	for _, c := range cars {
		w.met[c.Intent]++
		held := query[int](w.harness, `select count(*) from holds where lifted_at is null and rolled_back = '[]' and app in ('', $1) and environment in ('', $2)`, c.App, env) > 0
		w.mayBeOpen(p, env, c, known, held)
		if status.State == "" || held && status.State == "success" {
			w.t.Errorf("ferry/gates of #%d is %+v; %s is held: %t", p.Number, status, c.App, held)
		}
	}
	var wish promotion.PullWish
	if err := json.Unmarshal([]byte(query[string](w.harness, `select coalesce((select desired::text from wishes where kind = 'pull' and key = $1), '{}')`, p.Head.Ref)), &wish); err != nil {
		w.t.Fatal(err)
	}
	if known && (!wish.Open || p.Title != wish.Title || !strings.Contains(p.Body, wish.Body)) {
		w.t.Errorf("#%d shows %q\n%s\nwished is %+v", p.Number, p.Title, p.Body, wish)
	}
}

// mayBeOpen holds one app of an open pull request against rules 3 to 5.
func (w *storm) mayBeOpen(p pull, env string, c stormCar, known, held bool) {
	w.t.Helper()
	for _, from := range w.from(env) {
		if c.Intent == "promotion" && w.arrived[from+"/"+c.App+"/"+c.Tag].IsZero() {
			w.t.Errorf("#%d brings %s %s into %s, and nobody ever said that it is healthy in %s (rule 3)", p.Number, c.App, c.Tag, env, from)
		}
	}
	if w.isAgainst(env, c) && known {
		w.t.Errorf("#%d brings %s %s into %s, which somebody rejected or blocked (rule 4)", p.Number, c.App, c.Tag, env)
	}
	if stands := w.standing("main", c.App, env); stands != "" && c.Asker == "" && c.Intent == "promotion" && !held && known && !newerTag(c.Tag, stands) {
		w.t.Errorf("#%d brings %s %s into %s, where %s stands (rule 5)", p.Number, c.App, c.Tag, env, stands)
	}
	if state := query[string](w.harness, `select open || ' ' || head_sha from pulls where number = $1`, p.Number); c.State != "open" || state != "true "+string(p.Head.SHA) {
		w.t.Errorf("#%d is open at %s, and the database says %s of %s, %s", p.Number, p.Head.SHA, c.State, c.App, state)
	}
}

// isAgainst says whether somebody rejected the release there, or blocked it there or anywhere that it comes through.
func (w *storm) isAgainst(env string, c stormCar) bool {
	places := []string{"", env}
	for i := 1; i < len(places); i++ {
		places = append(places, w.from(places[i])...)
	}
	return query[int](w.harness, `
		select (select count(*) from rejections where lifted_at is null and app = $1 and environment = $2 and release -> 0 ->> 'tag' = $3)
		     + (select count(*) from blocks where lifted_at is null and app = $1 and environment = any($4) and tag = $3)`, c.App, env, c.Tag, places) > 0
}

func newerTag(a, b string) bool {
	va, errA := semver.StrictNewVersion(a)
	vb, errB := semver.StrictNewVersion(b)
	return errA == nil && errB == nil && va.GreaterThan(vb)
}

// rejections fails where a person closed a promotion and that is not a rejection.
func (w *storm) rejections() {
	w.t.Helper()
	for number := range w.closed {
		if p := w.pull(number); p.State == "open" || p.Merged {
			continue
		}
		cars := w.cars(number)
		lines := query[int](w.harness, `select count(*) from rejections where number = $1`, number)
		rejected := !slices.ContainsFunc(cars, func(c stormCar) bool { return c.State != "rejected" })
		if said := w.superseded(number); !said && (!rejected || lines != len(cars)) {
			w.t.Errorf("dora closed #%d, and it is %+v, with %d rejections", number, cars, lines)
		}
	}
}

// superseded says whether Ferry has said that it closes the pull request.
func (w *storm) superseded(number int) bool {
	for _, r := range w.remarks(number) {
		if r.User.Login == w.bot.Login && strings.HasPrefix(r.Body, "Superseded: ") {
			return true
		}
	}
	return false
}

var (
	stormStatus  = regexp.MustCompile(`/statuses/([0-9a-f]{40})$`)
	stormComment = regexp.MustCompile(`/issues/([0-9]+)/comments$`)
)

// nothingTwiceSince fails where a status or a comment stands twice, of those that Ferry has written since it was asked last.
func (w *storm) nothingTwiceSince() {
	w.t.Helper()
	seen := map[string]bool{}
	for _, x := range w.crash.writes[w.counted:] {
		if seen[x.path] {
			continue
		}
		seen[x.path] = true
		if m := stormStatus.FindStringSubmatch(x.path); m != nil {
			w.noDoubleStatuses(m[1])
		}
		if m := stormComment.FindStringSubmatch(x.path); m != nil {
			said := map[string]bool{}
			var list []remark
			w.api("/repos/"+acmeEnv+"/issues/"+m[1]+"/comments?per_page=100", &list)
			for _, r := range list {
				if r.User.Login == w.bot.Login && said[r.Body] {
					w.t.Errorf("on #%s stands twice: %s", m[1], r.Body)
				}
				said[r.Body] = true
			}
		}
	}
	w.counted = len(w.crash.writes)
	if n := len(w.boards()); n != 1 {
		w.t.Errorf("Ferry has %d issues", n)
	}
	if n := query[int](w.harness, `select count(*) from commands where done_at is null`); n != 0 {
		w.t.Errorf("%d comments have no answer", n)
	}
}

// statusesAreWished fails where the newest statuses that the database speaks of are not those at the forge.
func (w *storm) statusesAreWished() {
	w.t.Helper()
	type wished struct {
		Desired postgres.StatusWish `json:"desired"`
	}
	var list []wished
	raw := query[string](w.harness, `select coalesce(json_agg(x), '[]')::text from (select desired from wishes where kind = 'status' and refusal = '' order by applied_at desc nulls first limit 12) x`)
	if err := json.Unmarshal([]byte(raw), &list); err != nil {
		w.t.Fatal(err)
	}
	for _, x := range list {
		got := w.statuses(acmeEnv, x.Desired.SHA)[x.Desired.Status.Context]
		if got.State != string(x.Desired.Status.State) || got.Description != x.Desired.Status.Description {
			w.t.Errorf("on %s stands %+v, wished is %+v", x.Desired.SHA, got, x.Desired.Status)
		}
	}
}

// nothingLeft fails where a further round finds anything to do (rule 6).
func (w *storm) nothingLeft() {
	w.t.Helper()
	count := func() string {
		return query[string](w.harness, `select (select count(*) from events) || ' events, ' || (select coalesce(sum(version), 0) from wishes) || ' versions of ' || (select count(*) from wishes) || ' wishes'`)
	}
	before, writes := count(), len(w.crash.writes)
	w.clock.advance(6 * 60 * 1e9)
	if err := w.worker.work.Sweep(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.everything()
	if now := count(); now != before || len(w.crash.writes) != writes {
		w.t.Errorf("with nothing new to do there are %s, before %s; Ferry wrote %+v (rule 6)", now, before, w.crash.writes[writes:])
	}
	if left := query[string](w.harness, `select coalesce(string_agg(kind || ' ' || key || ' ' || coalesce(act_at::text, '') || ' ' || attempts || ' ' || left(desired::text, 400), '; '), '') from wishes w
		where version <> applied_version and refusal = '' and not exists ( -- /retry of what somebody pushed upon waits for that person, where nothing is to be promoted any more
		  select from pulls p where p.open and p.head_branch = w.key and not exists (select from commits c where c.sha = p.head_sha))`); left != "" {
		w.t.Errorf("wishes are not true: %s", left)
	}
}
