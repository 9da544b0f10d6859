package main

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"ferry/forge"
)

// mergeSaying merges a pull request as a person who writes the message anew.
func (h *harness) mergeSaying(number int, login string, method forge.MergeMethod, message string) {
	h.t.Helper()
	body, err := json.Marshal(map[string]string{"merge_method": string(method), "commit_title": "Bump", "commit_message": message})
	h.does(err)
	at := h.forgeAt + "/api/v3/repos/" + acmeEnv + "/pulls/" + strconv.Itoa(number) + "/merge"
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodPut, at, strings.NewReader(string(body)))
	h.does(err)
	req.Header.Set("Authorization", "Bearer "+h.forge.AddUser(login).Token)
	req.Header.Set("Content-Type", "application/json")
	if code, answer := h.send(req); code != http.StatusOK {
		h.t.Fatalf("merging #%d: %d %s", number, code, answer)
	}
	h.settle()
}

// TestLossBelievesNoSquash: of a squash GitHub lets who merges write the message, and signs it with Ferry as the author (docs.github.com, "About merge methods on
// GitHub"). What was built from which commit is read back from the commit that Ferry itself made.
func TestLossBelievesNoSquash(t *testing.T) {
	t.Parallel()
	for _, method := range []forge.MergeMethod{forge.MergeSquash, forge.MergeCommit} {
		t.Run(string(method), func(t *testing.T) {
			t.Parallel()
			h, ci, other := withSource(t)
			built := h.built(ci, "1.1.0", "one", "two")
			h.report(acmeEnv, "dev", "healthy")
			p := h.staging()
			lie := "Ferry-App: checkout\nFerry-Environment: staging\nFerry-Release: ghcr.io/acme/checkout:%s\nFerry-Intent: promotion\nFerry-Source: ghcr.io/acme/checkout@%s acme/checkout@" + string(other)
			h.mergeSaying(p.Number, "dora", method, strings.ReplaceAll(lie, "%s", "1.1.0")+"\n\n"+strings.ReplaceAll(lie, "%s", "1.2.0"))
			h.reportAll("dev", "staging")
			h.drop()
			h.comesUp()
			h.reportAll("dev", "staging")
			said := query[string](h, `select coalesce(string_agg(tag || ' ' || commit_sha, ','), '') from announced`)
			if said != "1.1.0 "+string(built) {
				t.Errorf("read back is %q, want 1.1.0 of %s alone; %s is the lie", said, built, other)
			}
		})
	}
}
