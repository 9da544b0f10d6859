package sandbox

import (
	"maps"
	"net/http"
	"slices"
	"time"
)

func getApp(c *call) (reply, error) {
	o := c.s.appJSON(c.client.app)
	o["installations_count"] = len(c.s.ownInstallations(c.client.app))
	return ok(o)
}

func (s *Sandbox) appJSON(a *app) object {
	return object{
		"id": a.id, "slug": a.slug, "node_id": nodeID("Integration", a.id), "owner": s.userJSON(a.owner), "name": a.slug, "description": "",
		"external_url": s.html("/"), "html_url": s.html("/apps/%s", a.slug), "created_at": stamp(a.created), "updated_at": stamp(a.created),
		"permissions": a.permissions, "events": orEmpty(a.events),
	}
}

func listInstallations(c *call) (reply, error) {
	list := []object{}
	for _, in := range c.s.ownInstallations(c.client.app) {
		list = append(list, c.s.installationJSON(in))
	}
	return ok(paged(c, list))
}

func (s *Sandbox) ownInstallations(a *app) []*installation {
	var found []*installation
	for _, id := range slices.Sorted(maps.Keys(s.st.installations)) {
		if in := s.st.installations[id]; in.app.id == a.id {
			found = append(found, in)
		}
	}
	return found
}

func (c *call) installation() (*installation, error) {
	id, err := c.number("installation_id")
	if err != nil {
		return nil, err
	}
	in := c.s.st.installations[id]
	if in == nil || in.app.id != c.client.app.id {
		return nil, notFound()
	}
	return in, nil
}

func getInstallation(c *call) (reply, error) {
	in, err := c.installation()
	if err != nil {
		return reply{}, err
	}
	return ok(c.s.installationJSON(in))
}

func getRepoInstallation(c *call) (reply, error) {
	for _, in := range c.s.ownInstallations(c.client.app) {
		if in.repos[c.repo.id] {
			return ok(c.s.installationJSON(in))
		}
	}
	return reply{}, notFound()
}

// getHookConfig tells where the App's webhook goes (docs.github.com, "Get a webhook configuration for an app").
func getHookConfig(c *call) (reply, error) {
	o := object{"content_type": "json", "insecure_ssl": "0", "url": c.client.app.hookURL}
	if c.client.app.hookSecret != "" {
		o["secret"] = "********"
	}
	return ok(o)
}

// tokenOrder is what an installation token is narrowed to.
type tokenOrder struct {
	Repositories  []string          `json:"repositories"`
	RepositoryIDs []int64           `json:"repository_ids"`
	Permissions   map[string]string `json:"permissions"`
}

func createToken(c *call) (reply, error) {
	in, err := c.installation()
	if err != nil {
		return reply{}, err
	}
	if !in.suspended.IsZero() {
		return reply{}, fail(http.StatusForbidden, "This installation has been suspended")
	}
	var order tokenOrder
	if err := c.decode(&order); err != nil {
		return reply{}, err
	}
	g, repos, err := c.s.newGrant(in, order)
	if err != nil {
		return reply{}, err
	}
	token := newToken("ghs_")
	c.s.st.grants[token] = g
	o := object{"token": token, "expires_at": stamp(g.expires), "permissions": g.permissions, "repository_selection": "selected"}
	if g.repos != nil {
		list := []object{}
		for _, r := range repos {
			list = append(list, c.s.repoJSON(r))
		}
		o["repositories"] = list
	}
	return created(o)
}

// newGrant makes the grant behind a token, which lives one hour. It fails with GitHub's 422 where more is asked for than
// the installation has.
func (s *Sandbox) newGrant(in *installation, order tokenOrder) (*grant, []*repository, error) {
	g := &grant{installation: in, permissions: in.app.permissions, expires: s.cfg.AuthNow().UTC().Truncate(time.Second).Add(time.Hour)}
	var repos []*repository
	if len(order.Repositories)+len(order.RepositoryIDs) > 0 {
		g.repos = map[int64]bool{}
		wanted := order.RepositoryIDs
		for _, name := range order.Repositories {
			r := s.st.repo(in.account.login + "/" + name)
			if r == nil {
				return nil, nil, outside()
			}
			wanted = append(wanted, r.id)
		}
		for _, id := range wanted {
			if !in.repos[id] {
				return nil, nil, outside()
			}
			g.repos[id] = true
			repos = append(repos, s.st.repoByID(id))
		}
	}
	if len(order.Permissions) == 0 {
		return g, repos, nil
	}
	g.permissions = map[string]string{"metadata": "read"}
	for name, level := range order.Permissions {
		if have := in.app.permissions[name]; have != level && have != "write" {
			return nil, nil, fail(http.StatusUnprocessableEntity, "The permissions requested are not granted to this installation.")
		}
		g.permissions[name] = level
	}
	return g, repos, nil
}

func outside() error {
	return fail(http.StatusUnprocessableEntity, "There is at least one repository that does not exist or is not accessible to the parent installation.")
}

func listInstallationRepos(c *call) (reply, error) {
	list := []object{}
	for _, r := range c.s.covered(c.client.grant.installation) {
		if c.client.sees(r) {
			list = append(list, c.s.repoJSON(r))
		}
	}
	return ok(object{"total_count": len(list), "repository_selection": "selected", "repositories": paged(c, list)})
}

func getUser(c *call) (reply, error) { return ok(c.s.publicUserJSON(c.client.who)) }

// listOwnRepos lists what belongs to the person or where the person was given a role.
func listOwnRepos(c *call) (reply, error) {
	list := []object{}
	for _, r := range c.s.st.sortedRepos() {
		if _, given := r.roles[c.client.who.id]; given || r.owner.id == c.client.who.id {
			list = append(list, c.s.repoJSON(r))
		}
	}
	return ok(paged(c, list))
}

func getUserByName(c *call) (reply, error) {
	a := c.s.st.account(c.params["username"])
	if a == nil {
		return reply{}, notFound()
	}
	return ok(c.s.publicUserJSON(a))
}

// getRateLimit tells a client's own limit. Asking costs nothing.
func getRateLimit(c *call) (reply, error) {
	core, graphql := c.s.meters.balance(c.client.name, coreResource).json(), c.s.meters.balance(c.client.name, graphqlResource).json()
	return ok(object{"resources": object{"core": core, "search": core, "graphql": graphql}, "rate": core})
}

func (b balance) json() object {
	return object{"limit": b.limit, "remaining": b.remaining, "used": b.used, "reset": b.reset.Unix()}
}
