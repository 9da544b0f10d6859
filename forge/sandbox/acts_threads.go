package sandbox

import (
	"net/http"
	"unicode/utf8"

	"ferry/forge"
)

// GitHub's limits (its web form and its 422 answers).
const (
	maxTitle              = 256
	maxBody               = 65536
	maxStatusesPerContext = 1000
)

func (s *Sandbox) newThread(r *repository, title, body string, who *account) *thread {
	now := s.now()
	t := &thread{id: s.st.nextID(), number: len(r.threads) + 1, title: title, body: body, author: who, open: true, created: now, updated: now}
	r.threads = append(r.threads, t)
	return t
}

func (s *Sandbox) openIssue(r *repository, title, body string, who *account) (*thread, error) {
	if title == "" {
		return nil, missingField("Issue", "title")
	}
	if err := checkText("Issue", title, body); err != nil {
		return nil, err
	}
	t := s.newThread(r, title, body, who)
	return t, s.emitThread(r, t, "opened", who, nil)
}

func checkText(resource, title, body string) error {
	switch {
	case utf8.RuneCountInString(title) > maxTitle:
		return invalid(resource, "title", "title is too long (maximum is %d characters)", maxTitle)
	case utf8.RuneCountInString(body) > maxBody:
		return invalid(resource, "body", "body is too long (maximum is %d characters)", maxBody)
	}
	return nil
}

// threadEdit is what a PATCH changes: a key that is absent stays.
type threadEdit struct {
	Title *string `json:"title"`
	Body  *string `json:"body"`
	State *string `json:"state"`
	Base  *string `json:"base"`
}

// editThread changes a pull request's or an issue's words and state. An edit that changes nothing tells nobody.
func (s *Sandbox) editThread(r *repository, t *thread, in threadEdit, who *account) error {
	if !r.mayEdit(t.author, who) {
		return fail(http.StatusForbidden, "Must have admin rights to Repository.")
	}
	if in.Base != nil && t.pull != nil && *in.Base != t.pull.base {
		return invalid("PullRequest", "base", "the sandbox does not move pull requests to another base")
	}
	if in.State != nil && *in.State != "open" && *in.State != "closed" {
		return invalid("PullRequest", "state", "state is not one of open and closed")
	}
	changes := object{}
	title, body := t.title, t.body
	if in.Title != nil && *in.Title != "" && *in.Title != title {
		changes["title"] = object{"from": title}
		title = *in.Title
	}
	if in.Body != nil && *in.Body != body {
		changes["body"] = object{"from": body}
		body = *in.Body
	}
	if err := checkText("Issue", title, body); err != nil {
		return err
	}
	if len(changes) > 0 {
		t.title, t.body, t.updated = title, body, s.now()
		if err := s.emitThread(r, t, "edited", who, object{"changes": changes}); err != nil {
			return err
		}
	}
	if in.State != nil {
		return s.setOpen(r, t, *in.State == "open", who)
	}
	return nil
}

// mayEdit says whether who may change what author wrote: the author may, and who may triage.
func (r *repository) mayEdit(author, who *account) bool {
	return who == nil || author.id == who.id || who.kind == "Bot" || r.role(who) >= forge.PermissionTriage
}

func (s *Sandbox) addComment(r *repository, t *thread, body string, who *account) (*comment, error) {
	if body == "" {
		return nil, missingField("IssueComment", "body")
	}
	if err := checkText("IssueComment", "", body); err != nil {
		return nil, err
	}
	now := s.now()
	c := &comment{id: s.st.nextID(), author: who, body: body, created: now, updated: now}
	t.comments = append(t.comments, c)
	t.updated = now
	s.emitComment(r, t, c, "created", who, nil)
	return c, nil
}

func (s *Sandbox) editComment(r *repository, t *thread, c *comment, body string, who *account) error {
	if !r.mayEdit(c.author, who) {
		return fail(http.StatusForbidden, "Must have admin rights to Repository.")
	}
	if err := checkText("IssueComment", "", body); err != nil {
		return err
	}
	if body == c.body {
		return nil
	}
	from := c.body
	c.body, c.updated = body, s.now()
	s.emitComment(r, t, c, "edited", who, object{"changes": object{"body": object{"from": from}}})
	return nil
}

func (s *Sandbox) deleteComment(r *repository, t *thread, c *comment, who *account) error {
	if !r.mayEdit(c.author, who) {
		return fail(http.StatusForbidden, "Must have admin rights to Repository.")
	}
	for i := range t.comments {
		if t.comments[i] == c {
			t.comments = append(t.comments[:i:i], t.comments[i+1:]...)
			break
		}
	}
	s.emitComment(r, t, c, "deleted", who, nil)
	return nil
}

// react adds a reaction; a second one of the same person with the same content is the first.
func (s *Sandbox) react(c *comment, content string, who *account) (x *reaction, added bool) {
	for _, x := range c.reactions {
		if x.author.id == who.id && x.content == content {
			return x, false
		}
	}
	x = &reaction{id: s.st.nextID(), author: who, content: content, created: s.now()}
	c.reactions = append(c.reactions, x)
	return x, true
}

// newStatus is what a commit status is posted with.
type newStatus struct {
	State       string  `json:"state"`
	Target      *string `json:"target_url"`
	Description *string `json:"description"`
	Context     string  `json:"context"`
}

func (s *Sandbox) addStatus(r *repository, sha string, in newStatus, who *account) (*status, error) {
	c, err := r.git.Commit(sha)
	if err != nil || c.SHA != sha {
		return nil, fail(http.StatusUnprocessableEntity, "No commit found for SHA: %s", sha)
	}
	if in.Context == "" {
		in.Context = "default"
	}
	switch in.State {
	case "error", "failure", "pending", "success":
	default:
		return nil, invalid("Status", "state", "state is not included in the list")
	}
	if in.Description != nil && utf8.RuneCountInString(*in.Description) > forge.MaxStatusDescription {
		return nil, invalid("Status", "description", "description is too long (maximum is %d characters)", forge.MaxStatusDescription)
	}
	if r.countStatuses(sha, in.Context) >= maxStatusesPerContext {
		return nil, invalid("Status", "", "This SHA and context has reached the maximum number of statuses.")
	}
	x := &status{id: s.st.nextID(), context: in.Context, state: in.State, description: in.Description, target: in.Target, creator: who, created: s.now()}
	if a := s.st.appBy(who); a != nil {
		x.app = a.id
	}
	r.statuses[sha] = append(r.statuses[sha], x)
	if err := s.emitStatus(r, sha, x); err != nil {
		return nil, err
	}
	return x, s.mergeArmed(r)
}

func (r *repository) countStatuses(sha, context string) int {
	n := 0
	for _, x := range r.statuses[sha] {
		if x.context == context {
			n++
		}
	}
	return n
}

// latest returns the newest status of each context of a commit, in the order in which the contexts first came.
func (r *repository) latest(sha string) []*status {
	var list []*status
	at := map[string]int{}
	for _, x := range r.statuses[sha] {
		i, known := at[x.context]
		if !known {
			at[x.context] = len(list)
			list = append(list, x)
			continue
		}
		list[i] = x
	}
	return list
}

// combined is GitHub's summary of a commit: failure if any failed, else pending if any is or there is none, else success.
func (r *repository) combined(sha string) string {
	list := r.latest(sha)
	word := "success"
	if len(list) == 0 {
		word = "pending"
	}
	for _, x := range list {
		switch x.state {
		case "failure", "error":
			return "failure"
		case "pending":
			word = "pending"
		}
	}
	return word
}
