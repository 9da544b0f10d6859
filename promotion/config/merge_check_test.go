package config_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ferry/promotion/config"
)

// TestCheckMergeWithoutEffect: nobody waits for a merge that the mode forbids.
func TestCheckMergeWithoutEffect(t *testing.T) {
	t.Parallel()
	const merges = "environments:\n  - name: dev\n  - name: prod\n    from: [dev]\n    merge: auto\n"
	const rule = `"prod": the mode there is `
	app := func(more string) string {
		return "apps:\n  - {name: web, images: [acme/web], manifests: ['{env}.yaml']" + more + "}\n"
	}
	tests := map[string]struct {
		text string
		want []string
	}{
		"by default":              {"apiVersion: ferry/v1\n" + merges + app(""), []string{"6:12 " + rule + "propose"}},
		"only observed":           {"apiVersion: ferry/v1\nmode: observe\n" + merges + app(""), []string{"7:12 " + rule + "observe"}},
		"released":                {"apiVersion: ferry/v1\nmode: release\n" + merges + app(""), nil},
		"the environment's mode":  {"apiVersion: ferry/v1\nmode: release\n" + merges + "    mode: propose\n" + app(""), []string{"7:12 " + rule + "propose"}},
		"a stricter app":          {"apiVersion: ferry/v1\nmode: release\n" + merges + app(", mode: propose"), nil},
		"the app's own":           {"apiVersion: ferry/v1\nenvironments: [{name: dev}, {name: prod, from: [dev]}]\n" + app(", environments: {prod: {merge: auto}}"), []string{"4:93 " + rule + "propose"}},
		"the app's own, released": {"apiVersion: ferry/v1\nmode: release\nenvironments: [{name: dev}, {name: prod, from: [dev]}]\n" + app(", environments: {prod: {merge: auto}}"), nil},
		"the app's own, stricter": {"apiVersion: ferry/v1\nmode: release\nenvironments: [{name: dev}, {name: prod, from: [dev]}]\n" + app(", mode: observe, environments: {prod: {merge: auto}}"), []string{"5:108 " + rule + "observe"}},
		"an app that is discovered": {"apiVersion: ferry/v1\nenvironments: [{name: dev}, {name: prod, from: [dev]}]\napps:\n" +
			"  - {discover: '{app}/{env}.yaml', images: ['acme/{app}'], environments: {prod: {merge: auto}}}\n", []string{"4:89 " + rule + "propose"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, f := range parse(t, test.text).Check(config.Tree{Paths: []string{"dev.yaml", "prod.yaml", "web/dev.yaml", "web/prod.yaml"}}) {
				if f.Rule == "merge-without-effect" {
					got = append(got, fmt.Sprintf("%d:%d %s", f.Line, f.Column, f.Message))
				}
			}
			for i := range test.want {
				test.want[i] = insertMessage(test.want[i])
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestCheckRollbackWithoutEffect: the same of rollbacks.
func TestCheckRollbackWithoutEffect(t *testing.T) {
	t.Parallel()
	const envs = "environments:\n  - name: dev\n  - name: prod\n    from: [dev]\n    rollback: auto\n"
	for text, want := range map[string][]string{
		"":                {`6:15 rollback-without-effect rollback: auto merges no rollback in "prod": the mode there is propose, in which Ferry merges nothing`},
		"mode: observe\n": {`7:15 rollback-without-effect rollback: auto merges no rollback in "prod": the mode there is observe, in which Ferry merges nothing`},
		"mode: release\n": nil,
	} {
		wantRemarks(t, text+envs, want)
	}
}

// wantRemarks fails unless checking the configuration, with an app web that is there, finds just these.
func wantRemarks(t *testing.T, text string, want []string) {
	t.Helper()
	text = "apiVersion: ferry/v1\n" + text + "apps: [{name: web, images: [acme/web], manifests: ['{env}.yaml'], group: shop}]\n"
	var got []string
	for _, f := range parse(t, text).Check(config.Tree{Paths: []string{"dev.yaml", "prod.yaml"}}) {
		got = append(got, fmt.Sprintf("%d:%d %s %s", f.Line, f.Column, f.Rule, f.Message))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\n%s", text, diff)
	}
}

// TestCheckRemarks: a policy that can never hold, or always does, and a role that nobody plays.
func TestCheckRemarks(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]string{
		`policy: 'environment.name == "prdo" || change == "major"'`:                                      {`2:30 policy-compares-unknown environment.name is never "prdo"; did you mean "prod"?`},
		`policy: 'environment.name in ["prod", "staging"]'`:                                              {`2:39 policy-compares-unknown environment.name is never "staging"; it is dev, prod`},
		`policy: 'intent != "roll-back" && "minr" != change'`:                                            {`2:20 policy-compares-unknown intent is never "roll-back"; did you mean "rollback"?`, `2:35 policy-compares-unknown change is never "minr"; did you mean "minor"?`},
		`policy: 'upstream.exists(u, u.environment == "dve")'`:                                           {`2:46 policy-compares-unknown upstream.environment is never "dve"; did you mean "dev"?`},
		`policy: 'app.name == "web" && app.group != "shops"'`:                                            {`2:44 policy-compares-unknown app.group is never "shops"; did you mean "shop"?`},
		`policy: '"eu" in environment.clusters'`:                                                         {`2:10 policy-compares-unknown environment.clusters is never "eu"; it is default`},
		`policy: 'asker == "ann" || app.source == "x" || environment.name == "prod" || app.group == ""'`: nil,
		`roles: {hold: {}}`:           {`2:15 role-for-nobody nobody may give /hold: its role names no permission, no team and no user`},
		`roles: {hold: {teams: []}}`:  {`2:15 role-for-nobody nobody may give /hold: its role names no permission, no team and no user`},
		`roles: {hold: {users: [x]}}`: nil,
	} {
		wantRemarks(t, line+"\nenvironments: [{name: dev}, {name: prod, from: [dev]}]\n", want)
	}
}

// TestRolesOfNoCommand: what everybody may needs no role, and only what is like a command is taken for it.
func TestRolesOfNoCommand(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{
		"status":   "status needs no role: whoever can read the repository may give /status",
		"help":     "help needs no role: whoever can read the repository may give /help",
		"holdd":    `there is no command "holdd"; did you mean "hold"?`,
		"sandwich": `there is no command "sandwich"; there are hold, resume, approve, promote, rollback, hotfix, override, freeze, thaw, block, unblock, drop, retry`,
	} {
		_, err := config.Parse(config.File, []byte("apiVersion: ferry/v1\nroles: {"+word+": write}\nenvironments: [{name: dev}]\n"))
		if err == nil || err.Error() != ".ferry.yaml:2:9: "+want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// insertMessage makes the whole finding of `LINE:COLUMN REST`.
func insertMessage(short string) string {
	var place string
	_, _ = fmt.Sscanf(short, "%s", &place)
	return place + " merge: auto has no effect in" + short[len(place):] + ", in which Ferry merges nothing"
}
