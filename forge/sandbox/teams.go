package sandbox

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// team is a team of an organization, found by its slug.
type team struct {
	org     *account
	slug    string
	members []*account
}

// slugForm is what GitHub makes of a team's name.
var slugForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,99}$`)

// SetTeam makes a team ("acme", "sre") with these members, or gives the one of that name others. It fails for what is no slug, and for an unknown person.
func (s *Sandbox) SetTeam(org, slug string, members ...string) error {
	s.mu.Lock()
	defer s.settle()
	if !nameForm.MatchString(org) || !slugForm.MatchString(slug) {
		return fmt.Errorf("sandbox: SetTeam: %s/%s is no team", org, slug)
	}
	t := &team{org: s.addAccount(org, "Organization"), slug: slug}
	for _, login := range members {
		a := s.st.account(login)
		if a == nil {
			return fmt.Errorf("sandbox: SetTeam %s/%s: nobody is called %q", org, slug, login)
		}
		t.members = append(t.members, a)
	}
	s.st.teams[t.key()] = t
	return nil
}

func (t *team) key() string { return strings.ToLower(t.org.login) + "/" + t.slug }

func (t *team) has(who *account) bool { return who != nil && slices.Contains(t.members, who) }

// getMembership says whether a person is in a team (docs.github.com, "Get team membership for a user"). Apps need the organization permission "Members";
// people must be in the organization themselves. What GitHub does not show it calls "not found", as it does somebody who is not in the team.
func getMembership(c *call) (reply, error) {
	t, err := c.visibleTeam()
	if err != nil {
		return reply{}, err
	}
	who := c.s.st.account(c.params["username"])
	if !t.has(who) {
		return reply{}, notFound()
	}
	return ok(object{"url": c.s.api("/orgs/%s/teams/%s/memberships/%s", t.org.login, t.slug, who.login), "role": "member", "state": "active"})
}

// getTeam shows a team (docs.github.com, "Get a team by name").
func getTeam(c *call) (reply, error) {
	t, err := c.visibleTeam()
	if err != nil {
		return reply{}, err
	}
	o := c.s.teamJSON(t.org, t.slug)
	org := c.s.api("/orgs/%s", t.org.login)
	at := stamp(c.s.now())
	o["members_count"], o["repos_count"], o["created_at"], o["updated_at"] = len(t.members), 0, at, at
	o["organization"] = object{"login": t.org.login, "id": t.org.id, "node_id": nodeID("Organization", t.org.id), "url": org, "repos_url": org + "/repos", "events_url": org + "/events",
		"hooks_url": org + "/hooks", "issues_url": org + "/issues", "members_url": org + "/members{/member}", "public_members_url": org + "/public_members{/member}",
		"avatar_url": c.s.html("/%s.png", t.org.login), "description": nil, "has_organization_projects": true, "has_repository_projects": true, "public_repos": 0, "public_gists": 0,
		"followers": 0, "following": 0, "html_url": c.s.html("/%s", t.org.login), "created_at": at, "updated_at": at, "archived_at": nil, "type": "Organization"}
	return ok(o)
}

// visibleTeam returns the team of the path, where whoever calls may see it.
func (c *call) visibleTeam() (*team, error) {
	org := c.params["org"]
	if c.client.grant != nil {
		if !strings.EqualFold(c.client.grant.installation.account.login, org) || !c.client.grant.allows("members:read") {
			return nil, forbidden()
		}
	} else if !c.s.inOrganization(org, c.client.who) {
		return nil, notFound()
	}
	t := c.s.st.teams[strings.ToLower(org)+"/"+strings.ToLower(c.params["team_slug"])]
	if t == nil {
		return nil, notFound()
	}
	return t, nil
}

func (s *Sandbox) inOrganization(org string, who *account) bool {
	for _, t := range s.st.teams {
		if strings.EqualFold(t.org.login, org) && t.has(who) {
			return true
		}
	}
	return false
}

// keptTeam is a team as it is written down.
type keptTeam struct {
	Org     int64
	Slug    string
	Members []int64
}

func (s *Sandbox) keepTeams() (all []keptTeam) {
	for _, t := range s.st.teams {
		k := keptTeam{Org: t.org.id, Slug: t.slug}
		for _, m := range t.members {
			k.Members = append(k.Members, m.id)
		}
		all = append(all, k)
	}
	return all
}

func (s *Sandbox) loadTeams(all []keptTeam, accounts map[int64]*account) {
	for _, k := range all {
		t := &team{org: accounts[k.Org], slug: k.Slug}
		for _, id := range k.Members {
			t.members = append(t.members, accounts[id])
		}
		s.st.teams[t.key()] = t
	}
}
