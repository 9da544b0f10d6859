package config

import (
	"time"

	"go.yaml.in/yaml/v4"

	"ferry/promotion/window"
)

// freezes reads windows of time, in the words of Argo CD's sync windows.
func (r *reporter) freezes(f field) []window.Window {
	items, _ := r.list(f.value, "freeze")
	var out []window.Window
	for _, item := range bounded(r, f, items, maxListed) {
		if w, ok := r.freeze(item); ok {
			out = append(out, w)
		}
	}
	return out
}

// freeze reads one window. It returns false where something is wrong with it, which is noted.
func (r *reporter) freeze(n *yaml.Node) (window.Window, bool) {
	var kind, schedule, zone, reason string
	var length time.Duration
	before := r.count
	r.mapping(atFreeze, n, func(f field) {
		switch f.key {
		case "kind":
			kind = choice(r, f, string(window.Deny), string(window.Allow))
		case "schedule":
			schedule = r.schedule(f.value)
		case "duration":
			length = r.windowLength(f)
		case "timeZone":
			zone = r.zone(f.value)
		case "reason":
			reason, _ = r.text(f.value, "reason")
		}
	})
	if r.count > before {
		return window.Window{}, false
	}
	w, err := window.New(window.Kind(kind), schedule, length, zone, reason)
	if err != nil {
		r.fail(n, "freeze: %v", err)
	}
	return w, err == nil
}

// windowLength reads how long a window lasts.
func (r *reporter) windowLength(f field) time.Duration {
	d, ok := r.duration(f)
	switch {
	case !ok:
	case d == 0:
		r.failAs(ruleUseless, f.value, "duration must be more than 0: it is how long the window lasts")
	case d < window.MinLength:
		r.fail(f.value, "duration: a window lasts at least 1m; a schedule knows no seconds")
	}
	return d
}

// schedule reads when a window begins.
func (r *reporter) schedule(n *yaml.Node) string {
	s, ok := r.text(n, "schedule")
	if ok {
		if err := window.CheckSchedule(s); err != nil {
			r.failAs(ruleInvalidSchedule, n, "schedule: %v", err)
		}
	}
	return s
}

// zone reads the name of a time zone.
func (r *reporter) zone(n *yaml.Node) string {
	s, ok := r.text(n, "timeZone")
	if ok {
		if _, err := window.Zone(s); err != nil {
			r.failAs(ruleInvalidZone, n, "timeZone: %v", err)
		}
	}
	return s
}
