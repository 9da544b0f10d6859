package sandbox_test

import (
	"testing"
)

// docs.github.com, "Get team membership for a user": 404 for somebody who is not in the team as for a team that is not there; Apps need the
// organization permission "Members" (docs.github.com, "Permissions required for GitHub Apps").
func TestTeams(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.forge.SetTeam("acme", "sre", "ann"); err != nil {
		t.Fatal(err)
	}
	const path = "/orgs/acme/teams/sre/memberships/"
	token := w.token("")
	w.call(token, "GET", path+"ann", "", 403)
	if err := w.forge.SetPermissions(appID, map[string]string{"contents": "write", "members": "read"}); err != nil {
		t.Fatal(err)
	}
	token = w.token("")
	w.call(token, "GET", path+"ann", "", 200).want(map[string]string{"state": "active", "role": "member"})
	w.call(token, "GET", path+"bob", "", 404)
	w.call(token, "GET", path+"nobody", "", 404)
	w.call(token, "GET", "/orgs/acme/teams/dba/memberships/ann", "", 404)
	w.call(token, "GET", "/orgs/other/teams/sre/memberships/ann", "", 403)
	w.call(w.ann.Token, "GET", path+"ann", "", 200)
	w.call(token, "GET", "/orgs/acme/teams/sre", "", 200).want(map[string]string{"slug": "sre", "organization.login": "acme", "members_count": "1"}) // "Get a team by name"
	w.call(token, "GET", "/orgs/acme/teams/dba", "", 404)
	w.call(token, "GET", "/orgs/other/teams/sre", "", 403)
	for _, wrong := range []error{w.forge.SetTeam("acme", "The SREs", "ann"), w.forge.SetTeam("acme", "sre", "nobody")} {
		if wrong == nil {
			t.Error("a team that cannot be is made")
		}
	}
	if err := w.forge.SetTeam("acme", "sre"); err != nil {
		t.Fatal(err)
	}
	w.call(token, "GET", path+"ann", "", 404)
}
