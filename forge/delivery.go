package forge

import (
	"slices"
	"time"
)

// SentDelivery is one try of the forge to send a delivery, as its own log shows it.
type SentDelivery struct {
	ID     int64  // of this try
	GUID   string // of the delivery: all tries at it have the same
	Event  string // the forge's name of it: "push"
	At     time.Time
	Status int // what was answered; a number below 200 or above 299 where it was not taken
}

// Taken says that whoever it was sent to has answered with success.
func (d SentDelivery) Taken() bool { return d.Status >= 200 && d.Status <= 299 }

// Undelivered returns what of a log, the newest first, no try has brought to where it belongs: of each such delivery the newest try, the oldest delivery
// first. The others' GUIDs it returns as taken.
func Undelivered(log []SentDelivery) (lost []SentDelivery, taken []string) {
	arrived, seen := map[string]bool{}, map[string]bool{}
	for _, d := range log {
		if d.Taken() && !arrived[d.GUID] {
			arrived[d.GUID] = true
			taken = append(taken, d.GUID)
		}
	}
	for _, d := range log {
		if !arrived[d.GUID] && !seen[d.GUID] {
			seen[d.GUID] = true
			lost = append(lost, d)
		}
	}
	slices.Reverse(lost)
	return lost, taken
}
