package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ferry/promotion/window"
)

// checkStricter notes what an included file would make looser than .ferry.yaml has it, in any environment.
func (r *reporter) checkStricter(e entry, apps []entry, environments []environment, mode optional[Mode]) {
	before := settings{}
	for _, d := range apps {
		if d.discover != nil && !d.excepted(e.name) {
			before = before.strictest(d.own.get().all)
		}
	}
	base := e.own.get()
	if !e.complete() {
		base.all = base.all.over(before)
	}
	said := false
	for _, env := range environments {
		was := base.in[env.Name].over(base.all).over(env.settings)
		was.mode = strictestOf(mode, env.mode, base.all.mode, base.in[env.Name].mode)
		said = said || r.looser(e.added.all, was, env.Name)
		r.looser(e.added.in[env.Name], was, env.Name)
	}
	for _, env := range sortedKeys(e.added.in) {
		if !slices.ContainsFunc(environments, func(known environment) bool { return known.Name == env }) && nameProblem(env) == "" {
			r.noteWith(ruleUnknownEnv, e.added.in[env].at, func() string { return noEnvironment(env, environments) })
		}
	}
}

// strictest returns the settings of two that may both hold, the stricter of each.
func (s settings) strictest(other settings) settings {
	if !s.soak.set || other.soak.value > s.soak.value {
		s.soak = other.soak
	}
	if !s.approvals.set || other.approvals.value > s.approvals.value {
		s.approvals = other.approvals
	}
	if mode := strictestSet(s.mode.value, other.mode.value); mode != s.mode.value {
		s.mode = other.mode
	}
	s.freezes = given(slices.Concat(s.freezes.value, other.freezes.value), position{})
	return s
}

// looser notes each setting that asks for less than what holds without it.
func (r *reporter) looser(s, was settings, env string) bool {
	before := r.count
	if s.mode.value != "" && strictestSet(s.mode.value, was.mode.value) != s.mode.value {
		r.tooLoose(s.mode.at, "mode: "+string(s.mode.value), "mode: "+string(was.mode.value), was.mode.at, env)
	}
	if s.soak.set && s.soak.value < was.soak.value && (len(was.from.value.names) > 0) {
		r.tooLoose(s.soak.at, "soak: "+days(s.soak.value), "soak: "+days(was.soak.value), was.soak.at, env)
	}
	if s.approvals.set && s.approvals.value < was.approvals.value {
		r.tooLoose(s.approvals.at, fmt.Sprintf("approvals: %d", s.approvals.value), fmt.Sprintf("approvals: %d", was.approvals.value), was.approvals.at, env)
	}
	allows := func(w window.Window) bool { return w.Kind == window.Allow }
	if slices.ContainsFunc(s.freezes.value, allows) && slices.ContainsFunc(was.freezes.value, allows) {
		r.note(ruleLooser, s.freezes.at, "a window that allows would open more of %s than the freeze of %s does; write windows that deny", env, File)
	}
	return r.count > before
}

// strictestOf returns the strictest of the modes that are set, or the one that holds where none is.
func strictestOf(all ...optional[Mode]) optional[Mode] {
	out := given(ModePropose, position{})
	for i, m := range slices.DeleteFunc(all, func(m optional[Mode]) bool { return m.value == "" }) {
		if i == 0 || strictestSet(m.value, out.value) != out.value {
			out = m
		}
	}
	return out
}

// tooLoose words one of them.
func (r *reporter) tooLoose(at position, now, was string, wasAt position, env string) {
	where := "by default"
	if wasAt.file != "" {
		where = fmt.Sprintf("in %s:%d", wasAt.file, wasAt.line)
	}
	r.note(ruleLooser, at, "%s is looser than the %s that %s has %s; an included file can only be stricter", now, was, env, where)
}

// days returns a duration as people write it here.
func days(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
