package promotion

import (
	"strings"
	"time"

	"ferry/forge"
)

// Armed is that somebody told the forge to merge a pull request by itself, by native auto-merge or its merge queue.
type Armed struct {
	AutoMerge string    `json:"auto_merge,omitempty"` // the login of who did
	Queue     string    `json:"queue,omitempty"`
	At        time.Time `json:"at,omitzero"`
	Disarmed  string    `json:"-"` // what Ferry has taken back, in words; empty: nothing, or it was armed again since
}

func (a Armed) is() bool { return a.AutoMerge != "" || a.Queue != "" }

// Disarm is a pull request that the forge must not merge by itself, because a gate closed. Merging by itself once gates open that only wait is what
// arming is for, and stays.
type Disarm struct {
	Environment string `json:"environment"`
	Number      int    `json:"number"`
	Armed       Armed  `json:"armed"`
	Reason      string `json:"reason"`
}

// ArmingFacts is what a delivery said of who tells the forge to merge a pull request by itself.
type ArmingFacts struct {
	Number int
	forge.Arming
}

// stops says whether gates take back that the forge merges by itself: people or a failure closed one, or a freeze has begun.
func stops(state GateState, shut []Gate) bool {
	return state == GateClosed || gateNamed(shut, "freeze").Name != ""
}

// DisarmedWords says what was taken back, and whose order it was.
func DisarmedWords(was forge.Armed) string {
	var parts []string
	if was.AutoMerge != "" {
		parts = append(parts, "auto-merge, which "+was.AutoMerge+" had enabled, is disabled")
	}
	if was.Queue != "" {
		parts = append(parts, "it is taken out of the merge queue, to which "+was.Queue+" had added it")
	}
	return strings.Join(parts, "; ")
}

// DisarmedComment is what Ferry says on the pull request, once: whose order it took back, why, and what to do.
func DisarmedComment(words, reason string) string {
	return "Ferry stopped this merge: " + escape(words) + ".\n\nWhy: " + escape(reason) + "\n\nOnce every gate is open, `ferry/gates` is green again; then merge it, or enable it anew."
}

// disarmedWords stand in the pull request's body until somebody arms it anew.
func (e *Environment) disarmedWords() string {
	if e.Pull == nil || e.Pull.Armed.Disarmed == "" {
		return ""
	}
	return "\nA gate closed: " + escape(e.Pull.Armed.Disarmed) + ".\n"
}

// StopsHandMade says whether the gates of a hand-made pull request take back that the forge merges it by itself, and returns what is to be taken back.
func StopsHandMade(number int, armed Armed, c Contribution) (d Disarm, ok bool) {
	return Disarm{Number: number, Armed: armed, Reason: c.Description}, armed.is() && c.State != forge.Success
}
