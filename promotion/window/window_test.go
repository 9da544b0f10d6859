package window_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"ferry/promotion/window"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	out, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func open(t *testing.T, kind window.Kind, schedule string, length time.Duration, zone string) window.Window {
	t.Helper()
	w, err := window.New(kind, schedule, length, zone, "")
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestAt(t *testing.T) {
	t.Parallel()
	weekend := open(t, window.Deny, "0 16 * * FRI", 64*time.Hour, "Europe/Helsinki")
	nights := open(t, window.Allow, "0 22 * * *", 8*time.Hour, "UTC")
	always := open(t, window.Deny, "* * * * *", time.Minute, "")
	gone := open(t, window.Deny, "30 3 * * *", time.Hour, "Europe/Helsinki") // on 2026-03-29 the clock goes from 03:00 to 04:00
	twice := open(t, window.Deny, "30 3 * * *", 30*time.Minute, "Europe/Helsinki")
	for _, test := range []struct {
		name    string
		windows []window.Window
		now     string
		open    bool
		changes string
	}{
		{"none", nil, "2026-11-20T12:00:00Z", true, ""},
		{"before a weekend", []window.Window{weekend}, "2026-11-20T13:59:59Z", true, "2026-11-20T14:00:00Z"},
		{"a weekend begins", []window.Window{weekend}, "2026-11-20T14:00:00Z", false, "2026-11-23T06:00:00Z"},
		{"in a weekend", []window.Window{weekend}, "2026-11-22T12:00:00Z", false, "2026-11-23T06:00:00Z"},
		{"a weekend is over", []window.Window{weekend}, "2026-11-23T06:00:00Z", true, "2026-11-27T14:00:00Z"},
		{"a weekend in summer time", []window.Window{weekend}, "2026-07-03T13:00:00Z", false, "2026-07-06T05:00:00Z"},
		{"a weekend in which summer time ends", []window.Window{weekend}, "2026-10-24T12:00:00Z", false, "2026-10-26T05:00:00Z"},
		{"by day", []window.Window{nights}, "2026-11-20T12:00:00Z", false, "2026-11-20T22:00:00Z"},
		{"by night", []window.Window{nights}, "2026-11-20T23:00:00Z", true, "2026-11-21T06:00:00Z"},
		{"deny wins over allow", []window.Window{nights, weekend}, "2026-11-20T23:00:00Z", false, "2026-11-23T22:00:00Z"},
		{"either of two allows", []window.Window{nights, open(t, window.Allow, "0 6 * * *", time.Hour, "")}, "2026-11-20T23:00:00Z", true, "2026-11-21T07:00:00Z"},
		{"shut for ever", []window.Window{always}, "2026-11-20T12:00:00Z", false, ""},
		{"a start that the clock leaves out", []window.Window{gone}, "2026-03-29T01:30:00Z", false, "2026-03-29T02:00:00Z"},
		{"before that start", []window.Window{gone}, "2026-03-29T00:59:59Z", true, "2026-03-29T01:00:00Z"},
		{"a start that the clock shows twice", []window.Window{twice}, "2026-10-25T00:45:00Z", false, "2026-10-25T01:00:00Z"},
		{"the second time", []window.Window{twice}, "2026-10-25T01:45:00Z", true, "2026-10-26T01:30:00Z"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := window.At(test.windows, at(t, test.now))
			changes := ""
			if !v.Changes.IsZero() {
				changes = v.Changes.UTC().Format(time.RFC3339)
			}
			if v.Open != test.open || changes != test.changes || (v.By == nil) != v.Open {
				t.Errorf("open %t by %v until %s, want %t until %s", v.Open, v.By, changes, test.open, test.changes)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind     window.Kind
		schedule string
		length   time.Duration
		zone     string
		says     string
	}{
		{"block", "0 0 * * *", time.Hour, "", "allow or deny"},
		{"deny", "0 0 * *", time.Hour, "", "five fields of cron"},
		{"deny", "61 0 * * *", time.Hour, "", "is not a minute"},
		{"deny", "0 0 30 2 *", time.Hour, "", "no such day"},
		{"deny", "CRON_TZ=UTC 0 0 * * *", time.Hour, "", "timeZone"},
		{"deny", "@every 5m", time.Hour, "", "five fields of cron"},
		{"deny", "@daily", time.Hour, "", "five fields of cron"},
		{"deny", strings.Repeat("1,", 200) + "1 * * * *", time.Hour, "", "five fields of cron"},
		{"deny", "0 0 * * *", 0, "", "from 1m to 366d"},
		{"deny", "0 0 * * *", 367 * 24 * time.Hour, "", "from 1m to 366d"},
		{"deny", "0 0 * * *", time.Hour, "Helsinki", "Europe/Helsinki"},
		{"deny", "0 0 * * *", time.Hour, "Local", "machine"},
		{"deny", "0 0 * * *", time.Hour, "../../etc/passwd", "IANA name"},
	} {
		if _, err := window.New(test.kind, test.schedule, test.length, test.zone, ""); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%q %q: %v, want an error with %q", test.kind, test.schedule, err, test.says)
		}
	}
}

// TestChangesIsTheFirstChange holds a verdict against those of every minute until its change.
func TestChangesIsTheFirstChange(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	schedules := []string{"0 16 * * FRI", "30 2 * * *", "30 3 * * *", "0 0 1 * *", "*/20 * * * *", "15 22 * * 1-5", "0 0 * * *"}
	zones := []string{"Europe/Helsinki", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC", "America/Sao_Paulo"}
	for range 30 {
		var windows []window.Window
		for range 1 + random.IntN(3) {
			kind := []window.Kind{window.Allow, window.Deny}[random.IntN(2)]
			windows = append(windows, open(t, kind, schedules[random.IntN(len(schedules))], time.Duration(1+random.IntN(4000))*time.Minute, zones[random.IntN(len(zones))]))
		}
		now := time.Date(2026, time.Month(1+random.IntN(12)), 1+random.IntN(28), random.IntN(24), random.IntN(60), 0, 0, time.UTC)
		v := window.At(windows, now)
		for m := now; m.Before(now.Add(48*time.Hour)) && (v.Changes.IsZero() || m.Before(v.Changes)); m = m.Add(37 * time.Minute) {
			if window.At(windows, m).Open != v.Open {
				t.Fatalf("%v at %s: open %t until %s, but otherwise at %s", windows, now, v.Open, v.Changes, m)
			}
		}
		if !v.Changes.IsZero() && window.At(windows, v.Changes).Open == v.Open {
			t.Fatalf("%v at %s: open %t, and no change at %s", windows, now, v.Open, v.Changes)
		}
	}
}

func BenchmarkAt(b *testing.B) {
	w, err := window.New(window.Deny, "* * * * *", window.MaxLength, "Europe/Helsinki", "")
	if err != nil {
		b.Fatal(err)
	}
	short, err := window.New(window.Deny, "* * * * *", time.Minute, "", "")
	if err != nil {
		b.Fatal(err)
	}
	now := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	b.Run("long", func(b *testing.B) {
		for b.Loop() {
			window.At([]window.Window{w}, now)
		}
	})
	b.Run("dense", func(b *testing.B) {
		for b.Loop() {
			window.At([]window.Window{short}, now)
		}
	})
}

// TestScheduleNamesTheField holds that what is wrong with a schedule is said of its field.
func TestScheduleNamesTheField(t *testing.T) {
	t.Parallel()
	for schedule, want := range map[string]string{
		"0 16 * * FOO":  `"FOO" is not a weekday`,
		"61 * * * *":    `"61" is not a minute`,
		"0 5-30 * * *":  `"5-30" is not an hour`,
		"0 0 0 * *":     `"0" is not a day`,
		"0 0 1 */x *":   `"*/x" is not a month`,
		"0 0 * * MON-9": `"MON-9" is not a weekday`,
	} {
		if _, err := window.New(window.Deny, schedule, time.Hour, "", ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", schedule, err)
		}
	}
}
