package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var stormUrgent = regexp.MustCompile(`^(Roll back|Hotfix|Back-fill) `)

// wideEvent lets one thing happen that only some storms have: CI says how a check stands, somebody reviews, or arms a pull request.
func (w *storm) wideEvent() {
	switch n := w.r.IntN(12); {
	case n < 4:
		var commits []struct{ SHA string }
		w.api("/repos/"+acmeEnv+"/commits?per_page=4", &commits)
		w.check(commits[w.r.IntN(len(commits))].SHA)
	case n < 8:
		w.review()
	case n < 10:
		w.arm()
	default:
		w.ofTrains()
	}
}

// message returns what the commit says.
func (w *storm) message(sha string) string {
	w.t.Helper()
	var commit struct{ Message string }
	w.api("/repos/"+acmeEnv+"/git/commits/"+sha, &commit)
	return commit.Message
}

// trailers returns what the trailers of a commit of Ferry's say that it brings, as app and tag.
func trailers(message string) (list []string) {
	app := ""
	for line := range strings.SplitSeq(message, "\n") {
		if name, ok := strings.CutPrefix(line, "Ferry-App: "); ok {
			app = name
		}
		if ref, ok := strings.CutPrefix(line, "Ferry-Release: "); ok {
			list = append(list, app+" "+ref[strings.LastIndex(ref, ":")+1:])
		}
	}
	return list
}

// shows fails unless the head of the pull request, its rows in the database and its trailers are the same.
func (w *storm) shows(p pull, env string, cars []stormCar, known bool) {
	w.t.Helper()
	var rows, head []string
	for _, c := range cars {
		rows = append(rows, c.App+" "+c.Tag)
		head = append(head, c.App+" "+w.standing(p.Head.Ref, c.App, env))
	}
	said := trailers(w.message(string(p.Head.SHA)))
	if known && (!slices.Equal(rows, head) || !slices.Equal(rows, said)) {
		w.t.Errorf("#%d shows %v, its trailers say %v, and the database %v", p.Number, head, said, rows)
	}
	if len(cars) > 1 {
		w.met["a train of several"]++
	}
}

// places fails where more promotions are open into an environment than there are places, or one app is in two of them.
func (w *storm) places() {
	w.t.Helper()
	open, apps := map[string]int{}, map[string]int{}
	for branch, p := range w.openPulls(acmeEnv) {
		parts := strings.Split(branch, "/")
		if p.User.Login != w.bot.Login || len(parts) != 3 {
			continue
		}
		if !stormUrgent.MatchString(p.Title) && !w.reopened[p.Number] {
			open[parts[1]]++
		}
		for _, what := range trailers(w.message(string(p.Head.SHA))) {
			app, _, _ := strings.Cut(what, " ")
			if apps[app+" "+parts[1]]++; apps[app+" "+parts[1]] > 1 {
				w.t.Errorf("%s is in two open pull requests into %s", app, parts[1])
			}
		}
	}
	for _, env := range w.inForce().Environments {
		if lowered := w.kind == stormChanging; env.MaxOpen > 0 && open[env.Name] > env.MaxOpen && !lowered { // what is open stays where fewer may be from now on
			w.t.Errorf("%d promotions are open into %s, where max_open is %d", open[env.Name], env.Name, env.MaxOpen)
		}
	}
}

// nobodyWaitsInVain fails where somebody waits for a place that is free.
func (w *storm) nobodyWaitsInVain() {
	w.t.Helper()
	for _, env := range w.inForce().Environments {
		waiting := query[string](w.harness, `select coalesce(string_agg(name, ', '), '') from waiting where environment = $1`, env.Name)
		taken := query[int](w.harness, `select count(distinct branch) from promotions where environment = $1 and state in ('waiting', 'open')`, env.Name)
		if waiting != "" && taken < env.MaxOpen {
			w.t.Errorf("%s wait for room in %s, where %d of %d places are taken", waiting, env.Name, taken, env.MaxOpen)
		}
		if waiting != "" {
			w.met["waits for room"]++
		}
	}
}

func (w *storm) arm() {
	if p, ok := w.anyOf("open"); ok {
		w.note("finn enables auto-merge of #%d", p.Number)
		w.noted("arm", w.harness.forge.EnableAutoMerge(acmeEnv, p.Number, "finn"))
	}
}

func (w *storm) review() {
	if p, ok := w.anyOf("open"); ok {
		who, event := w.pick([]string{"dora", "finn", "eve"}), w.pick([]string{"APPROVE", "APPROVE", "APPROVE", "REQUEST_CHANGES"})
		w.note("%s reviews #%d: %s", who, p.Number, event)
		_, err := w.harness.forge.Review(acmeEnv, p.Number, who, event, fmt.Sprint("seen ", w.r.Uint32()))
		w.noted("review", err)
	}
}
