package window

import "time"

// Verdict is what all windows together say of an instant.
type Verdict struct {
	Open     bool
	By       *Window   // which window keeps it shut: an open Deny window, or the Allow window that opens next; nil where it is open, or nothing opens any more
	Changes  time.Time // when it will be otherwise; zero where that is not within a year, or more openings ahead than are looked at
	Foreseen time.Time // until when it surely stays as it is, at least; zero: for ever
}

// Bounds of looking ahead: how far, and how many openings of windows.
const (
	horizon     = MaxLength
	mostChanges = 200
)

// At says whether the windows allow something at t, and when that changes. Without windows everything is allowed for ever.
func At(windows []Window, t time.Time) Verdict {
	v := Verdict{}
	v.Open, v.By = allowed(windows, t)
	for range mostChanges {
		at := boundary(windows, later(t, v.Foreseen))
		if at.IsZero() {
			break
		}
		v.Foreseen = at
		if at.After(t.Add(horizon)) {
			break
		}
		if open, _ := allowed(windows, at); open != v.Open {
			v.Changes = at
			break
		}
	}
	return v
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// allowed says whether something passes at t, and which window keeps it out: of several the one that is open longest, or opens first.
func allowed(windows []Window, t time.Time) (open bool, by *Window) {
	var denied, allows time.Time
	var deny, allow *Window
	hasAllow, isAllowed := false, false
	for i := range windows {
		w := &windows[i]
		until := w.open(t)
		hasAllow = hasAllow || w.Kind == Allow
		switch {
		case w.Kind == Deny && until.After(denied):
			denied, deny = until, w
		case w.Kind == Deny:
		case !until.IsZero():
			isAllowed = true
		default:
			if at := w.next(t); !at.IsZero() && (allow == nil || at.Before(allows)) {
				allows, allow = at, w
			}
		}
	}
	switch {
	case deny != nil:
		return false, deny
	case hasAllow && !isAllowed:
		return false, allow
	}
	return true, nil
}

// boundary returns the first instant after t at which any window may open or close.
func boundary(windows []Window, t time.Time) (first time.Time) {
	for i := range windows {
		w := &windows[i]
		at := w.open(t)
		if at.IsZero() {
			at = w.next(t)
		}
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}
