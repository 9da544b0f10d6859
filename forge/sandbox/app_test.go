package sandbox_test

import (
	"fmt"
	"testing"
	"time"
)

func TestAppAndItsInstallations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app := w.jwt(-time.Minute, 9*time.Minute)
	w.call(app, "GET", "/app", "", 200).want(map[string]string{"slug": "ferry", "installations_count": "1"})
	w.call(app, "GET", "/app/installations", "", 200).want(map[string]string{"0.account.login": "acme", "0.app_id": "7"})
	w.call(app, "GET", fmt.Sprintf("/app/installations/%d", w.install), "", 200).want(map[string]string{"permissions.contents": "write"})
	w.call(app, "GET", "/app/installations/1", "", 404)
	w.call(app, "GET", "~/installation", "", 200).want(map[string]string{"id": fmt.Sprint(w.install)})
	w.call(app, "GET", "~/pulls", "", 403)
	w.call(app, "GET", "/app/hook/deliveries", "", 200).want(map[string]string{"0.event": "installation", "1.event": "ping", "0.status_code": "202"})
	id := w.call(app, "GET", "/app/hook/deliveries", "", 200).str("1.id")
	w.inbox.clear()
	w.call(app, "POST", "/app/hook/deliveries/"+id+"/attempts", "", 202)
	w.call(app, "POST", "/app/hook/deliveries/99999/attempts", "", 404)
	w.flush()
	if got := w.inbox.events(); len(got) != 1 || got[0] != "ping" {
		t.Errorf("sent again: %v, want the ping", got)
	}
}

func TestAppTokensAreChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, token := range map[string]string{
		"expired":            w.jwt(-20*time.Minute, -time.Minute),
		"issued later":       w.jwt(5*time.Minute, 9*time.Minute),
		"valid for too long": w.jwt(0, time.Hour),
		"not signed":         "eyJhbGciOiJub25lIn0.eyJpc3MiOiI3In0.",
		"unknown":            "ghs_unknown",
		"nonsense":           "a.b.c",
	} {
		t.Run(name, func(t *testing.T) { w.call(token, "GET", "/app", "", 401) })
	}
	w.call("", "GET", "/app", "", 401)
	w.call(w.token(""), "GET", "/app", "", 401)
	w.call(w.ann.Token, "GET", "/app", "", 401)
}

func TestInstallationTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.forge.AddRepository("acme", "other", map[string]string{"a": "1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.forge.AddRepository("rival", "environments", map[string]string{"a": "1"}); err != nil {
		t.Fatal(err)
	}
	full := w.token("")
	w.call(full, "GET", "/installation/repositories", "", 200).want(map[string]string{"total_count": "1", "repositories.0.full_name": "acme/environments"})
	w.call(full, "GET", "~", "", 200).want(map[string]string{"default_branch": "main", "id": fmt.Sprint(w.repo.ID)})
	w.call(full, "GET", fmt.Sprintf("/repositories/%d", w.repo.ID), "", 200).want(map[string]string{"full_name": "acme/environments"})
	w.call(full, "GET", "/repositories/1", "", 404)
	// What the installation does not cover is hidden.
	w.call(full, "GET", "/repos/acme/other", "", 404)
	w.call(full, "GET", "/repos/rival/environments/branches/main", "", 404)
	w.call(full, "GET", "/user", "", 403)

	reader := w.token(`{"repositories":["environments"],"permissions":{"contents":"read","statuses":"write"}}`)
	w.call(reader, "GET", "~/git/ref/heads/main", "", 200)
	w.call(reader, "POST", "~/git/blobs", `{"content":"x"}`, 403)
	w.call(reader, "GET", "~/pulls", "", 403)
	w.call(reader, "GET", "~/issues", "", 403)
	app := w.jwt(-time.Minute, 9*time.Minute)
	path := fmt.Sprintf("/app/installations/%d/access_tokens", w.install)
	w.call(app, "POST", path, `{"repositories":["other"]}`, 422)
	w.call(app, "POST", path, `{"repositories":["missing"]}`, 422)
	w.call(app, "POST", path, `{"repository_ids":[1]}`, 422)
	w.call(app, "POST", path, `{"permissions":{"administration":"write"}}`, 422)
	w.call(app, "POST", path, fmt.Sprintf(`{"repository_ids":[%d]}`, w.repo.ID), 201).want(map[string]string{"repositories.0.name": "environments"})

	w.clock.advance(59 * time.Minute)
	w.call(full, "GET", "~", "", 200)
	w.clock.advance(time.Minute)
	w.call(full, "GET", "~", "", 401)
}

func TestSuspendedAndEndedInstallations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	if err := w.forge.Suspend(w.install, true); err != nil {
		t.Fatal(err)
	}
	w.call(token, "GET", "~", "", 403)
	w.call(w.jwt(0, time.Minute), "POST", fmt.Sprintf("/app/installations/%d/access_tokens", w.install), "", 403)
	if err := w.forge.Suspend(w.install, false); err != nil {
		t.Fatal(err)
	}
	w.call(token, "GET", "~", "", 200)
	if _, err := w.forge.AddRepository("acme", "other", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := w.forge.Install(appID, "acme", "acme/other"); err != nil {
		t.Fatal(err)
	}
	w.call(token, "GET", "/repos/acme/other", "", 200)
	if err := w.forge.Uninstall(w.install, "acme/other"); err != nil {
		t.Fatal(err)
	}
	w.call(token, "GET", "/repos/acme/other", "", 404)
	if err := w.forge.Uninstall(w.install); err != nil {
		t.Fatal(err)
	}
	w.call(token, "GET", "~", "", 401)
	w.flush()
	want := []string{"ping", "installation.created", "installation.suspend", "installation.unsuspend", "installation_repositories.added", "installation_repositories.removed", "installation.deleted"}
	if got := w.inbox.events(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("webhooks = %v, want %v", got, want)
	}
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(w.ann.Token, "GET", "/user", "", 200).want(map[string]string{"login": "ann", "type": "User"})
	w.call("", "GET", "/user", "", 401)
	token := w.token("")
	w.call(token, "GET", "/users/ferry%5Bbot%5D", "", 200).want(map[string]string{"id": fmt.Sprint(w.bot.ID), "type": "Bot"})
	w.call(token, "GET", "/users/nobody", "", 404)
	w.call(token, "GET", "/rate_limit", "", 200).want(map[string]string{"rate.limit": "5000"})
	w.call(token, "GET", "~/collaborators/ann/permission", "", 200).want(map[string]string{"permission": "write", "role_name": "write"})
	w.call(token, "GET", "~/collaborators/bob/permission", "", 200).want(map[string]string{"permission": "read", "user.login": "bob"})
	w.call(token, "GET", "~/collaborators/acme/permission", "", 200).want(map[string]string{"permission": "admin"})
	w.call(token, "GET", "~/collaborators/nobody/permission", "", 404)
}
