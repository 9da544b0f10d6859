package main

import (
	"fmt"
	"strings"
	"testing"

	"ferry/forge"
)

// TestMovedTwiceBeforeFerryLooks: the branch moved twice or more before Ferry read it. Each deployment begins at the first revision at which its release
// stood, whether the pushes told of them together or were all lost.
func TestMovedTwiceBeforeFerryLooks(t *testing.T) {
	t.Parallel()
	dev, staging := checkoutPath("dev"), checkoutPath("staging")
	at := func(tag string) string { return kustomization("checkout", tag) }
	for name, c := range map[string]struct {
		edits []map[string]string
		want  string // environment release@number of the edit, … of what is no baseline
	}{
		"two environments":       {[]map[string]string{{dev: at("1.1.0")}, {staging: at("1.3.0")}}, "dev 1.1.0@0, staging 1.3.0@1"},
		"then something else":    {[]map[string]string{{dev: at("1.1.0")}, {"README.md": "words"}}, "dev 1.1.0@0"},
		"something else there":   {[]map[string]string{{dev: at("1.1.0")}, {dev: at("1.1.0") + "# words\n"}}, "dev 1.1.0@0"},
		"two releases":           {[]map[string]string{{dev: at("1.1.0")}, {dev: at("1.2.0")}}, "dev 1.1.0@0, dev 1.2.0@1"},
		"a release and back":     {[]map[string]string{{dev: at("1.1.0")}, {staging: at("1.3.0")}, {dev: at("1.0.0")}}, "dev 1.1.0@0, staging 1.3.0@1, dev 1.0.0@2"},
		"something else between": {[]map[string]string{{"a": "1"}, {dev: at("1.1.0")}, {"a": "2"}}, "dev 1.1.0@1"},
	} {
		for _, lost := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, lost %v", name, lost), func(t *testing.T) {
				t.Parallel()
				h := newCheckout(t, "")
				var edits []forge.SHA
				if lost {
					h.forge.Faults().Lose("push", len(c.edits))
				}
				for _, files := range c.edits {
					edits = append(edits, h.commitsUnseen(files))
				}
				h.sweep()
				got := query[string](h, `select string_agg(environment || ' ' || (release->0->>'tag') || '@' || first_sha, ', ' order by first_seq) from deployments where not baseline`)
				for i, sha := range edits {
					got = strings.ReplaceAll(got, string(sha), fmt.Sprint(i))
				}
				if got != c.want {
					t.Errorf("the deployments are %s, want %s", got, c.want)
				}
			})
		}
	}
}

// TestTwoMergesBeforeFerryLooks: both merge commits bear their environment's status, though neither push was heard.
func TestTwoMergesBeforeFerryLooks(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	first := h.merge(acmeEnv, h.staging().Number)
	h.report(acmeEnv, "staging", "healthy")
	prod := h.pullOn(acmeEnv, "ferry/prod/checkout").Number
	h.arrive("1.2.0")
	h.forge.Faults().Lose("", 100)
	inStaging := h.mergesUnseen(h.staging().Number)
	inProd := h.mergesUnseen(prod)
	h.forge.Faults().Clear()
	h.sweep()
	h.report(acmeEnv, "staging", "healthy")
	h.report(acmeEnv, "prod", "healthy")
	h.wantStatus(acmeEnv, first, "ferry/staging", "success", "1.1.0")
	h.wantStatus(acmeEnv, inStaging, "ferry/staging", "success", "1.2.0")
	h.wantStatus(acmeEnv, inProd, "ferry/prod", "success", "1.1.0")
	if s, ok := h.statuses(acmeEnv, inProd)["ferry/staging"]; ok {
		t.Errorf("the merge into prod bears staging's status %+v", s)
	}
}

// commitsUnseen commits as dora, and nothing follows from it yet.
func (h *harness) commitsUnseen(files map[string]string) forge.SHA {
	h.t.Helper()
	var sha forge.SHA
	for path, content := range files {
		sha = h.commitOnly(path, content)
	}
	return sha
}

// mergesUnseen merges as dora, and nothing follows from it yet.
func (h *harness) mergesUnseen(number int) forge.SHA {
	h.t.Helper()
	sha, err := h.forge.Merge(acmeEnv, number, "dora", forge.MergeCommit)
	if err != nil {
		h.t.Fatal(err)
	}
	return sha
}
