package lint_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"ferry/forge/forgetest"
	"ferry/promotion/checkout"
	"ferry/promotion/config"
	"ferry/promotion/lint"
)

const digest = "@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

const configuration = `apiVersion: ferry/v1
environments:
  - name: dev
  - {name: prod, from: [dev]}
apps:
  - name: web
    images: [a, b]
    manifests: ["web/{env}/*.yaml"]
`

func pod(images ...string) string {
	out := "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n"
	for _, image := range images {
		out += "    - image: " + image + "\n"
	}
	return out
}

// desired reads a checkout with these files and, unless they have one, the configuration above.
func desired(t *testing.T, files map[string]string) *checkout.Desired {
	t.Helper()
	dir := t.TempDir()
	if files[".ferry.yaml"] == "" {
		files[".ferry.yaml"] = configuration
	}
	for path, content := range files {
		name := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if to, ok := strings.CutPrefix(content, "-> "); ok {
			if err := os.Symlink(to, name); err != nil {
				t.Fatal(err)
			}
		} else if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c, err := checkout.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	d, err := c.Desired(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestCheck(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		files map[string]string
		want  []string // file:line:column severity rule
		words string   // in the first message
	}{
		{"all well", map[string]string{"web/dev/x.yaml": pod("a:2", "b:2"), "web/prod/x.yaml": pod("a:1", "b:1")}, nil, ""},
		{"mixed in one file", map[string]string{"web/dev/x.yaml": pod("a:2", "b:2", "a:3"), "web/prod/x.yaml": pod("a:1", "b:1")},
			[]string{"web/dev/x.yaml:7:14 warning release-mixed"}, "web in dev is mixed: a is 2 in one place and 3 in another"},
		{"mixed in two files", map[string]string{"web/dev/x.yaml": pod("a:2", "b:2"), "web/prod/x.yaml": pod("a:1", "b:1"), "web/prod/y.yaml": pod("b:1", "a:2")},
			[]string{"web/prod/y.yaml:6:14 warning release-mixed"}, "web in prod is mixed"},
		{"no YAML", map[string]string{"web/dev/x.yaml": "a: [", "web/prod/x.yaml": pod("a:1", "b:1")},
			[]string{"web/dev/x.yaml:2:1 error manifest-unreadable"}, "this is not valid YAML"},
		{"a symbolic link", map[string]string{"web/dev/x.yaml": pod("a:2", "b:2"), "web/prod/x.yaml": "-> ../dev/x.yaml"},
			[]string{"web/prod/x.yaml:0:0 error manifest-unreadable"}, "is a symbolic link"},
		{"what is no tag", map[string]string{"web/dev/x.yaml": pod("a:2", "b:-x"), "web/prod/x.yaml": pod("a:1", "b:1")},
			[]string{"web/dev/x.yaml:0:0 error manifest-unreadable"}, "what stands there as tag or digest of b cannot be one"},
		{"an image missing in one environment", map[string]string{"web/dev/x.yaml": pod("a:2", "b:2"), "web/prod/x.yaml": pod("a:1")},
			[]string{"web/prod/x.yaml:0:0 error image-missing-here"}, "b stands in none of web/prod/x.yaml"},
		{"an image missing under its name there", map[string]string{
			".ferry.yaml":    strings.Replace(configuration, "images: [a, b]", "images: [a, {name: b, in: {prod: mirror/b}}]", 1),
			"web/dev/x.yaml": pod("a:2", "b:2"), "web/prod/x.yaml": pod("a:1", "b:1")},
			[]string{"web/prod/x.yaml:0:0 error image-missing-here"}, `b stands in none of web/prod/x.yaml; "in" says that prod pulls it as mirror/b`},
		{"an image missing everywhere", map[string]string{"web/dev/x.yaml": pod("a:2"), "web/prod/x.yaml": pod("a:1")},
			[]string{".ferry.yaml:7:17 error image-in-no-manifest"}, "the image \"b\""},
		{"not upstream", map[string]string{"web/prod/x.yaml": pod("a:1", "b:1")},
			[]string{".ferry.yaml:3:5 warning environment-without-manifests", "web/prod/x.yaml:0:0 warning app-not-upstream"}, ""},
		{"latest", map[string]string{"web/dev/x.yaml": pod("a:latest", "b"), "web/prod/x.yaml": pod("a:latest"+digest, "b:1")},
			[]string{"web/dev/x.yaml:5:14 warning tag-never-changes", "web/dev/x.yaml:6:14 warning tag-never-changes", "web/prod/x.yaml:5:14 error manifest-not-editable"},
			"a stands in dev under the tag latest, and no digest"},
		{"a digest that never comes", map[string]string{"web/dev/x.yaml": pod("a:2", "b:2"), "web/prod/x.yaml": pod("a:1", "b:1"+digest)},
			[]string{"web/prod/x.yaml:6:14 error manifest-not-editable"}, "no promotion of web into prod can be written: b is pinned to a digest, and that of the next tag is not known"},
		{"an anchor for something else too", map[string]string{"web/dev/x.yaml": pod("a:2", "b:2"), "web/prod/x.yaml": strings.Replace(pod("*x", "b:1"), "spec:", "metadata: {labels: {image: &x \"a:1\"}}\nspec:", 1)},
			[]string{"web/prod/x.yaml:3:28 error manifest-not-editable"}, "no promotion of web into prod can be written"},
		{"two apps claim a file", map[string]string{"web/dev/x.yaml": pod("a:2", "b:2"), "web/prod/x.yaml": pod("a:1", "b:1"),
			".ferry.yaml": configuration + "  - {name: other, images: [a], manifests: [\"web/{env}/x.yaml\"]}\n"}, []string{".ferry.yaml:9:44 error apps-overlap"}, `"other" and "web" both claim web/dev/x.yaml`},
		{"a name that no app can have", map[string]string{"web/dev/x.yaml": pod("a:2", "b:2"), "web/prod/x.yaml": pod("a:1", "b:1"), "svc/Ünit/dev.yaml": pod("c:1"),
			".ferry.yaml": configuration + "  - {discover: \"svc/{app}/{env}.yaml\", images: [c]}\n"}, []string{".ferry.yaml:9:16 warning app-misnamed"}, "Ünit"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			found := lint.Check(desired(t, test.files))
			for _, f := range found {
				got = append(got, fmt.Sprintf("%s:%d:%d %s %s", f.File, f.Line, f.Column, f.Severity, f.Rule))
				if !slices.ContainsFunc(lint.Rules(), func(r config.Rule) bool { return r.ID == f.Rule && r.About != "" }) || f.Do == "" {
					t.Errorf("%+v: no rule, or nothing to do", f)
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("found\n%s\nwant\n%s\n%+v", strings.Join(got, "\n"), strings.Join(test.want, "\n"), found)
			} else if len(found) > 0 && !strings.Contains(found[0].Message, test.words) {
				t.Errorf("says %q, want %q", found[0].Message, test.words)
			}
		})
	}
}

func TestRulesAreToldApart(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range lint.Rules() {
		if seen[r.ID] || r.ID == "" || !strings.HasSuffix(r.About, ".") || !strings.HasSuffix(r.Do, ".") {
			t.Errorf("rule %+v: its id stands twice, or it has no sentences", r)
		}
		seen[r.ID] = true
	}
}

// hostile findings have what would break a format if it were not escaped.
func hostile() []config.Finding {
	return []config.Finding{
		{File: "a b/ü,x:%y.yaml", Line: 3, Column: 7, Severity: config.SeverityError, Rule: "manifest-unreadable", Message: "50% of\nit\r::error::<b>\x1b[31m", Do: "Mend it."},
		{File: ".ferry.yaml", Severity: config.SeverityWarning, Rule: "release-mixed", Message: "whole file"},
	}
}

func TestGitHubAnnotations(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := lint.WriteGitHub(&out, hostile()); err != nil {
		t.Fatal(err)
	}
	want := "::error file=a b/ü%2Cx%3A%25y.yaml,line=3,col=7,title=ferry lint%3A manifest-unreadable::50%25 of%0Ait%0D::error::<b>\x1b[31m. Mend it.\n" +
		"::warning file=.ferry.yaml,title=ferry lint%3A release-mixed::whole file\n"
	if out.String() != want {
		t.Errorf("got\n%q\nwant\n%q", out.String(), want)
	}
}

// TestSARIF holds the log to the schema that OASIS publishes.
func TestSARIF(t *testing.T) {
	t.Parallel()
	published, err := forgetest.NPM(t.Context(), "@microsoft/jest-sarif@1.0.0-beta.0", "package/lib/schemas/sarif-2.1.0-rtm.5.json")
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(published))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("sarif.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("sarif.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, findings := range map[string][]config.Finding{"some": hostile(), "none": nil} {
		var out bytes.Buffer
		if err := lint.WriteSARIF(&out, "v1.2.3", findings); err != nil {
			t.Fatal(err)
		}
		log, err := jsonschema.UnmarshalJSON(bytes.NewReader(out.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(log); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out.String())
		}
	}
	if broken, _ := jsonschema.UnmarshalJSON(strings.NewReader(`{"version": "2.1.0", "runs": [{"tool": {}}]}`)); schema.Validate(broken) == nil {
		t.Error("the schema takes a tool without a driver: it checks nothing")
	}
}

func TestSARIFContent(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := lint.WriteSARIF(&out, "v1.2.3", hostile()); err != nil {
		t.Fatal(err)
	}
	var log struct {
		Runs []struct {
			Tool struct {
				Driver struct {
					Rules []struct{ ID string }
				}
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Level     string
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           *struct{ StartLine, StartColumn int }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(out.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if len(run.Tool.Driver.Rules) != len(lint.Rules()) || len(run.Results) != 2 {
		t.Fatalf("%d rules and %d results", len(run.Tool.Driver.Rules), len(run.Results))
	}
	for i, r := range run.Results {
		if run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID {
			t.Errorf("result %d: the index of %s is that of %s", i, r.RuleID, run.Tool.Driver.Rules[r.RuleIndex].ID)
		}
	}
	first, second := run.Results[0].Locations[0].PhysicalLocation, run.Results[1].Locations[0].PhysicalLocation
	if first.ArtifactLocation.URI != "a%20b/%C3%BC,x:%25y.yaml" || first.Region.StartLine != 3 || first.Region.StartColumn != 7 || second.Region != nil {
		t.Errorf("locations %+v, %+v", first, second)
	}
}
