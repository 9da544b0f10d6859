package promotion_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// travelling is a scene with mail and web, which travel as the group platform, and all of whose commands its author may give.
func travelling(t *testing.T) func(*promotion.CommandScene) {
	t.Helper()
	c, err := config.Parse(config.File, []byte("apiVersion: ferry/v1\nenvironments:\n  - name: dev\n  - name: staging\n    from: [dev]\napps:\n"+
		"  - {name: mail, images: [ghcr.io/acme/mail], manifests: [\"apps/mail/{env}/values.yaml\"], group: platform}\n"+
		"  - {name: web, images: [ghcr.io/acme/web], manifests: [\"apps/web/{env}/values.yaml\"], group: platform}\n"))
	if err != nil {
		t.Fatal(err)
	}
	view := func(app, old, new string) promotion.View {
		return promotion.View{App: app, Group: "platform", Environments: []promotion.EnvironmentView{
			{Name: "dev", Release: release(new)}, {Name: "staging", Release: release(old), Proposed: release(new), ProposedSince: time.Unix(0, 0), Number: 7}}}
	}
	return func(s *promotion.CommandScene) {
		s.Config, s.Permission, s.Said = c, forge.PermissionAdmin, s.Now
		s.Views = []promotion.View{view("mail", "1.0.0", "1.1.0"), view("web", "2.0.0", "2.1.0")}
		s.History = map[string]map[string][]promotion.Deployment{"mail": {"staging": {{Release: release("1.0.0")}, {Release: release("0.9.0"), Ended: true}}}}
	}
}

// TestWhichNamesCommandsTake holds the table in docs/gates.md against what is done with each name on Ferry's issue.
func TestWhichNamesCommandsTake(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/gates.md")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{"hold": " soon", "freeze": " soon", "block": " 1.1.0 it loses orders", "unblock": " 1.1.0", "rollback": " staging to 0.9.0", "hotfix": " staging 1.2.0 it loses orders"}
	help := execute(t, "/help", travelling(t)).Answer
	for _, line := range strings.Split(help, "\n") {
		_, rest, ok := strings.Cut(line, "| `/")
		if !ok {
			continue
		}
		name := strings.FieldsFunc(rest, func(r rune) bool { return r == ' ' || r == '`' })[0]
		if name == "approve" || name == "override" || name == "help" {
			continue
		}
		row := fmt.Sprintf("| `/%s` |", name)
		for _, target := range []string{"mail", "platform", "staging", "all"} {
			out := execute(t, "/"+name+" "+target+said[name], travelling(t))
			if out.Reaction == forge.ReactionDone {
				row += " yes |"
			} else {
				row += " – |"
			}
		}
		if !strings.Contains(string(page), "\n"+row) {
			t.Errorf("docs/gates.md should say\n%s", row)
		}
	}
}
