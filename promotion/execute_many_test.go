package promotion_test

import (
	"fmt"
	"strings"
	"testing"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// manyApps is a scene with 120 apps that stand behind dev in staging, of which five are blocked there and two urgent.
func manyApps(s *promotion.CommandScene) {
	s.Permission = forge.PermissionMaintain
	s.Views = nil
	yaml := "apiVersion: ferry/v1\nenvironments:\n  - name: dev\n  - name: staging\n    from: [dev]\napps:\n"
	for i := range 120 {
		yaml += fmt.Sprintf("  - {name: app%03d, images: [ghcr.io/acme/app], manifests: [\"apps/app%03d/{env}/values.yaml\"]}\n", i, i)
	}
	c, err := config.Parse(config.File, []byte(yaml))
	if err != nil {
		panic(err)
	}
	s.Config = c
	for i := range 120 {
		app := fmt.Sprintf("app%03d", i)
		staging := promotion.EnvironmentView{Name: "staging", Release: release("1.0.0")}
		switch {
		case i < 5:
			s.Blocks = append(s.Blocks, promotion.Block{App: app, Image: promotion.Image{Tag: "1.1.0"}, Actor: "bob", Reason: "no"})
		case i < 7:
			staging.Urgent = promotion.IntentRollback
		case i < 9:
			staging.Number = i
		}
		s.Views = append(s.Views, promotion.View{App: app, Environments: []promotion.EnvironmentView{{Name: "dev", Release: release("1.1.0")}, staging}})
		s.Holds = append(s.Holds, promotion.Hold{ID: int64(i + 1), App: app, Environment: "staging", Actor: "bob"})
		s.Freezes = append(s.Freezes, promotion.Freeze{ID: int64(i + 1), App: app, Environment: "staging", Actor: "bob", Reason: "no"})
	}
}

// TestAnswersOverManyAppsAreBounded: what a command came to is said by kind of outcome.
func TestAnswersOverManyAppsAreBounded(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		command string
		want    []string
	}{
		{"/promote all", []string{"- 5 do not go into `staging`, for somebody blocks them: `app000 1.1.0`; ", "- 2 stay as they are in `staging`, where something urgent is under way: `app005`; `app006`.",
			"- 113 go into `staging` as soon as their gates are open, at most 10 pull requests at a time (2 stand open now), while the others wait for room: `app007`; ", " and 101 more."}},
		{"/status all", []string{"- 120 have nothing on its way in `dev`: ", "- 120 have nothing on its way in `staging`: `app000`; "}},
		{"/resume all", []string{"- 120 holds are lifted: app000 in staging; ", " and 108 more."}},
		{"/thaw all", []string{"- 120 freezes are ended: app000 in staging; "}},
		{"/resume app001", []string{"Lifted: the hold of bob on app001 in staging."}},
	} {
		out := execute(t, test.command, manyApps)
		for _, want := range test.want {
			wantAnswer(t, out, forge.ReactionDone, want)
		}
		if lines := strings.Count(out.Answer, "\n"); lines > 10 || len(out.Answer) > 2000 {
			t.Errorf("%s is answered with %d lines:\n%s", test.command, lines, out.Answer)
		}
	}
	if out := execute(t, "/promote all", manyApps); len(out.Intents) != 113 {
		t.Errorf("%d apps are asked for", len(out.Intents))
	}
}
