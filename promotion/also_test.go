package promotion_test

import (
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// alsoEntry is a value that moves with the release, in a file with this content.
func alsoEntry(entry config.Also, content string) promotion.Moved {
	return promotion.Moved{Also: entry, File: promotion.File{Path: entry.Path, Content: []byte(content)}}
}

func TestAlsoMovesWithTheRelease(t *testing.T) {
	t.Parallel()
	const digest = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	version := config.Also{Path: "labels.yaml", Keys: []string{"labels.version"}, Value: "v{tag}"}
	tests := []struct {
		name    string
		images  []config.Image
		entry   promotion.Moved
		release []string
		want    string // the content of the file
		problem string
	}{
		{"the tag in a text", nil, alsoEntry(version, "labels:\n  version: v1 # moves\n"), []string{"a:2"}, "labels:\n  version: v2 # moves\n", ""},
		{"a tag that looks like a number", nil, alsoEntry(config.Also{Path: "x", Keys: []string{"v"}, Value: "{tag}"}, "v: one\n"), []string{"a:1.10"}, "v: \"1.10\"\n", ""},
		{"tag and digest at several keys", nil, alsoEntry(config.Also{Path: "x", Keys: []string{"a", "b"}, Value: "{tag}@{digest}"}, "a: x\nb: y\n"), []string{"a:2@" + digest}, "a: 2@" + digest + "\nb: 2@" + digest + "\n", ""},
		{"it stands there already", nil, alsoEntry(version, "labels:\n  version: v2\n"), []string{"a:2"}, "", ""},
		{"a digest that is not known", nil, alsoEntry(config.Also{Path: "x", Keys: []string{"a"}, Value: "{digest}"}, "a: x\n"), []string{"a:2"}, "", "x: the digest of a:2 is to be written there, and it is not known"},
		{"no such key", nil, alsoEntry(version, "labels:\n  verzion: v1\n"), []string{"a:2"}, "", "labels.yaml:"},
		{"no such file", nil, promotion.Moved{Also: version, File: promotion.File{Path: "labels.yaml", Problem: "labels.yaml is not there"}}, []string{"a:2"}, "", "labels.yaml is not there"},
		{"another image is bumped", []config.Image{{Name: "a"}, {Name: "b"}}, alsoEntry(config.Also{Path: "x", Keys: []string{"v"}, Value: "{tag}", Image: "b"}, "v: 1\n"), []string{"a:2"}, "", ""},
		{"one of several images", []config.Image{{Name: "a"}, {Name: "b"}}, alsoEntry(config.Also{Path: "x", Keys: []string{"v"}, Value: "{tag}", Image: "b"}, "v: x\n"), []string{"a:2", "b:three"}, "v: three\n", ""},
		{"a copy comes with a promotion only", nil, alsoEntry(config.Also{Path: "x", Keys: []string{"v"}, Copy: true}, "v: x\n"), []string{"a:2"}, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			app := config.App{Name: "shop", Images: test.images}
			if app.Images == nil {
				app.Images = []config.Image{{Name: "a"}}
			}
			env := environmentOf("prod", manifestOf("pod.yaml", "a:1", "b:1")...)
			env.Moved = []promotion.Moved{test.entry}
			files, err := promotion.Edit(app, env, of(test.release...))
			if test.problem != "" {
				if err == nil || !strings.HasPrefix(err.Error(), test.problem) || files != nil {
					t.Errorf("%v, %v; want %q", files, err, test.problem)
				}
				return
			}
			got := ""
			for _, f := range files {
				if f.Path == test.entry.File.Path {
					got = string(f.Content)
				}
			}
			if err != nil || files[0].Path != "pod.yaml" || got != test.want {
				t.Errorf("%q, %v; want %q", got, err, test.want)
			}
		})
	}
}

// TestAlsoInTheManifestItself writes both into one file: neither edit is lost, and the file changes once.
func TestAlsoInTheManifestItself(t *testing.T) {
	t.Parallel()
	file := manifestOf("pod.yaml", "a:1")[0]
	file.Content = append(file.Content, "metadata:\n  labels:\n    version: x\n"...)
	env := environmentOf("prod", file)
	env.Moved = []promotion.Moved{{Also: config.Also{Path: "pod.yaml", Keys: []string{"metadata.labels.version"}, Value: "{tag}-x"}, File: file}}
	files, err := promotion.Edit(config.App{Name: "shop", Images: []config.Image{{Name: "a"}}}, env, of("a:2"))
	if err != nil || len(files) != 1 || !strings.Contains(string(files[0].Content), "image: a:2\n") || !strings.Contains(string(files[0].Content), "version: 2-x\n") {
		t.Errorf("%+v, %v", files, err)
	}
}

// TestAlsoIsCopied promotes what stands beside the release upstream, and nothing where upstream stands another one by now.
func TestAlsoIsCopied(t *testing.T) {
	t.Parallel()
	environments := chain("a:2.0.0", "a:1.0.0", "a:0.9.0")
	for i, value := range []string{"chart-9", "chart-8", "chart-7"} {
		environments[i].Moved = []promotion.Moved{alsoEntry(config.Also{Path: environments[i].Name + "-chart.yaml", Keys: []string{"version"}, Copy: true}, "version: "+value+"\n")}
	}
	app := config.App{Name: "shop", Images: []config.Image{{Name: "a"}}}
	got := promotion.Prospects(app, forge.Repo{}, environments, time.Unix(1e9, 0))
	if len(got) != 2 || len(got[0].Files) != 2 || string(got[0].Files[1].Content) != "version: chart-9\n" || string(got[1].Files[1].Content) != "version: chart-8\n" {
		t.Errorf("got %+v", got)
	}
	environments[0].Moved[0].File = promotion.File{Path: "dev-chart.yaml", Problem: "dev-chart.yaml is not there"}
	if got = promotion.Prospects(app, forge.Repo{}, environments, time.Unix(1e9, 0)); got[0].Refused != "dev-chart.yaml is not there" || got[0].Files != nil {
		t.Errorf("what is to be copied is not there: %+v", got[0])
	}
}
