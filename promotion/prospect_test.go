package promotion_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// manifestOf is a Pod with these images, as the files of an app in one environment.
func manifestOf(path string, refs ...string) []promotion.File {
	content := "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n"
	for _, ref := range refs {
		content += "    - image: " + ref + "\n"
	}
	return []promotion.File{{Path: path, Content: []byte(content), Images: of(refs...)}}
}

// chain is environments that are each promoted into from the one before; "" is one without the app.
func chain(refs ...string) []promotion.Environment {
	var out []promotion.Environment
	names := []string{"dev", "staging", "prod", "last"}
	for i, ref := range refs {
		env := promotion.Environment{Environment: config.Environment{Name: names[i], Clusters: []string{"default"}, Update: config.UpdateNone}, Mode: config.ModePropose}
		if i > 0 {
			env.From, env.Soak = []string{names[i-1]}, 24*time.Hour
		}
		if ref == "" {
			continue
		}
		env.Files = manifestOf(names[i]+".yaml", strings.Split(ref, " ")...)
		out = append(out, env)
	}
	return out
}

func TestProspects(t *testing.T) {
	t.Parallel()
	const pin = "@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	tests := []struct {
		name string
		refs []string
		want []string // of each environment but the first
	}{
		{"all alike", []string{"a:1.0.0", "a:1.0.0", "a:1.0.0"}, []string{"staging: nothing new upstream", "prod: nothing new upstream"}},
		{"a newer one in each", []string{"a:1.2.0", "a:1.1.0", "a:1.0.0"}, []string{"staging: 1.1.0 → 1.2.0", "prod: 1.0.0 → 1.1.0"}},
		{"only downstream differs", []string{"a:1.2.0", "a:1.2.0", "a:1.0.0"}, []string{"staging: nothing new upstream", "prod: 1.0.0 → 1.2.0"}},
		{"an older one upstream", []string{"a:1.0.0", "a:1.1.0"}, []string{"staging: stuck: 1.0.0 in dev is older than what stands here"}},
		{"tags that are no versions", []string{"a:main-3", "a:main-2", "a:main-1"}, []string{"staging: main-2 → main-3", "prod: main-1 → main-2"}},
		{"tags that are no versions, one went back", []string{"a:main-3", "a:main-2", "a:main-3"},
			[]string{"staging: main-2 → main-3", "prod: stuck: main-2 in staging is older than what stands here"}},
		{"mixed upstream", []string{"a:1 a:2", "a:1"}, []string{"staging: stuck: nothing is promoted from dev: mixed: a is 1 in one place and 2 in another (dev.yaml)"}},
		{"mixed downstream is made whole", []string{"a:3", "a:1 a:2"}, []string{"staging: nothing → 3"}},
		{"a gap", []string{"a:3", "", "a:1"}, []string{"prod: stuck: the app is not in staging, from where it would come"}},
		{"a pinned digest without one upstream", []string{"a:1.2.0", "a:1.1.0" + pin}, []string{"staging: 1.1.0 → 1.2.0 refused: staging.yaml:5:14: a is pinned to a digest"}},
		{"a digest moves along", []string{"a:1.2.0" + pin, "a:1.1.0" + strings.ReplaceAll(pin, "a", "b")}, []string{"staging: 1.1.0 → 1.2.0"}},
		{"alone", []string{"a:1"}, nil},
	}
	app := config.App{Name: "shop", Images: []config.Image{{Name: "a"}}}
	weekends := windows(t, "0 16 * * FRI", 64*time.Hour, "UTC", "")
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			environments := chain(test.refs...)
			for i := range environments {
				environments[i].Freezes = weekends
			}
			for _, p := range promotion.Prospects(app, forge.Repo{}, environments, time.Unix(1e9, 0)) {
				line := p.Environment + ": "
				switch {
				case p.New == nil && p.Stuck:
					line += "stuck: " + p.Why
				case p.New == nil:
					line += p.Why
				default:
					line += p.Old.Version() + " → " + p.New.Version()
				}
				if p.Refused != "" {
					line += " refused: " + p.Refused
				}
				if (p.New != nil && p.Refused == "") != (len(p.Files) == 1) || len(p.Files) > 0 && (p.Title == "" || p.Branch != "ferry/"+p.Environment+"/shop") {
					t.Errorf("%s: %d files, title %q, branch %q", line, len(p.Files), p.Title, p.Branch)
				}
				if want := fmt.Sprintf("[soak 24h in %s freeze deny \"0 16 * * FRI\" for 64h in UTC]", p.From[0]); p.New != nil && fmt.Sprint(p.Waits) != want {
					t.Errorf("%s waits for %v, want %s", line, p.Waits, want)
				}
				got = append(got, line)
			}
			for i, want := range test.want {
				if len(got) != len(test.want) || !strings.HasPrefix(got[i], want) {
					t.Fatalf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
				}
			}
		})
	}
}

// TestProspectsOfObserve plans also where the mode would keep Ferry from opening anything: the mode is said, not obeyed.
func TestProspectsOfObserve(t *testing.T) {
	t.Parallel()
	environments := chain("a:2", "a:1")
	environments[1].Mode = config.ModeObserve
	got := promotion.Prospects(config.App{Name: "shop", Images: []config.Image{{Name: "a"}}}, forge.Repo{}, environments, time.Unix(1e9, 0))
	if len(got) != 1 || got[0].Mode != config.ModeObserve || len(got[0].Files) != 1 || environments[1].History != nil {
		t.Errorf("got %+v", got)
	}
}

func TestEdit(t *testing.T) {
	t.Parallel()
	app := config.App{Name: "shop", Images: []config.Image{{Name: "a", In: map[string]string{"prod": "mirror/a"}}}}
	files := []promotion.File{{Path: "x.yaml", Content: []byte("apiVersion: v1\nkind: Pod\nspec: {containers: [{image: mirror/a:1}]}\n"), Images: of("a:1"), Executable: true}}
	changed, err := promotion.Edit(app, environmentOf("prod", files...), of("a:2"))
	if err != nil || len(changed) != 1 || string(changed[0].Content) != "apiVersion: v1\nkind: Pod\nspec: {containers: [{image: mirror/a:2}]}\n" || !changed[0].Executable {
		t.Errorf("Edit: %+v, %v", changed, err)
	}
	if _, err := promotion.Edit(app, environmentOf("prod", files...), of("a:1")); !errors.Is(err, promotion.ErrNoChange) {
		t.Errorf("an edit to what stands there: %v", err)
	}
	files[0].Content = []byte("apiVersion: v1\nkind: Pod\nspec: {containers: [{image: 'mirror/a:{{ .x }}'}]}\n")
	if _, err := promotion.Edit(app, environmentOf("prod", files...), of("a:2")); err == nil || !strings.Contains(err.Error(), "x.yaml:3:") {
		t.Errorf("an edit of a template: %v", err)
	}
}

// TestEditPins writes a digest where none stands: only where the configuration wants it, and the digest is known.
func TestEditPins(t *testing.T) {
	t.Parallel()
	const digest = "@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	for _, test := range []struct {
		environment, image bool
		release, want      string
	}{
		{false, false, "a:2" + digest, "a:2"},
		{true, false, "a:2" + digest, "a:2" + digest},
		{false, true, "a:2" + digest, "a:2" + digest},
		{true, true, "a:2", "a:2"},
	} {
		env := environmentOf("prod", manifestOf("x.yaml", "a:1")...)
		env.Digest = test.environment
		app := config.App{Name: "shop", Images: []config.Image{{Name: "a", Digest: test.image}}}
		files, err := promotion.Edit(app, env, of(test.release))
		if err != nil || len(files) != 1 || !strings.HasSuffix(string(files[0].Content), "image: "+test.want+"\n") {
			t.Errorf("%+v: %v, %v", test, files, err)
		}
	}
}

// environmentOf is an environment with these files.
func environmentOf(name string, files ...promotion.File) promotion.Environment {
	return promotion.Environment{Environment: config.Environment{Name: name}, Files: files}
}

// TestProspectsOfGroupsAndWindows: what is collected first is a prospect all the same, and one of a group comes on the group's branch.
func TestProspectsOfGroupsAndWindows(t *testing.T) {
	t.Parallel()
	app := config.App{Name: "shop", Group: "platform", Images: []config.Image{{Name: "a"}}}
	for _, supersede := range []config.Supersede{config.SupersedeLatest, config.SupersedeBatch, config.SupersedeQueue} {
		environments := chain("a:1.2.0", "a:1.1.0", "a:1.0.0")
		for i := range environments[1:] {
			environments[i+1].Supersede, environments[i+1].Window, environments[i+1].MaxOpen = supersede, 10*time.Minute, 1
		}
		for i, p := range promotion.Prospects(app, forge.Repo{}, environments, time.Unix(1e9, 0)) {
			if want := "ferry/" + environments[i+1].Name + "/platform"; p.Branch != want || len(p.Files) != 1 || !slices.Contains(p.Waits, "window 10m") {
				t.Errorf("%s: into %s comes %q with %d files, after %q", supersede, p.Environment, p.Branch, len(p.Files), p.Waits)
			}
		}
	}
}
