package github_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"ferry/forge"
	"ferry/forge/github"
	"ferry/forge/sandbox"
)

// TestContractWebhooks reads what the forge sends for the acts of a person and for Ferry's own.
func TestContractWebhooks(t *testing.T) {
	t.Parallel()
	c, ctx := newContract(t), t.Context()
	events := make(chan forge.Event, 100)
	hooks := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = github.Verify([]string{"new", "secret"}, r.Header, body)
		}
		delivery, headerErr := github.Delivery(r.Header, body)
		event, parseErr := github.Parse(delivery.Name, delivery.Body)
		if err := errors.Join(err, headerErr, parseErr); err != nil {
			t.Error(err)
		}
		events <- event
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(hooks.Close)
	if _, err := c.sandbox.AddApp(sandbox.AppSpec{ID: 42, Slug: "ferry", PublicKey: c.public, WebhookURL: hooks.URL, WebhookSecret: "secret"}); err != nil {
		t.Fatal(err)
	}
	start := c.head(t, "main")
	after, err := c.sandbox.Commit("acme/environments", sandbox.Edit{As: "ada", Message: "x", Files: map[string]string{"new.yaml": "a"}, Delete: []string{"README.md"}})
	if err != nil {
		t.Fatal(err)
	}
	c.bump(t, "ferry/dev/checkout", "1.1.0")
	pull := c.pull(t, "ferry/dev/checkout")
	if _, err := c.sandbox.Comment("acme/environments", pull.Number, "ada", "/hold"); err != nil {
		t.Fatal(err)
	}
	merged, err := c.sandbox.Merge("acme/environments", pull.Number, "ada", forge.MergeSquash)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.sandbox.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	hooks.Close()
	close(events)
	var got []forge.Event
	for event := range events {
		got = append(got, event)
	}
	has := func(what string, want func(forge.Event) bool) {
		if !slices.ContainsFunc(got, want) {
			t.Errorf("no %s among %+v", what, got)
		}
	}
	has("ping", func(e forge.Event) bool { return e.Kind == forge.EventPing })
	has("push to main", func(e forge.Event) bool {
		return e.Push != nil && e.Push.Branch == "main" && e.Push.Before == start && e.Push.After == after && e.Push.Complete &&
			e.Repo.Repo == c.repo && e.Installation == c.number && e.Sender.ID == c.ada.ID && slices.Equal(e.Push.Commits[0].Paths, []string{"new.yaml", "README.md"})
	})
	has("new branch", func(e forge.Event) bool {
		return e.Push != nil && e.Push.Branch == "ferry/dev/checkout" && e.Push.Before == "" && e.Sender.ID == c.bot.ID
	})
	has("opened pull request", func(e forge.Event) bool {
		return e.Pull != nil && e.Action == "opened" && e.Pull.Open && e.Pull.HeadSHA == pull.HeadSHA && e.Pull.HeadRepo == c.repo.ID
	})
	has("comment", func(e forge.Event) bool {
		return e.Comment != nil && e.Comment.OnPullRequest && e.Comment.Body == "/hold" && e.Comment.Author.ID == c.ada.ID
	})
	has("merge", func(e forge.Event) bool {
		return e.Pull != nil && e.Pull.Merged && !e.Pull.Open && e.Pull.MergeSHA == merged
	})
}
