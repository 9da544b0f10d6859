package sandbox

import (
	"fmt"
	"net/http"

	"ferry/forge"
)

func (s *Sandbox) reviewJSON(r *repository, t *thread, x *review) object {
	page := fmt.Sprintf("%s#pullrequestreview-%d", s.pageURL(r, t), x.id)
	pull := s.api("/repos/%s/pulls/%d", r.fullName(), t.number)
	return object{
		"id": x.id, "node_id": nodeID("PullRequestReview", x.id), "user": s.userJSON(x.author), "body": x.body, "state": x.state,
		"html_url": page, "pull_request_url": pull, "author_association": association(r, x.author), "submitted_at": stamp(x.submitted),
		"commit_id": x.sha, "_links": object{"html": object{"href": page}, "pull_request": object{"href": pull}},
	}
}

// listReviews lists every review, oldest first.
func listReviews(c *call) (reply, error) {
	t, err := c.pullThread()
	if err != nil {
		return reply{}, err
	}
	list := []object{}
	for _, x := range paged(c, t.pull.reviews) {
		list = append(list, c.s.reviewJSON(c.repo, t, x))
	}
	return ok(list)
}

func createReview(c *call) (reply, error) {
	t, err := c.pullThread()
	if err != nil {
		return reply{}, err
	}
	var in newReview
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	x, err := c.s.addReview(c.repo, t, in, c.client.who)
	if err != nil {
		return reply{}, err
	}
	return ok(c.s.reviewJSON(c.repo, t, x))
}

func dismissReview(c *call) (reply, error) {
	t, err := c.pullThread()
	if err != nil {
		return reply{}, err
	}
	if c.client.grant == nil && c.repo.role(c.client.who) < forge.PermissionWrite {
		return reply{}, fail(http.StatusForbidden, "Must have push access to repository")
	}
	id, err := c.number("review_id")
	if err != nil {
		return reply{}, err
	}
	for _, x := range t.pull.reviews {
		if x.id != id {
			continue
		}
		if err := c.s.dismiss(c.repo, t, x, c.client.who); err != nil {
			return reply{}, err
		}
		return ok(c.s.reviewJSON(c.repo, t, x))
	}
	return reply{}, notFound()
}
