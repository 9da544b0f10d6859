package sandbox_test

import (
	"fmt"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox"
)

func TestPeopleAndTheirRoles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	for role, old := range map[forge.Permission]string{
		forge.PermissionNone: "read", forge.PermissionTriage: "read", forge.PermissionMaintain: "write", forge.PermissionAdmin: "admin",
	} {
		if err := w.forge.SetPermission("acme/environments", "bob", role); err != nil {
			t.Fatal(err)
		}
		want := max(role, forge.PermissionRead).String() // everybody reads a public repository
		w.call(token, "GET", "~/collaborators/bob/permission", "", 200).want(map[string]string{"permission": old, "role_name": want})
	}
	if users := w.forge.Users(); len(users) != 2 || users[0] != w.ann || users[1] != w.bob {
		t.Errorf("people = %+v, want ann and bob", users)
	}
	if again := w.forge.AddUser("ann"); again != w.ann {
		t.Errorf("a second ann was made: %+v", again)
	}
	if w.forge.URL() != w.url {
		t.Errorf("URL = %s, want %s", w.forge.URL(), w.url)
	}
}

func TestPeopleOpenAndMerge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	for _, file := range []string{"a", "b"} {
		if _, err := w.forge.Commit("acme/environments", sandbox.Edit{As: "ann", Branch: "by-hand", Message: "Add " + file + "\n\nwith care", Files: map[string]string{file: "1"}}); err != nil {
			t.Fatal(err)
		}
	}
	in := forge.NewPullRequest{HeadBranch: "by-hand", BaseBranch: "main", Title: "Two files"}
	n, err := w.forge.OpenPull("acme/environments", "bob", in)
	if err != nil || n != 1 {
		t.Fatalf("OpenPull = %d, %v", n, err)
	}
	if _, err := w.forge.OpenPull("acme/environments", "bob", in); err == nil {
		t.Error("the same pull request was opened twice")
	}
	sha, err := w.forge.Merge("acme/environments", n, "ann", forge.MergeSquash)
	if err != nil {
		t.Fatal(err)
	}
	w.call(token, "GET", "~/git/commits/"+string(sha), "", 200).want(map[string]string{"message": "Two files (#1)\n\n* Add a\n\nwith care\n\n* Add b\n\nwith care\n\n---------\n\nCo-authored-by: ann <" + w.ann.Email + ">"})
	w.call(token, "GET", "~/pulls/1", "", 200).want(map[string]string{"user.login": "bob", "merged_by.login": "ann"})
}

func TestMergesInOwnWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	n, head := w.openPull(token, "change", "a")
	sha := w.call(token, "PUT", "~/pulls/"+n+"/merge", fmt.Sprintf(`{"sha":%q,"commit_title":"Promote","commit_message":"Ferry-Release: 1"}`, head), 200).str("sha")
	w.call(token, "GET", "~/git/commits/"+sha, "", 200).want(map[string]string{"message": "Promote\n\nFerry-Release: 1", "verification.verified": "true", "author.name": "ferry[bot]"})
}

func TestRepositoriesThatCannotBeMade(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func() *sandbox.Sandbox {
		t.Helper()
		s, err := sandbox.New(sandbox.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		return s
	}
	s := open()
	if _, err := s.AddRepository("acme", "shop", nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"shop", "Shop", "", "..", "a/b", "x.git", "-x", "a b"} {
		if _, err := s.AddRepository("acme", name, nil); err == nil {
			t.Errorf("a repository %q was made", name)
		}
	}
	// What the forge knew beside the Git data is gone with the process: an old folder is not taken for a new repository.
	if _, err := open().AddRepository("acme", "shop", nil); err == nil {
		t.Error("a repository of an earlier run was made anew")
	}
	if _, err := sandbox.New(sandbox.Config{}); err == nil {
		t.Error("a sandbox without a folder was made")
	}
}

func TestCredentialsHaveAClockOfTheirOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	days, auth := &clock{now: w.clock.Now()}, &clock{now: w.clock.Now()}
	s, err := sandbox.New(sandbox.Config{Dir: t.TempDir(), Now: days.Now, AuthNow: auth.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if _, err := s.AddRepository("acme", "environments", nil); err != nil {
		t.Fatal(err)
	}
	addApp(t, s, sandbox.AppSpec{})
	id, err := s.Install(appID, "acme")
	if err != nil {
		t.Fatal(err)
	}
	other := &world{t: t, forge: s, install: id, clock: auth, url: serve(t, s)}
	token := other.token("")
	days.advance(48 * time.Hour)
	other.call(token, "GET", "~", "", 200)
	other.call(token, "POST", "~/issues", `{"title":"later"}`, 201).want(map[string]string{"created_at": "2026-03-03T12:00:00Z"})
	auth.advance(time.Hour)
	other.call(token, "GET", "~", "", 401)
}
