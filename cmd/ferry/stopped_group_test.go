package main

import (
	"strings"
	"testing"
	"time"

	"ferry/forge"
)

// TestStoppedGroupChanges: somebody who may only write takes the group out of .ferry.yaml, and its apps stay frozen, also over a lost database.
func TestStoppedGroupChanges(t *testing.T) {
	t.Parallel()
	h := train(t, "")
	h.bump("1.1.0", "cart")
	mia := h.maintainer()
	h.ask(h.theTrain().Number, mia, "/freeze platform an incident")
	h.commit(acmeEnv, map[string]string{".ferry.yaml": trainConfig("", "")})
	h.later(time.Minute)
	frozen := func(when string) {
		t.Helper()
		p := h.pullOn(acmeEnv, "ferry/staging/cart")
		got := h.statuses(acmeEnv, p.Head.SHA)["ferry/gates"]
		if got.State != string(forge.Failure) || !strings.Contains(got.Description, "froze platform") {
			t.Errorf("%s the gates are %+v", when, got)
		}
	}
	frozen("without the group")
	h.lose()
	frozen("without the database")
	h.ask(h.pullOn(acmeEnv, "ferry/staging/cart").Number, mia, "/thaw platform")
	if got := h.statuses(acmeEnv, h.pullOn(acmeEnv, "ferry/staging/cart").Head.SHA)["ferry/gates"]; got.State != string(forge.Success) {
		t.Errorf("thawed, the gates are %+v", got)
	}
}
