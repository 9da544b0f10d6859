package sandbox

import (
	"hash/crc32"
	"net/http"
	"slices"
	"strings"

	"ferry/forge"
)

// maxLabel is how long a label's name may be (docs.github.com, "Create a label").
const maxLabel = 50

// addLabels adds labels to an issue or a pull request, and makes those that the repository does not have yet (docs.github.com, "Add labels to an issue").
func addLabels(c *call) (reply, error) {
	t, err := c.issueThread()
	if err != nil {
		return reply{}, err
	}
	var in struct{ Labels []string }
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	for _, name := range in.Labels {
		if name == "" || len([]rune(name)) > maxLabel {
			return reply{}, invalid("Label", "name", "name is too long (maximum is %d characters)", maxLabel)
		}
	}
	for _, name := range in.Labels {
		if !slices.ContainsFunc(t.labels, func(old string) bool { return strings.EqualFold(old, name) }) {
			t.labels = append(t.labels, name)
		}
	}
	t.updated = c.s.now()
	return ok(c.s.labelsJSON(c.repo, t))
}

// maxAssignees is how many people an issue may be assigned to (docs.github.com, "Add assignees to an issue").
const maxAssignees = 10

// addAssignees assigns an issue or a pull request to people. Who may not see the repository is left out without a word (docs.github.com, "Add assignees to
// an issue").
func addAssignees(c *call) (reply, error) {
	t, err := c.issueThread()
	if err != nil {
		return reply{}, err
	}
	var in struct{ Assignees []string }
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	for _, login := range in.Assignees {
		who := c.s.st.account(login)
		if who != nil && c.repo.role(who) >= forge.PermissionRead && !slices.Contains(t.assignees, who) && len(t.assignees) < maxAssignees {
			t.assignees = append(t.assignees, who)
		}
	}
	t.updated = c.s.now()
	return created(c.s.issueJSON(c.repo, t))
}

// assignedJSON is who something is assigned to: the first alone, and all of them.
func (s *Sandbox) assignedJSON(t *thread) (first any, all []any) {
	all = []any{}
	for _, who := range t.assignees {
		all = append(all, s.userJSON(who))
	}
	if len(all) > 0 {
		first = all[0]
	}
	return first, all
}

func (s *Sandbox) labelsJSON(r *repository, t *thread) []object {
	list := []object{}
	for _, name := range t.labels {
		id := int64(crc32.ChecksumIEEE([]byte(strings.ToLower(name))))
		list = append(list, object{"id": id, "node_id": nodeID("Label", id), "url": s.api("/repos/%s/labels/%s", r.fullName(), escapePath(name)),
			"name": name, "description": "", "color": "ededed", "default": false})
	}
	return list
}

// requestReviewers asks people and teams for a review: all of them or none (docs.github.com, "Request reviewers for a pull request").
func requestReviewers(c *call) (reply, error) {
	t, err := c.pullThread()
	if err != nil {
		return reply{}, err
	}
	var in struct {
		Reviewers     []string
		TeamReviewers []string `json:"team_reviewers"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	refuse := fail(http.StatusUnprocessableEntity, "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the %s repository.", c.repo.fullName())
	var people []*account
	for _, login := range in.Reviewers {
		who := c.s.st.account(login)
		switch {
		case who == nil || c.repo.role(who) < forge.PermissionRead:
			return reply{}, refuse
		case who.id == t.author.id:
			return reply{}, fail(http.StatusUnprocessableEntity, "Review cannot be requested from pull request author.")
		}
		people = append(people, who)
	}
	for _, slug := range in.TeamReviewers {
		if c.s.st.teams[strings.ToLower(c.repo.owner.login)+"/"+strings.ToLower(slug)] == nil {
			return reply{}, refuse
		}
	}
	for _, who := range people {
		if !slices.Contains(t.pull.asked, who) {
			t.pull.asked = append(t.pull.asked, who)
		}
	}
	for _, slug := range in.TeamReviewers {
		if slug = strings.ToLower(slug); !slices.Contains(t.pull.askedTeams, slug) {
			t.pull.askedTeams = append(t.pull.askedTeams, slug)
		}
	}
	t.updated = c.s.now()
	return created(c.s.pullJSON(c.repo, t))
}

func (s *Sandbox) askedJSON(r *repository, p *pull) (people []any, teams []object) {
	people, teams = []any{}, []object{}
	for _, who := range p.asked {
		people = append(people, s.userJSON(who))
	}
	for _, slug := range p.askedTeams {
		teams = append(teams, s.teamJSON(r.owner, slug))
	}
	return people, teams
}

func (s *Sandbox) teamJSON(org *account, slug string) object {
	id := int64(crc32.ChecksumIEEE([]byte(org.login + "/" + slug)))
	u := s.api("/organizations/%d/team/%d", org.id, id)
	return object{"id": id, "node_id": nodeID("Team", id), "url": u, "members_url": u + "/members{/member}", "name": slug, "description": nil, "permission": "pull",
		"privacy": "closed", "type": "organization", "organization_id": org.id, "html_url": s.html("/orgs/%s/teams/%s", org.login, slug), "repositories_url": u + "/repos", "slug": slug, "parent": nil}
}
