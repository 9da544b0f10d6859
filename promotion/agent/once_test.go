package agent_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"ferry/promotion"
	"ferry/promotion/agent"
)

func TestOnce(t *testing.T) {
	t.Parallel()
	busy := refuse(http.StatusServiceUnavailable, "busy")
	tests := []struct {
		name    string
		answers []http.HandlerFunc
		change  func(*world)
		want    error
		reports string // their health, as far as they were taken or refused
		applied int
	}{
		{"healthy", nil, func(*world) {}, nil, "progressing healthy", 1},
		{"waits while it is progressing", nil, func(w *world) { w.cfg.Health = healths("progressing", "progressing", "healthy") }, nil, "progressing healthy", 1},
		{"not for ever", nil, func(w *world) { w.cfg.Health = healths("progressing") }, agent.ErrUnhealthy, "progressing progressing", 1},
		{"degraded", nil, func(w *world) { w.cfg.Health = healths("degraded") }, agent.ErrUnhealthy, "progressing degraded", 1},
		{"unknown", nil, func(w *world) { w.cfg.Health = healths("unknown") }, agent.ErrUnhealthy, "progressing unknown", 1},
		{"apply fails", nil, func(w *world) {
			w.cfg.Apply = func(context.Context, agent.Checkout) error { return errors.New("no") }
		}, agent.ErrUnhealthy, "progressing failed", 0},
		{"the token is refused: nothing is applied", []http.HandlerFunc{refuse(http.StatusUnauthorized, "unknown")}, func(*world) {}, agent.ErrRefused, "progressing", 0},
		{"the server is busy for a moment", []http.HandlerFunc{busy, busy, busy}, func(*world) {}, nil, "progressing progressing progressing progressing healthy", 1},
		{"the server is away: it is applied all the same", nil, func(w *world) { w.ferry.Close() }, agent.ErrUnreachable, "", 1},
		{"no repository", nil, func(w *world) { w.cfg.Repository = w.dir + "-not" }, agent.ErrUnreachable, "", 0},
		{"no such branch", nil, func(w *world) { w.cfg.Branch = "not" }, agent.ErrUnreachable, "", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, test.answers...)
			first := w.commit(manifest, "newTag: 1.0.0\n")
			test.change(w)
			err := w.once(t)
			if !errors.Is(err, test.want) || test.want == nil && err != nil {
				t.Errorf("Run: %v, want %v", err, test.want)
			}
			var said []string
			for len(w.reports) > 0 {
				r := w.next()
				said = append(said, r.Health)
				if r.Every != "" || r.Revision != first {
					t.Errorf("the report is %s", r.raw)
				}
			}
			if have := strings.Join(said, " "); have != test.reports {
				t.Errorf("it reported %q, want %q", have, test.reports)
			}
			if len(w.applied) != test.applied {
				t.Errorf("applied %d times, want %d", len(w.applied), test.applied)
			}
		})
	}
}

// healths returns a Health that says these in turn, and the last one for ever.
func healths(states ...promotion.Health) func(context.Context, agent.Checkout) (promotion.Health, string) {
	return func(context.Context, agent.Checkout) (promotion.Health, string) {
		now := states[0]
		if len(states) > 1 {
			states = states[1:]
		}
		return now, "as said"
	}
}
