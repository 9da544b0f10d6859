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

// DisarmedWords says what was taken back, whose order it was, and why.
func DisarmedWords(was forge.Armed, reason string) string {
	var parts []string
	if was.AutoMerge != "" {
		parts = append(parts, "auto-merge, which "+was.AutoMerge+" had enabled, is disabled")
	}
	if was.Queue != "" {
		parts = append(parts, "it is taken out of the merge queue, to which "+was.Queue+" had added it")
	}
	return strings.Join(parts, "; ") + ", because of this: " + reason
}

// ShowsOther is why the order to merge what a pull request showed is taken back before it shows the wish.
func (w PullWish) ShowsOther() string {
	if w.Group != "" {
		return "other apps or releases travel in it now"
	}
	return "it shows " + w.Release.Version() + " now, or another edit, and not what it showed then"
}

// disarmedWords say what Ferry took back, until somebody arms it anew.
func (a Armed) disarmedWords() string {
	if a.Disarmed == "" {
		return ""
	}
	return "Ferry stopped its merge: " + escape(clip(a.Disarmed, mostReason)) + ". Look at it again; once `ferry/gates` is green, merge it, or enable auto-merge or add it to the queue again."
}

// disarmedWords stand in the pull request's body, too.
func (e *Environment) disarmedWords() string {
	if e.Pull == nil || e.Pull.Armed.Disarmed == "" {
		return ""
	}
	return "\n" + e.Pull.Armed.disarmedWords() + "\n"
}

// StopsHandMade says whether the gates of a hand-made pull request take back that the forge merges it by itself, and returns what is to be taken back.
func StopsHandMade(number int, armed Armed, c Contribution) (d Disarm, ok bool) {
	return Disarm{Number: number, Armed: armed, Reason: c.Description}, armed.is() && c.State != forge.Success
}

// HandMadeNotice is what the one comment under a pull request that is not Ferry's tells: only what was taken back of its merge.
func HandMadeNotice(number int, armed Armed) Notice {
	return Notice{Number: number, Trouble: armed.disarmedWords(), Calm: stoodDown}
}
