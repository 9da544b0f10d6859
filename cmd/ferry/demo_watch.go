package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox"
)

// watcher tells what happens at the forge. It reads the forge's own webhooks, as they were sent to Ferry, and asks Ferry nothing.
type watcher struct {
	forge *sandbox.Sandbox
	out   *printer

	mu      sync.Mutex
	last    int64                   // the newest delivery that was told
	arrived map[forge.SHA]time.Time // when a commit came to the main branch
	said    map[string]bool         // whose convergence was told: an environment and a commit
}

func newWatcher(f *sandbox.Sandbox, out *printer) *watcher {
	return &watcher{forge: f, out: out, arrived: map[forge.SHA]time.Time{}, said: map[string]bool{}}
}

// watchPause is how long something that happened waits until it is told.
const watchPause = 50 * time.Millisecond

// run tells what happens until ctx ends.
func (w *watcher) run(ctx context.Context) error {
	ticker := time.NewTicker(watchPause)
	defer ticker.Stop()
	for {
		w.look()
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// look tells what has happened since the last look, in the order in which it was sent.
func (w *watcher) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range w.forge.Deliveries() {
		if d.ID <= w.last {
			continue
		}
		if d.Sent.IsZero() && d.Fault == "" {
			return // it waits, and so does what comes after it
		}
		w.last = d.ID
		w.tell(d)
	}
}

// happening is what the watcher reads of a webhook's body.
type happening struct {
	Action  string
	Ref     string
	After   forge.SHA
	Deleted bool
	Head    struct{ Message string } `json:"head_commit"`
	Sender  struct{ Login string }
	Number  int
	Pull    struct {
		Title  string
		URL    string `json:"html_url"`
		Merged bool
	} `json:"pull_request"`
	Issue struct {
		Number int
		Title  string
		URL    string `json:"html_url"`
	}
	Comment     struct{ Body string }
	SHA         forge.SHA
	Context     string
	State       string
	Description string
}

func (w *watcher) tell(d sandbox.Delivery) {
	var h happening
	if err := json.Unmarshal(d.Body, &h); err != nil {
		w.out.event(d.Sent, colorRed, "a webhook that cannot be read: %v", err)
		return
	}
	if d.Status < 200 || d.Status > 299 {
		w.out.event(d.Sent, colorRed, "webhook %s on %s was not taken: %s", d.Event, d.Repo, orStatus(d.Fault, d.Status))
	}
	say := func(c color, format string, args ...any) { w.out.event(d.Sent, c, format, args...) }
	switch d.Event {
	case "push":
		w.push(say, d, h)
	case "pull_request":
		w.pullRequest(say, d, h)
	case "status":
		w.status(say, d, h)
	case "issues":
		if h.Action == "opened" {
			say(colorBlue, "issue #%d opened by %s: %s  %s", h.Issue.Number, h.Sender.Login, h.Issue.Title, h.Issue.URL)
		}
	case "issue_comment":
		w.comment(say, d, h)
	case "installation", "installation_repositories":
		say(colorFaint, "webhook %s: %s by %s", d.Event, h.Action, h.Sender.Login)
	}
}

type sayer func(c color, format string, args ...any)

func (w *watcher) push(say sayer, d sandbox.Delivery, h happening) {
	branch := strings.TrimPrefix(h.Ref, "refs/heads/")
	if h.Deleted {
		say(colorFaint, "webhook push on %s: %s deleted by %s", d.Repo, branch, h.Sender.Login)
		return
	}
	first, _, _ := strings.Cut(h.Head.Message, "\n")
	say(colorFaint, "webhook push on %s: %s is %s by %s: %s", d.Repo, branch, h.After.Short(), h.Sender.Login, first)
	if branch == "main" {
		w.arrived[h.After] = d.Sent
	}
}

func (w *watcher) pullRequest(say sayer, d sandbox.Delivery, h happening) {
	say(colorFaint, "webhook pull_request %s on %s", h.Action, d.Repo)
	switch {
	case h.Action == "opened":
		say(colorBlue, "pull request #%d opened: %s  %s", h.Number, h.Pull.Title, h.Pull.URL)
	case h.Action == "synchronize":
		say(colorBlue, "pull request #%d brought up to date: %s", h.Number, h.Pull.Title)
	case h.Action == "closed" && h.Pull.Merged:
		say(colorPurple, "pull request #%d merged by %s", h.Number, h.Sender.Login)
	case h.Action == "closed":
		say(colorYellow, "pull request #%d closed by %s", h.Number, h.Sender.Login)
	case h.Action == "reopened":
		say(colorBlue, "pull request #%d reopened by %s", h.Number, h.Sender.Login)
	}
}

func (w *watcher) comment(say sayer, d sandbox.Delivery, h happening) {
	if h.Action != "created" {
		return
	}
	say(colorFaint, "webhook issue_comment on %s", d.Repo)
	text, more, _ := strings.Cut(strings.TrimSpace(h.Comment.Body), "\n")
	if more != "" {
		text += " …"
	}
	say(colorNone, "%s on #%d: %s", h.Sender.Login, h.Issue.Number, text)
}

// status tells a commit status. The first success of an environment on one of its revisions is also its convergence.
func (w *watcher) status(say sayer, d sandbox.Delivery, h happening) {
	say(stateColor(h.State), "status %s %s on %s@%s: %s", h.Context, h.State, d.Repo, h.SHA.Short(), h.Description)
	environment, ok := strings.CutPrefix(h.Context, "ferry/")
	arrived, onMain := w.arrived[h.SHA]
	if key := h.Context + " " + string(h.SHA); ok && onMain && h.State == "success" && environment != "config" && !w.said[key] {
		w.said[key] = true
		say(colorGreen, "%s converged in %.1f s", environment, d.Sent.Sub(arrived).Seconds())
	}
}

func stateColor(state string) color {
	switch state {
	case "success":
		return colorGreen
	case "pending":
		return colorYellow
	}
	return colorRed
}

func orStatus(fault string, status int) string {
	if fault != "" {
		return fault
	}
	return fmt.Sprintf("answered %d", status)
}
