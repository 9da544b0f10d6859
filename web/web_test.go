package web_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ferry/promotion"
	"ferry/promotion/postgres"
	"ferry/web"
)

// stored is what the database answers.
type stored struct {
	overview []postgres.Overview
	events   []postgres.Event
	found    []postgres.Examination
	heldUp   []postgres.HeldUp
	err      error
}

func (s stored) Overview(context.Context) ([]postgres.Overview, error) { return s.overview, s.err }
func (s stored) Events(context.Context, int64, int) ([]postgres.Event, error) {
	return s.events, s.err
}

func (s stored) Examinations(context.Context) ([]postgres.Examination, error) { return s.found, s.err }
func (s stored) HeldUp(context.Context, time.Time) ([]postgres.HeldUp, error) { return s.heldUp, s.err }

func get(t *testing.T, s stored) (int, string) {
	t.Helper()
	return getAt(t, s, "/")
}

func getAt(t *testing.T, s stored, path string) (int, string) {
	t.Helper()
	now := func() time.Time { return time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC) }
	w := httptest.NewRecorder()
	web.New(s, "", "https://forge.example", now, slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

func matrix() stored {
	old, next := promotion.NewRelease(promotion.Image{Name: "ghcr.io/acme/cart", Tag: "1.0.0"}), promotion.NewRelease(promotion.Image{Name: "ghcr.io/acme/cart", Tag: "1.1.0"})
	return stored{
		overview: []postgres.Overview{{
			ID: 1, FullName: "acme/environments", Environments: []string{"dev", "prod"},
			Views: []promotion.View{
				{App: "cart", Environments: []promotion.EnvironmentView{
					{Name: "dev", Release: next, State: promotion.DeploymentConverged, Message: "what converged needs no words"},
					{Name: "prod", Release: old, State: promotion.DeploymentDegraded, Message: "probe <script>alert(1)</script>", Proposed: next, Number: 7,
						Gates: []promotion.Gate{{Name: "soak", State: promotion.GateWaiting, Reason: "done at noon"}, {Name: "hold", State: promotion.GateOpen, Reason: "nobody holds it"}}},
				}},
				{App: "web", Environments: []promotion.EnvironmentView{{Name: "dev", Release: old, State: promotion.DeploymentPending, Why: "CI has announced nothing newer"}}},
			},
		}},
		events: []postgres.Event{{App: "cart", Environment: "prod", Kind: "merged", Actor: "dora", Detail: "#6 1.0.0", At: time.Date(2026, 5, 3, 12, 0, 0, 0, time.UTC)}},
	}
}

func TestPageShowsWhatIsWhere(t *testing.T) {
	t.Parallel()
	code, page := get(t, matrix())
	if code != http.StatusOK {
		t.Fatalf("the page answers %d", code)
	}
	for _, want := range []string{
		"As of 2026-05-04 03:02:01 UTC", `<a href="https://forge.example/acme/environments">acme/environments</a>`,
		`<span class="state good">converged</span>`, `<span class="state bad">degraded</span>`, `<span class="state waiting">pending</span>`,
		`<a href="https://forge.example/acme/environments/pull/7">#7</a> brings`, "soak is waiting: done at noon", "CI has announced nothing newer",
		`<td class="dim">not here</td>`, "3 May 12:00:00", "probe &lt;script&gt;",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, bad := range []string{"<script>", "nobody holds it", "what converged needs no words"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
}

func TestPageWithoutRepository(t *testing.T) {
	t.Parallel()
	if code, page := get(t, stored{}); code != http.StatusOK || !strings.Contains(page, "Install its App") {
		t.Errorf("the empty page answers %d:\n%s", code, page)
	}
}

func TestPageWithoutDatabase(t *testing.T) {
	t.Parallel()
	code, page := get(t, stored{err: errors.New("dial tcp 10.0.0.7: refused")})
	if code != http.StatusServiceUnavailable || strings.Contains(page, "10.0.0.7") {
		t.Errorf("without its database the page answers %d:\n%s", code, page)
	}
}
