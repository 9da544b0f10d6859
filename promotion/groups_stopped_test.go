package promotion_test

import (
	"reflect"
	"strings"
	"testing"

	"ferry/forge"
	"ferry/promotion"
)

// TestStoppedGroup: what was stopped as a group stays stopped, though nothing is in that group any more, and is lifted by its name.
func TestStoppedGroup(t *testing.T) {
	t.Parallel()
	grouped := func(s *promotion.CommandScene) {
		s.Permission = forge.PermissionMaintain
		for i := range s.Views {
			s.Views[i].Group = "platform"
		}
	}
	out := execute(t, "/freeze platform prod an incident\n/hold platform an audit", grouped)
	if len(out.Freezes) != 1 || len(out.Holds) != 1 {
		t.Fatalf("%s", out.Answer)
	}
	members := []string{"cart", "checkout"}
	if got := out.Freezes[0].Apps; !reflect.DeepEqual(got, members) {
		t.Errorf("the freeze is on %v", got)
	}
	file, err := promotion.Decisions{Stops: promotion.Stops{Freezes: out.Freezes, Holds: out.Holds}}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	back, err := promotion.ParseDecisions(file)
	if err != nil || !reflect.DeepEqual(back.Freezes[0].Apps, members) || !reflect.DeepEqual(back.Holds[0].Apps, members) {
		t.Fatalf("read back: %+v, %v", back.Stops, err)
	}
	if holds, freezes := back.On("cart", "prod"); len(holds) != 1 || len(freezes) != 1 {
		t.Errorf("cart, which is in no group now, has %v and %v", holds, freezes)
	}
	if _, freezes := back.On("cart", "dev"); len(freezes) != 0 {
		t.Errorf("nobody froze dev: %v", freezes)
	}
	stopped := func(s *promotion.CommandScene) {
		s.Permission, s.Stops = forge.PermissionMaintain, back.Stops
		s.Freezes[0].ID, s.Holds[0].ID = 7, 8
	}
	for _, test := range []struct {
		body            string
		thawed, resumed int
		words           string
	}{
		{"/thaw platform prod", 1, 0, "Thawed"},
		{"/thaw prod Platform", 1, 0, "Thawed"},
		{"/resume platform", 0, 1, "Lifted"},
		{"/thaw cart", 0, 0, "Frozen still: ann froze platform in prod"},
		{"/resume cart", 0, 0, "Held still: ann holds platform"},
	} {
		out := execute(t, test.body, stopped)
		if len(out.Thawed) != test.thawed || len(out.Resumed) != test.resumed || !strings.Contains(out.Answer, test.words) {
			t.Errorf("%s: %v, %v: %s", test.body, out.Thawed, out.Resumed, out.Answer)
		}
	}
}
