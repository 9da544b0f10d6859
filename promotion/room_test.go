package promotion_test

import (
	"strings"
	"testing"
	"time"

	"ferry/promotion"
	"ferry/promotion/config"
)

// TestRoom: who may open a promotion where others wait for a place too.
func TestRoom(t *testing.T) {
	t.Parallel()
	at := func(minutes int) time.Time { // the release is eligible at 0
		return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC).Add(time.Duration(minutes) * time.Minute)
	}
	waits := func(name string, minutes int) promotion.Waiter {
		return promotion.Waiter{Name: name, Since: at(minutes)}
	}
	for name, c := range map[string]struct {
		room  promotion.Room
		opens bool
	}{
		"empty":                              {promotion.Room{}, true},
		"one place left":                     {promotion.Room{Taken: 1}, true},
		"full":                               {promotion.Room{Taken: 2}, false},
		"fuller than full":                   {promotion.Room{Taken: 7}, false},
		"the place is an older one's":        {promotion.Room{Taken: 1, Waiting: []promotion.Waiter{waits("zoo", -1)}}, false},
		"a younger one has to wait":          {promotion.Room{Taken: 1, Waiting: []promotion.Waiter{waits("aaa", 1)}}, true},
		"of two at once the first by name":   {promotion.Room{Taken: 1, Waiting: []promotion.Waiter{waits("cart", 0)}}, false},
		"and not the second":                 {promotion.Room{Taken: 1, Waiting: []promotion.Waiter{waits("drum", 0)}}, true},
		"a place for each of two":            {promotion.Room{Waiting: []promotion.Waiter{waits("zoo", -1)}}, true},
		"it has waited since an older one":   {promotion.Room{Taken: 1, Since: at(-5), Waiting: []promotion.Waiter{waits("zoo", -1)}}, true},
		"it has waited and it is still full": {promotion.Room{Taken: 2, Since: at(-5)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := line(t, func(staging, _ *config.Environment) { staging.MaxOpen = 2 })
			w.env("staging").Room = c.room
			w.arrive("dev", "1.1.0")
			if _, open := w.wishes["staging"]; open != c.opens {
				t.Fatalf("it opens: %v, want %v: %+v", open, c.opens, w.cell("staging").Gates)
			}
			if c.opens != (len(w.plan.Rooms) == 0) || c.opens != w.cell("staging").RoomSince.IsZero() {
				t.Errorf("the plan waits for %+v", w.plan.Rooms)
			}
			if c.opens {
				w.env("staging").Room.Taken = 9 // what is open stays, whatever comes of the room
				w.arrive("dev", "1.2.0")
				w.proposed("staging", "1.2.0")
				return
			}
			if g := w.gate("staging", "room"); g.State != promotion.GateWaiting || !strings.Contains(g.Reason, "max_open is 2 in staging") {
				t.Errorf("the gate says %+v", g)
			}
			want := c.room.Since
			if want.IsZero() {
				want = at(0)
			}
			if got := w.plan.Rooms[0].Since; !got.Equal(want) {
				t.Errorf("it waits since %s, want %s", got, want)
			}
		})
	}
}

func TestRoomWords(t *testing.T) {
	t.Parallel()
	cell := func(app string, minutes int) promotion.View {
		v := promotion.EnvironmentView{Name: "prod"}
		if minutes > 0 {
			v.RoomSince, v.MaxOpen = time.Date(2026, 1, 1, 0, minutes, 0, 0, time.UTC), 10
		}
		return promotion.View{App: app, Environments: []promotion.EnvironmentView{v}}
	}
	views := []promotion.View{cell("cart", 3), cell("checkout", 0), cell("mail", 1), cell("drum", 3)}
	if got := promotion.RoomWords([]string{"dev", "prod"}, views); len(got) != 1 || got[0] != "prod: 3 wait for room: max_open is 10; next: mail, cart, drum" {
		t.Errorf("%q", got)
	}
	if got := promotion.RoomWords([]string{"dev", "prod"}, views[1:2]); got != nil {
		t.Errorf("nobody waits, and it says %q", got)
	}
}
