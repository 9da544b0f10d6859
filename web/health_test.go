package web_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/doctor"
	"ferry/promotion/postgres"
)

func ill() stored {
	return stored{
		found: []postgres.Examination{{Forge: forge.GitHub, LookedAt: time.Date(2026, 5, 4, 3, 0, 0, 0, time.UTC), Failure: "it took <too> long", Findings: []doctor.Finding{
			{Severity: doctor.Problem, Rule: "permission", Where: "installation on acme", Message: "it was not given the permission <contents>: write", Do: "its owner accepts it", Link: "https://forge.example/settings/1"},
			{Severity: doctor.Note, Rule: "dismisses", Where: "acme/environments@main", Message: "approvals are taken back", Do: "nothing", Link: "javascript:alert(1)"},
		}}},
		heldUp: []postgres.HeldUp{{Repository: "acme/environments", Throttle: promotion.Throttle{Forge: forge.GitHub, Until: time.Date(2026, 5, 4, 3, 30, 0, 0, time.UTC)}}},
	}
}

func TestHealthPage(t *testing.T) {
	t.Parallel()
	code, page := getAt(t, ill(), "/health")
	if code != http.StatusOK {
		t.Fatalf("the page answers %d", code)
	}
	for _, want := range []string{
		`content="width=device-width`, "<h2>GitHub</h2>", "Looked at 2026-05-04 03:00:00 UTC", "put off: it took &lt;too&gt; long", "permission &lt;contents&gt;: write", "its owner accepts it",
		`<a href="https://forge.example/settings/1">`, "rate limit until 2026-05-04 03:30:00 UTC", "acme/environments@main",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, "javascript:alert") {
		t.Error("the page has a link that is a script")
	}
	if _, main := get(t, ill()); !strings.Contains(main, `href="/health">1 problem in`) {
		t.Errorf("the first page does not lead there:\n%s", main)
	}
}

func TestHealthyPage(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]stored{
		"Nobody has looked yet": {}, "Nothing is wrong": {found: []postgres.Examination{{Forge: forge.GitHub, LookedAt: time.Date(2026, 5, 4, 3, 0, 0, 0, time.UTC)}}},
	} {
		if code, page := getAt(t, s, "/health"); code != http.StatusOK || !strings.Contains(page, want) {
			t.Errorf("%d, want %q:\n%s", code, want, page)
		}
	}
}

func TestHealthForPrograms(t *testing.T) {
	t.Parallel()
	var said struct {
		HeldUp []struct{ Repository, Says string } `json:"held_up"`
		Forges []struct {
			Forge    string
			Findings []doctor.Finding
		}
	}
	code, text := getAt(t, ill(), "/health.json")
	if err := json.Unmarshal([]byte(text), &said); err != nil || code != http.StatusOK {
		t.Fatalf("%d %v: %s", code, err, text)
	}
	if len(said.HeldUp) != 1 || !strings.Contains(said.HeldUp[0].Says, "rate limit") || len(said.Forges) != 1 || said.Forges[0].Forge != "github" || len(said.Forges[0].Findings) != 2 {
		t.Errorf("%+v", said)
	}
	for _, path := range []string{"/health", "/health.json"} {
		if code, page := getAt(t, stored{err: errors.New("dial tcp 10.0.0.7: refused")}, path); code != http.StatusServiceUnavailable || strings.Contains(page, "10.0.0.7") {
			t.Errorf("without its database %s answers %d:\n%s", path, code, page)
		}
	}
	if code, text := getAt(t, stored{}, "/health.json"); code != http.StatusOK || !strings.Contains(text, `"held_up":[]`) || !strings.Contains(text, `"forges":[]`) {
		t.Errorf("%d %s", code, text)
	}
}
