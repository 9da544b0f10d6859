// Package window says whether recurring windows of time allow something at an instant, and when that changes. Its words and its
// rules are those of Argo CD's sync windows.
package window

import (
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // so that a time zone is known on every machine or on none

	"github.com/robfig/cron/v3"
)

// Kind says what a window does while it is open.
type Kind string

// While a Deny window is open nothing passes. Where there are Allow windows, something passes only while one of them is open.
const (
	Allow Kind = "allow"
	Deny  Kind = "deny"
)

// MinLength and MaxLength bound how long one window may last.
const (
	MinLength = time.Minute
	MaxLength = 366 * 24 * time.Hour
)

// Window opens again and again by a schedule, each time for the same length. Only New makes one.
type Window struct {
	Kind   Kind
	Reason string // a person's, may be empty

	schedule cron.Schedule // read on the clock of zone
	length   time.Duration
	zone     *time.Location
	text     string
}

// New returns the window that opens at schedule (five fields of cron) on the clock of the IANA time zone, and lasts length. The
// zone is UTC where it is "". It fails, saying what to write, where one of them is no such thing.
func New(kind Kind, schedule string, length time.Duration, zone, reason string) (Window, error) {
	if kind != Allow && kind != Deny {
		return Window{}, fmt.Errorf("kind is %q; write allow or deny", kind)
	}
	if length < MinLength || length > MaxLength {
		return Window{}, fmt.Errorf("duration is %s; write one from 1m to 366d", length)
	}
	if zone == "" {
		zone = "UTC"
	}
	location, err := Zone(zone)
	if err != nil {
		return Window{}, err
	}
	parsed, err := parseSchedule(schedule)
	if err != nil {
		return Window{}, err
	}
	return Window{Kind: kind, Reason: reason, schedule: parsed, length: length, zone: location, text: schedule}, nil
}

// Zone returns the time zone of an IANA name. It fails where there is none, and on "Local", which is another zone on every machine.
func Zone(name string) (*time.Location, error) {
	if name == "" || strings.EqualFold(name, "local") {
		return nil, fmt.Errorf("%q depends on the machine; write an IANA name such as Europe/Helsinki", name)
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%q is no time zone; write an IANA name such as Europe/Helsinki", name)
	}
	return location, nil
}

// CheckSchedule fails where a schedule is not five fields of cron (minute, hour, day of the month, month, day of the week), and where no day of any
// year fits.
func CheckSchedule(text string) error {
	_, err := parseSchedule(text)
	return err
}

// maxSchedule is far longer than five fields of cron get.
const maxSchedule = 200

func parseSchedule(text string) (cron.Schedule, error) {
	switch {
	case strings.Contains(text, "TZ="):
		return nil, fmt.Errorf("%q names a time zone, which has a key of its own: timeZone", text)
	case len(text) > maxSchedule || len(strings.Fields(text)) != 5:
		return nil, fmt.Errorf("%.*q is not five fields of cron: minute, hour, day, month, weekday", maxSchedule, text)
	}
	parsed, err := parseFields(text)
	if err != nil {
		return nil, fmt.Errorf("%q: %s", text, wrongField(strings.Fields(text)))
	}
	if parsed.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fmt.Errorf("%q: there is no such day", text)
	}
	return parsed, nil
}

func parseFields(text string) (cron.Schedule, error) {
	return cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow).Parse(text)
}

// wrongField says which of the five fields is the one that cannot be read: each is tried by itself.
func wrongField(fields []string) string {
	for i, can := range []string{"a minute, 0-59", "an hour, 0-23", "a day, 1-31", "a month, 1-12 or JAN-DEC", "a weekday, 0-6 or SUN-SAT"} {
		alone := slices.Repeat([]string{"*"}, len(fields))
		alone[i] = fields[i]
		if _, err := parseFields(strings.Join(alone, " ")); err != nil {
			return fmt.Sprintf("%q is not %s, nor a list, range or step of them", fields[i], can)
		}
	}
	return "this is no schedule of cron"
}

// Zone returns the time zone on whose clock the window opens.
func (w Window) Zone() *time.Location { return w.zone }

// Equal says whether both windows open and close together, for the same reason.
func (w Window) Equal(other Window) bool {
	return w.String() == other.String() && w.Reason == other.Reason
}

// String names the window as the configuration does.
func (w Window) String() string {
	return fmt.Sprintf("%s %q for %s in %s", w.Kind, w.text, spell(w.length), w.zone)
}

// spell writes a length as people do: 64h, not 64h0m0s.
func spell(d time.Duration) string {
	s := d.String()
	for _, none := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, none) {
			s = s[:len(s)-2]
		}
	}
	return s
}

// open returns until when the window is open at t by its latest start, at which it may open anew; zero where it is not open.
func (w Window) open(t time.Time) time.Time {
	start := w.lastStart(t)
	if start.IsZero() {
		return start
	}
	return start.Add(w.length)
}

// lastStart returns the latest start that is not after t, and from which the window is open still; zero where there is none. A cron schedule can
// only be asked forward, so it looks back ever further: what opens every minute for a year is found in the first hour.
func (w Window) lastStart(t time.Time) (last time.Time) {
	for back := time.Hour; ; back *= 8 {
		from := t.Add(-min(back, w.length))
		for at := w.next(from); !at.IsZero() && !at.After(t); at = w.next(at) {
			last = at
		}
		if !last.IsZero() || back >= w.length {
			return last
		}
	}
}

// next returns the first start after t; zero where there is none within the years that a cron schedule looks ahead.
func (w Window) next(t time.Time) time.Time {
	wall := clock(t, w.zone)
	for {
		if wall = w.schedule.Next(wall); wall.IsZero() {
			return wall
		}
		if at := instant(wall, w.zone); at.After(t) { // not so where the clock was set back, and shows it for the second time
			return at
		}
	}
}

// clock returns what the clock of the zone shows at t, as if it were in UTC: there every time exists once.
func clock(t time.Time, zone *time.Location) time.Time {
	t = t.In(zone)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// instant returns when the clock of the zone shows wall: the first time, where it is set back over it; where it is set forward over it, when it is set.
func instant(wall time.Time, zone *time.Location) time.Time {
	const day = 24 * time.Hour
	_, before := wall.Add(-day).In(zone).Zone()
	_, after := wall.Add(day).In(zone).Zone()
	first, second := wall.Add(-time.Duration(before)*time.Second), wall.Add(-time.Duration(after)*time.Second)
	if clock(first, zone).Equal(wall) {
		return first
	}
	if clock(second, zone).Equal(wall) {
		return second
	}
	_, set := second.In(zone).ZoneBounds()
	if set.IsZero() {
		return second
	}
	return set.UTC()
}
