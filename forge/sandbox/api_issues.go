package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

func (c *call) issueThread() (*thread, error) {
	n, err := c.number("issue_number")
	if err != nil {
		return nil, err
	}
	t := c.repo.thread(int(n))
	if t == nil {
		return nil, notFound()
	}
	switch { // docs.github.com, "Get an issue"
	case t.movedTo != "":
		moved := fail(http.StatusMovedPermanently, "Moved Permanently")
		moved.header = map[string]string{"Location": c.s.api("%s", t.movedTo)}
		return nil, moved
	case t.gone:
		return nil, fail(http.StatusGone, "This issue was deleted")
	}
	return t, c.mayTouch(t)
}

// mayTouch checks what the route could not: for a pull request an installation needs the permission for pull requests,
// for an issue the one for issues.
func (c *call) mayTouch(t *thread) error {
	level := "write"
	if c.r.Method == http.MethodGet {
		level = "read"
	}
	if t.pull != nil {
		return c.client.may(c.repo, "pull_requests:"+level+"|issues:"+level)
	}
	return c.client.may(c.repo, "issues:"+level)
}

// listIssues lists pull requests too, as GitHub does: for its API each one is an issue.
func listIssues(c *call) (reply, error) {
	var found []*thread
	for _, t := range c.repo.threads {
		if t.gone || !c.wants(t) || !c.updatedSince(t) {
			continue
		}
		if by := c.query("creator"); by != "" && !strings.EqualFold(by, t.author.login) {
			continue
		}
		found = append(found, t)
	}
	c.sort(found)
	list := []object{}
	for _, t := range paged(c, found) {
		list = append(list, c.s.issueJSON(c.repo, t))
	}
	return ok(list)
}

func (c *call) updatedSince(t *thread) bool {
	since, err := time.Parse(time.RFC3339, c.query("since"))
	return err != nil || !t.updated.Before(since)
}

func createIssue(c *call) (reply, error) {
	var in struct{ Title, Body string }
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	t, err := c.s.openIssue(c.repo, in.Title, in.Body, c.client.who)
	if err != nil {
		return reply{}, err
	}
	return created(c.s.issueJSON(c.repo, t))
}

func getIssue(c *call) (reply, error) {
	t, err := c.issueThread()
	if err != nil {
		return reply{}, err
	}
	return ok(c.fullIssue(t))
}

// fullIssue says who closed it too, which GitHub leaves out of lists and webhooks.
func (c *call) fullIssue(t *thread) object {
	o := c.s.issueJSON(c.repo, t)
	o["closed_by"] = c.s.userJSON(t.closedBy)
	return o
}

func updateIssue(c *call) (reply, error) {
	t, err := c.issueThread()
	if err != nil {
		return reply{}, err
	}
	var in threadEdit
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	in.Base = nil
	if err := c.s.editThread(c.repo, t, in, c.client.who); err != nil {
		return reply{}, err
	}
	return ok(c.fullIssue(t))
}

func listComments(c *call) (reply, error) {
	t, err := c.issueThread()
	if err != nil {
		return reply{}, err
	}
	since, err := time.Parse(time.RFC3339, c.query("since"))
	all := slices.Clone(t.comments)
	if err == nil {
		all = slices.DeleteFunc(all, func(x *comment) bool { return x.updated.Before(since) })
	}
	list := []object{}
	for _, x := range paged(c, all) {
		list = append(list, c.s.commentJSON(c.repo, t, x))
	}
	return ok(list)
}

// listRepoComments lists the comments of all issues and pull requests, in the order in which they were made.
func listRepoComments(c *call) (reply, error) {
	since, err := time.Parse(time.RFC3339, c.query("since"))
	type place struct {
		t *thread
		x *comment
	}
	var all []place
	for _, t := range c.repo.threads {
		for _, x := range t.comments {
			if err != nil || !x.updated.Before(since) {
				all = append(all, place{t, x})
			}
		}
	}
	slices.SortFunc(all, func(a, b place) int { return int(a.x.id - b.x.id) })
	if c.query("direction") == "desc" {
		slices.Reverse(all)
	}
	list := []object{}
	for _, p := range paged(c, all) {
		list = append(list, c.s.commentJSON(c.repo, p.t, p.x))
	}
	return ok(list)
}

func createComment(c *call) (reply, error) {
	t, err := c.issueThread()
	if err != nil {
		return reply{}, err
	}
	var in struct{ Body string }
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	x, err := c.s.addComment(c.repo, t, in.Body, c.client.who)
	if err != nil {
		return reply{}, err
	}
	return created(c.s.commentJSON(c.repo, t, x))
}

func (c *call) comment() (*thread, *comment, error) {
	id, err := c.number("comment_id")
	if err != nil {
		return nil, nil, err
	}
	t, x := c.repo.comment(id)
	if x == nil {
		return nil, nil, notFound()
	}
	return t, x, c.mayTouch(t)
}

func getComment(c *call) (reply, error) {
	t, x, err := c.comment()
	if err != nil {
		return reply{}, err
	}
	return ok(c.s.commentJSON(c.repo, t, x))
}

func updateComment(c *call) (reply, error) {
	t, x, err := c.comment()
	if err != nil {
		return reply{}, err
	}
	var in struct{ Body string }
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if err := c.s.editComment(c.repo, t, x, in.Body, c.client.who); err != nil {
		return reply{}, err
	}
	return ok(c.s.commentJSON(c.repo, t, x))
}

func removeComment(c *call) (reply, error) {
	t, x, err := c.comment()
	if err != nil {
		return reply{}, err
	}
	if err := c.s.deleteComment(c.repo, t, x, c.client.who); err != nil {
		return reply{}, err
	}
	return noContent()
}

func listReactions(c *call) (reply, error) {
	_, x, err := c.comment()
	if err != nil {
		return reply{}, err
	}
	list := []object{}
	for _, one := range paged(c, x.reactions) {
		list = append(list, c.s.reactionJSON(one))
	}
	return ok(list)
}

func createReaction(c *call) (reply, error) {
	_, x, err := c.comment()
	if err != nil {
		return reply{}, err
	}
	var in struct{ Content string }
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if !slices.Contains([]string{"+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"}, in.Content) {
		return reply{}, invalid("Reaction", "content", "content is not included in the list")
	}
	one, added := c.s.react(x, in.Content, c.client.who)
	if !added {
		return ok(c.s.reactionJSON(one))
	}
	return created(c.s.reactionJSON(one))
}
