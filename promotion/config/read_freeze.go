package config

import (
	"errors"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // so that a time zone is known on every machine or on none

	"github.com/robfig/cron/v3"
	"go.yaml.in/yaml/v4"
)

// freezes reads windows of time, in the words of Argo CD's sync windows.
func (r *reporter) freezes(f field) []Freeze {
	items, _ := r.list(f.value, "freeze")
	var out []Freeze
	for _, item := range bounded(r, f, items, maxListed) {
		out = append(out, r.freeze(item))
	}
	return out
}

// freeze reads one window.
func (r *reporter) freeze(n *yaml.Node) Freeze {
	out := Freeze{TimeZone: "UTC"}
	r.mapping(atFreeze, n, func(f field) {
		switch f.key {
		case "kind":
			out.Kind = choice(r, f, "deny", "allow")
		case "schedule":
			out.Schedule = r.schedule(f.value)
		case "duration":
			before := r.count
			if out.Duration, _ = r.duration(f); out.Duration == 0 && r.count == before {
				r.failAs(ruleUseless, f.value, "duration must be more than 0: it is how long the window lasts")
			}
		case "timeZone":
			out.TimeZone = r.zone(f.value)
		case "reason":
			out.Reason, _ = r.text(f.value, "reason")
		}
	})
	return out
}

// schedule reads when a window begins.
func (r *reporter) schedule(n *yaml.Node) string {
	s, ok := r.text(n, "schedule")
	if !ok {
		return ""
	}
	if _, err := ParseSchedule(s); err != nil {
		r.failAs(ruleInvalidSchedule, n, "schedule: %v", err)
	}
	return s
}

// maxSchedule is far longer than five fields of cron get.
const maxSchedule = 200

// ParseSchedule reads five fields of cron: minute, hour, day of the month, month and day of the week. It fails on anything
// else, also on seconds, "@daily" and a time zone in front, and where no day of any year fits.
func ParseSchedule(s string) (cron.Schedule, error) {
	if len(s) > maxSchedule || len(strings.Fields(s)) != 5 || strings.Contains(s, "=") {
		return nil, fmt.Errorf("%s: a schedule is five fields of cron: minute, hour, day, month, weekday", quoted(s))
	}
	schedule, err := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow).Parse(s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", quoted(s), err)
	}
	// A leap year lies in the five years that cron looks ahead from here.
	if schedule.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fmt.Errorf("%s: there is no such day", quoted(s))
	}
	return schedule, nil
}

// zone reads the name of a time zone.
func (r *reporter) zone(n *yaml.Node) string {
	s, ok := r.text(n, "timeZone")
	if !ok {
		return ""
	}
	if _, err := LoadZone(s); err != nil {
		r.failAs(ruleInvalidZone, n, "timeZone: %v", err)
	}
	return s
}

var errZone = errors.New(`it is a name of the IANA time zone database, such as "Europe/Helsinki" or "UTC"`)

// LoadZone returns the time zone of an IANA name. It fails where there is none, and on "Local", which means another zone on
// every machine.
func LoadZone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("%s is no time zone: %w", quoted(name), errZone)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%s is not known: %w", quoted(name), errZone)
	}
	return zone, nil
}
