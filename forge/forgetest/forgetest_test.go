package forgetest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"ferry/forge/forgetest"
)

// exchange sends one request through a validator to a forge that answers with status and body.
func exchange(t *testing.T, method, path, request string, status int, body string) forgetest.Report {
	t.Helper()
	spec, err := forgetest.Spec()
	if err != nil {
		t.Fatal(err)
	}
	v := forgetest.NewValidator(spec)
	server := httptest.NewServer(v.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got, err := io.ReadAll(r.Body); err != nil || string(got) != request {
			t.Errorf("the forge was asked %q, %v, want %q", got, err, request)
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("X-Kept", "yes")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}), "/api/v3"))
	defer server.Close()
	req, err := http.NewRequest(method, server.URL+path, strings.NewReader(request))
	if err != nil {
		t.Fatal(err)
	}
	if request != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	got, err := io.ReadAll(res.Body)
	if err != nil || string(got) != body || res.StatusCode != status || res.Header.Get("X-Kept") != "yes" {
		t.Errorf("the answer came through as %d %q, %v", res.StatusCode, got, err)
	}
	return v.Report()
}

const ref = `{"ref":"refs/heads/a","node_id":"x","url":"https://example.com","object":{"type":"commit","sha":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","url":"https://example.com"}}`

func TestExchangesThatTheDescriptionAllows(t *testing.T) {
	t.Parallel()
	const failure = `{"message":"Not Found","documentation_url":"https://docs.github.com/rest"}`
	for name, test := range map[string]struct {
		method, path, request string
		status                int
		body                  string
	}{
		"reference":             {"GET", "/api/v3/repos/a/b/git/ref/heads/x", "", 200, ref},
		"reference in folders":  {"GET", "/api/v3/repos/a/b/git/ref/heads/ferry/x/y", "", 200, ref},
		"escaped slash":         {"GET", "/api/v3/repos/a/b/git/ref/heads%2Fx", "", 200, ref},
		"new reference":         {"POST", "/api/v3/repos/a/b/git/refs", `{"ref":"refs/heads/x","sha":"a"}`, 201, ref},
		"no body":               {"DELETE", "/api/v3/repos/a/b/git/refs/heads/ferry/x", "", 204, ""},
		"statuses in folders":   {"GET", "/api/v3/repos/a/b/commits/heads/x/y/statuses?per_page=3", "", 200, `[]`},
		"a declared failure":    {"GET", "/api/v3/repos/a/b/git/ref/heads/x", "", 404, failure},
		"an undeclared failure": {"POST", "/api/v3/repos/a/b/statuses/abc", `{}`, 422, failure},
		"an outage":             {"GET", "/api/v3/repos/a/b/pulls", "", 502, failure},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := exchange(t, test.method, test.path, test.request, test.status, test.body)
			if report.Exchanges != 1 || len(report.Violations) != 0 {
				t.Errorf("report = %+v", report)
			}
		})
	}
}

func TestViolations(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		method, path, request string
		status                int
		body, want            string
	}{
		"unknown route":         {"GET", "/api/v3/repos/a/b/promotions", "", 200, `{}`, "no such route"},
		"unknown method":        {"PUT", "/api/v3/repos/a/b/git/refs", "", 200, `{}`, "no such route"},
		"undeclared status":     {"GET", "/api/v3/repos/a/b/git/ref/x", "", 202, ref, "status is not supported"},
		"missing key":           {"GET", "/api/v3/repos/a/b/git/ref/x", "", 200, `{"ref":"refs/heads/x"}`, "/node_id"},
		"wrong kind":            {"GET", "/api/v3/repos/a/b/git/ref/x", "", 200, strings.Replace(ref, `"node_id":"x"`, `"node_id":7`, 1), "/node_id"},
		"bad request":           {"POST", "/api/v3/repos/a/b/git/refs", `{"ref":"refs/heads/x"}`, 201, ref, "the request"},
		"not JSON":              {"POST", "/api/v3/repos/a/b/git/refs", `ref`, 201, ref, "the request"},
		"undeclared query":      {"GET", "/api/v3/repos/a/b/pulls?owner=x", "", 200, `[]`, `"owner" is not declared`},
		"bad query":             {"GET", "/api/v3/repos/a/b/pulls?state=merged", "", 200, `[]`, "state"},
		"failure without words": {"GET", "/api/v3/repos/a/b/pulls", "", 500, `oops`, "no error as GitHub writes one"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := exchange(t, test.method, test.path, test.request, test.status, test.body)
			if report.Exchanges != 1 || len(report.Violations) != 1 || !strings.Contains(report.Violations[0].String(), test.want) || strings.Contains(report.Violations[0].Reason, "\n") {
				t.Errorf("report = %+v, want one violation with %q", report, test.want)
			}
		})
	}
}

func TestOtherPathsPassUnseen(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/", "/acme/environments.git/info/refs", "/api/v30/x"} {
		if report := exchange(t, "GET", path, "", 200, "page"); report.Exchanges != 0 {
			t.Errorf("%s was validated: %+v", path, report)
		}
	}
}

func TestExamples(t *testing.T) {
	t.Parallel()
	all, err := forgetest.Examples(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	events := map[string]int{}
	for _, e := range all {
		events[e.Event]++
		if !json.Valid(e.Payload) {
			t.Errorf("an example of %s is no JSON", e.Event)
		}
	}
	if len(all) != 329 || events["push"] == 0 || events["pull_request"] == 0 {
		t.Errorf("%d examples of %v, want 329", len(all), fmt.Sprint(events))
	}
}
