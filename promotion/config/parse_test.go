package config_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"ferry/promotion/config"
)

// Each case is a whole file, or what follows the version line; the wanted errors begin with line:column.
var wrongFiles = []struct{ name, text, want string }{
	{"empty", "", "1:1: the file is empty"},
	{"comments only", "# nothing\n", "1:1: the file is empty"},
	{"null", "~\n", "1:1: the file is empty"},
	{"a list", "- a\n", "1:1: the file must be keys"},
	{"no version", "environments: [{name: dev}]\n", "1:1: apiVersion is missing"},
	{"another version", "x: 1\napiVersion: ferry/v2\n", "2:13: apiVersion must be ferry/v1"},
	{"version twice", "apiVersion: ferry/v1\napiVersion: ferry/v1\nenvironments: [{name: dev}]\n", `2:1: "apiVersion" stands here already in line 1`},
	{"invalid UTF-8", "apiVersion: ferry/v1\nö: \xff\n", "2:4: the file is not valid UTF-8"},
	{"UTF-16", "\xff\xfea\x00", "1:1: the file is not valid UTF-8"},
	{"control character", "\ufeffa: \x01\n", "1:4: the character U+0001"},
	{"line separator", "a: 1\r\n# \u2028\n", "2:3: the character U+2028"},
	{"lone carriage returns", "a: 1\r\x00\r", "2:1: the character U+0000"},
	{"open quote", "apiVersion: ferry/v1\nmode: \"x\n\n", "2:7: this is not YAML"},
	{"open list", "apiVersion: ferry/v1\nenvironments: [\n", "2:16: this is not YAML"},
	{"mapping in a value", "a: b: c\n", "1:5: this is not YAML"},
	{"unknown anchor", "a: *b\n", "1:4: this is not YAML"},
	{"two documents", "apiVersion: ferry/v1\n---\nx: 1\n", "2:1: a second YAML document"},
	{"broken second document", "apiVersion: ferry/v1\n---\nx: }\n", "3:4: this is not YAML"},
	{"too deep", "a: " + strings.Repeat("[", 100), "1:36: this is nested deeper than 32 levels"},
	{"directive", "%YAML 1.9\n---\na: 1\n", "1:1: remove the %YAML line"},
	{"alias in itself", "apiVersion: ferry/v1\nx: &x [*x]\n", "2:8: the alias *x stands inside"},
	{"alias bomb", "a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n" +
		"d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d]\n", "4:29: the aliases up to here"},
	{"too large", "# " + strings.Repeat("x", config.MaxSize), "1:1: the file has 1048578 bytes"},
	{"no environments", "apiVersion: ferry/v1\n", "1:1: environments is missing"},
}

var wrongSettings = []struct{ name, text, want string }{
	{"key", "modus: propose\nenvironments: [{name: dev}]\n", `2:1: unknown key "modus"; did you mean "mode"?`},
	{"key elsewhere", "soak: 5m\nenvironments: [{name: dev}]\n", `2:1: "soak" does not belong here (top level) but under environment`},
	{"merge key", "environments:\n  - &d {name: dev}\n  - {<<: *d}\n", `4:6: merge keys ("<<")` + "\n" + "4:5: name is missing"},
	{"key in letters of its own", "environments:\n- name: dev\n  reportTimeout: 5m\n", `4:3: unknown key "reportTimeout"; did you mean "report_timeout"?`},
	{"key twice", "environments:\n- name: dev\n  mode: propose\n  mode: observe\n", `5:3: "mode" stands here already in line 4`},
	{"key that is no text", "1: x\nenvironments: [{name: dev}]\n", "2:1: a key must be text"},
	{"mode", "mode: auto\nenvironments: [{name: dev}]\n", "2:7: mode must be observe or propose or release"},

	{"environments empty", "environments: []\n", "2:15: environments is empty"},
	{"environments null", "environments:\n", "2:14: environments has no value"},
	{"environments a map", "environments: {dev: {}}\n", "2:15: environments must be a list"},
	{"environment a text", "environments: [dev]\n", "2:16: environment must be keys with values"},
	{"environment with a tag", "environments: [!x {name: dev}]\n", "2:16: environment must be keys with values"},
	{"no name", "environments:\n- mode: propose\n", "3:3: name is missing"},
	{"name a number", "environments:\n- name: 12\n", `3:9: name must be text; put it in quotes: "12"`},
	{"name a list", "environments:\n- name: [a]\n", `3:9: name must be text`},
	{"name null", "environments:\n- name:\n  dir: a\n", `3:8: name has no value`},
	{"name of a status", "environments:\n- name: gates\n- name: config\n", "3:9: \"gates\" can't be the name of an environment: its status would be ferry/gates, which Ferry uses itself\n4:9: \"config\" can't be"},
	{"name upper", "environments:\n- name: Dev\n", `3:9: "Dev" can't be a name: a name has 1 to 63`},
	{"name long", "environments:\n- name: " + strings.Repeat("a", 64) + "\n", `3:9: "` + strings.Repeat("a", 60) + `…" can't be a name`},
	{"name dots", "environments: [{name: a..b}, {name: a.lock}, {name: a.}, {name: all}]\n",
		"2:23: \"a..b\" can't be a name: a name becomes\n2:37: \"a.lock\" can't\n2:53: \"a.\" can't\n2:65: \"all\" can't be a name: \"all\" is the word"},
	{"name twice", "environments:\n- name: dev\n- {name: dev, dir: x}\n", `4:10: the name "dev" is taken by the environment in line 3`},
	{"dir twice", "environments:\n- name: dev\n- {name: qa, dir: dev}\n", `4:19: "dev" is the dir of "dev" already (line 3)`},
	{"dir leaves", "environments: [{name: a, dir: ../x}, {name: b, dir: /x}, {name: c, dir: x/}, {name: d, dir: x/./y}, {name: e, dir: 'x*'}]\n",
		"2:31: \"../x\" can't be a dir: it leaves the repository\n2:53: \"/x\" can't be a dir: paths begin\n2:73: \"x/\" can't be a dir: it has a \"/\"\n2:93: \"x/./y\" can't be a dir: leave out\n2:116: \"x*\" can't be a dir: it is one path"},
	{"from unknown", "environments:\n- name: staging\n- {name: prod, from: [stagin]}\n", `4:23: there is no environment "stagin"; did you mean "staging"?`},
	{"from a text", "environments:\n- name: dev\n- {name: prod, from: dev, soak: 1h}\n", `4:22: from must be a list of environments: write [dev]`},
	{"from twice", "environments:\n- name: dev\n- {name: prod, from: [dev, dev]}\n", `4:28: "dev" stands twice in from`},
	{"from all", "environments:\n- name: dev\n- {name: prod, from: {all: [dev]}}\n", "4:23: unknown key \"all\"; did you mean \"any\"?\n4:22: any is missing"},
	{"from any of none", "environments:\n- name: dev\n- {name: prod, from: {any: []}}\n", `4:28: any is empty`},
	{"from itself", "environments:\n- {name: prod, from: [prod]}\n", `3:23: promotions go in a circle: prod → prod`},
	{"circle", "environments:\n- {name: a, from: [c]}\n- {name: b, from: [a]}\n- {name: c, from: [b]}\n- {name: d, from: [c]}\n", `4:20: promotions go in a circle: a → b → c → a`},
	{"soak", "environments:\n- name: dev\n- {name: prod, from: [dev], soak: 15}\n", `4:35: soak: "15": a duration is numbers with units`},
	{"soak a list", "environments:\n- name: dev\n- {name: prod, from: [dev], soak: [1h]}\n", `4:35: soak: a duration is`},
	{"soak of a first environment", "environments:\n- {name: dev, soak: 1h}\n", `3:21: soak counts in the environments of from`},
	{"update behind another", "environments:\n- name: dev\n- {name: prod, from: [dev], update: pr}\n", `4:37: update is for an environment without from`},
	{"words", "environments:\n- {name: dev, merge: yes, unprotected: deny, update: push, converge: x}\n",
		"3:22: merge must be manual or auto\n3:40: unprotected must be allow\n3:54: update must be none or pr or commit\n3:70: converge must be report or merge"},
	{"no time-out", "environments:\n- {name: dev, report_timeout: 0s}\n", `3:31: report_timeout must be more than 0`},
	{"clusters", "environments:\n- {name: dev, clusters: []}\n- {name: qa, clusters: [a b, eu, eu]}\n",
		"3:25: clusters is empty\n4:25: \"a b\" can't be a cluster\n4:34: \"eu\" stands twice in clusters"},
	{"roles", "environments:\n- {name: dev, roles: {hold: {teams: [acme/sre, 'The SREs', '@sre'], users: ['Ada Lovelace']}}}\n",
		"3:48: \"The SREs\" can't be a team: its slug, or organization/slug\n3:60: \"@sre\" can't be a team\n3:77: \"Ada Lovelace\" can't be a login"},
	{"approvals", "environments:\n- {name: dev, approvals: 21}\n", "3:26: "},
	{"supersede", "environments:\n- {name: dev, supersede: queue}\n- {name: qa, supersede: oldest}\n", "3:26: supersede is about releases\n4:25: supersede must be latest or queue or batch"},
	{"supersede and window", "environments:\n- {name: dev, window: 5m}\n- {name: qa, from: [dev], supersede: queue, window: 5m}\n",
		"3:23: window is how long Ferry collects releases\n4:53: window is how long Ferry collects, and supersede: queue lets each release go by itself"},
	{"branch", "environments:\n- {name: dev, branch: x}\n", `3:15: "branch" is reserved`},
	{"too many", "environments:\n" + strings.Repeat("- {name: x}\n", 501), "503:3: more than 500 environments"},
}

var wrongApps = []struct{ name, text, want string }{
	{"null", "", "3:6: apps has no value"},
	{"neither name nor discover", "- {images: [a], manifests: ['{env}']}", "4:3: name is missing (or discover"},
	{"both", "- {name: a, discover: '{app}/{env}', images: [a], manifests: ['{env}']}", "4:3: an app has either a name or discover"},
	{"nothing", "- name: a", "4:9: the app \"a\" has no images\n4:9: the app \"a\" has no manifests"},
	{"empty lists", "- {name: a, images: [], manifests: []}", "4:21: images is empty\n4:36: manifests is empty"},
	{"name of an environment", "- {name: dev, images: [a], manifests: ['{env}']}", `4:10: the name "dev" is taken by the environment in line 2`},
	{"name twice", "- &a {name: a, images: [a], manifests: ['{env}']}\n- *a", `4:13: the name "a" is taken by the app in line 4`},
	{"discover without marks", "- {discover: 'apps/{app}/x', images: [a]}", "4:14: the pattern \"apps/{app}/x\": discover needs {app} and {env}"},
	{"discover ambiguous", "- {discover: '{app}*/{env}', images: [a]}\n- {discover: '{app}-{app}/{env}', images: [a]}", "4:14: the pattern \"{app}*/{env}\": {app} stands once\n5:14: the pattern"},
	{"discover without images", "- discover: '{app}/{env}'", "4:3: images is missing beside discover"},
	{"except of a path", "- {discover: '{app}/{env}', images: [a], except: [a/b]}", `4:51: "a/b" can't be excepted`},
	{"excepted from the only discover", "- {discover: '{app}/{env}', images: [a], except: [b]}\n- name: b", "5:9: the app \"b\" has no images\n5:9: the app \"b\" has no manifests"},
	{"patterns", `- name: a
  images: [a]
  manifests:
    - ../{env}
    - /{env}
    - a//{env}
    - ./{env}
    - '{env}\x'
    - 'a/{environment}/x'
    - '{cluster}/{env}'
    - '{env}/x}'
    - '{env}/a?'
    - '{env}/a**'
    - '**/{env}/**/**/x'
    - a/b.yaml
    - {path: '{env}', keys: [a]}
    - '{env}/x'
    - '{env}/x'
    - 7`, `7:7: the pattern "../{env}": it leaves the repository
8:7: the pattern "/{env}": paths begin at the root
9:7: the pattern "a//{env}": it has a "/" too many
10:7: the pattern "./{env}": leave out
11:7: the pattern "{env}\\x": paths are written with "/"
12:7: the pattern "a/{environment}/x": "{environment}" is not filled in; did you mean "{env}"?
14:7: the pattern "{env}/x}": a brace stands alone
15:7: the pattern "{env}/a?": only * and **
16:7: the pattern "{env}/a**": ** stands alone
17:7: the pattern "**/{env}/**/**/x": at most 2
18:7: the pattern "a/b.yaml": {env} is missing
21:7: "{env}/x" stands twice
22:7: a manifest must be text; put it in quotes: "7"`},
	{"images", `- name: a
  manifests: ['{env}']
  images:
    - a:1.2
    - a@sha256:00
    - Acme/a
    - https://ghcr.io/a
    - '{env}/a'
    - {in: {dev: a}}
    - {name: b, in: [a], keys: x}
    - {name: c, in: {deb: c}}
    - localhost:5000/d
    - localhost:5000/d
    - {name: e, digest: true}
    - {name: f, digest: false}`, `7:7: "a:1.2": leave out tag and digest
8:7: "a@sha256:00": leave out
9:7: "Acme/a" is not the name of an image
10:7: "https://ghcr.io/a" is not the name
11:7: "{env}/a": only {app} is filled in
12:7: name is missing
13:21: in must be environments with image names
13:26: "keys" does not belong here (image) but under manifest
14:22: there is no environment "deb"; did you mean "dev"?
16:7: the image "localhost:5000/d" stands here already in line 15`},
	{"images alike in an environment", "- {name: a, manifests: ['{env}'], images: [{name: x, in: {dev: y}}, y]}", `4:59: in dev the image "y" has this name too`},
	{"images called alike", "- {name: a, manifests: ['{env}'], images: [{name: x, in: {dev: z}}, {name: y, in: {dev: z}}]}", `4:84: in dev the image "x" has this name too`},
	{"images that change names", "- {name: a, manifests: ['{env}'], images: [{name: x, in: {dev: y}}, {name: y, in: {dev: x}}, {name: z, in: {dev: x}}]}", `4:109: in dev the image "y" has this name too`},
	{"too many globs", manyGlobs(60), "54:40: more than 50 patterns have *"},
	{"too many to except", "- {discover: '{app}/{env}', images: [a], except: [" + manyNames("*%02d", 60) + "]}", "4:351: more than 50 names with *"},
	{"too many to discover", strings.Repeat("- {discover: '{app}/{env}', images: [a]}\n", 102), "104:3: more than 100 entries with discover"},
	{"source", "- {name: a, images: [a], manifests: ['{env}'], source: https://github.com/a/b}\n- {name: b, images: [a], manifests: ['{env}'], source: b}\n- {name: c, images: [a], manifests: ['{env}'], source: 'a/{env}'}",
		"4:56: \"https://github.com/a/b\" can't be a source\n5:56: \"b\" can't be a source\n6:56: \"a/{env}\": only {app}"},
}

func TestErrorsAndTheirPositions(t *testing.T) {
	t.Parallel()
	for _, tt := range wrongFiles {
		checkErrors(t, tt.name, tt.text, tt.want)
	}
	for _, tt := range wrongSettings {
		checkErrors(t, tt.name, "apiVersion: ferry/v1\n"+tt.text, tt.want)
	}
	for _, tt := range wrongApps {
		checkErrors(t, tt.name, "apiVersion: ferry/v1\nenvironments: [{name: dev}]\napps:\n"+tt.text, tt.want)
	}
}

// checkErrors compares what is wrong with a text: as many errors as wanted, each at its place, in the order of the file.
func checkErrors(t *testing.T, name, text, want string) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		var got []string
		for _, e := range errorsOf(t, text) {
			got = append(got, fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Message))
		}
		lines := strings.Split(want, "\n")
		if len(got) != len(lines) {
			t.Fatalf("got %d errors, want %d:\n%s", len(got), len(lines), strings.Join(got, "\n"))
		}
		for _, line := range lines {
			if !anyHasPrefix(got, line) {
				t.Errorf("no error %q in\n%s", line, strings.Join(got, "\n"))
			}
		}
	})
}

func anyHasPrefix(all []string, prefix string) bool {
	for _, s := range all {
		if strings.HasPrefix(s, prefix) {
			return true
		}
	}
	return false
}

func TestErrorsAreBoundedAndSorted(t *testing.T) {
	t.Parallel()
	all := errorsOf(t, "apiVersion: ferry/v1\nenvironments: [{name: dev}]\n"+manyKeys(5000))
	if len(all) != 20 {
		t.Fatalf("%d errors", len(all))
	}
	for i, e := range all {
		if e.Line != i+3 || e.Column != 1 {
			t.Errorf("error %d at %d:%d", i, e.Line, e.Column)
		}
	}
	if want := "(and 4980 more errors)"; !strings.HasSuffix(all[19].Message, want) {
		t.Errorf("the last one is %q, want %s", all[19].Message, want)
	}
	if want := ".ferry.yaml:3:1: unknown key"; !strings.HasPrefix(all.Error(), want) || strings.Count(all.Error(), "\n") != 19 {
		t.Errorf("Error() = %s", all.Error())
	}
}

// manyGlobs returns apps whose patterns vary at the same point.
func manyGlobs(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "- {name: a%02d, images: [a], manifests: ['*%02d/{env}']}\n", i, i)
	}
	return b.String()
}

// manyKeys returns lines with unknown keys.
func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "k%d: 1\n", i)
	}
	return b.String()
}

func FuzzParse(f *testing.F) {
	f.Add(full, "apps/x/dev/values.yaml")
	for _, tt := range wrongFiles {
		if len(tt.text) < 10_000 {
			f.Add(tt.text, tt.name)
		}
	}
	for _, tt := range wrongSettings {
		f.Add("apiVersion: ferry/v1\n"+tt.text, tt.name)
	}
	for _, tt := range wrongApps {
		f.Add("apiVersion: ferry/v1\nenvironments: [{name: dev}]\napps:\n"+tt.text, "apps/a/dev/x")
	}
	f.Fuzz(func(t *testing.T, text, path string) {
		c, err := config.Parse(config.File, []byte(text))
		if err == nil {
			checkPlaces(t, c, path)
			return
		}
		all := errorsOf(t, text)
		if len(all) == 0 || len(all) > 20 {
			t.Fatalf("%d errors", len(all))
		}
		lines := splitLines(text)
		for _, e := range all {
			if e.Line < 1 || e.Line > len(lines) || e.Column < 1 || e.Column > utf8.RuneCountInString(lines[e.Line-1])+1 {
				t.Errorf("%v lies outside of the file", e)
			}
			if e.Message == "" || !utf8.ValidString(e.Message) {
				t.Errorf("the message is %q", e.Message)
			}
		}
	})
}

// splitLines returns the lines of a text as an editor shows them.
func splitLines(text string) []string {
	text = strings.TrimPrefix(text, "\ufeff")
	return strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n")
}

// checkPlaces holds what is true of every look-up.
func checkPlaces(t *testing.T, c *config.Config, path string) {
	t.Helper()
	for _, p := range c.Places(path) {
		if _, ok := c.App(p.App, path); !ok {
			t.Errorf("Places(%q) has %v, of which App knows nothing", path, p)
		}
		if _, ok := c.Environment(p.Environment); !ok {
			t.Errorf("Places(%q) has %v, of which Environment knows nothing", path, p)
		}
	}
	c.Misnamed(path)
	for _, name := range c.NamedApps() {
		if app, ok := c.App(name); !ok || len(app.Images) == 0 {
			t.Errorf("App(%q) = %v, %v", name, app, ok)
		}
	}
	if len(c.Order()) != len(c.Environments) {
		t.Errorf("Order has %d of %d environments", len(c.Order()), len(c.Environments))
	}
}

// manyNames returns names of a form, for a list.
func manyNames(form string, n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = "'" + fmt.Sprintf(form, i) + "'"
	}
	return strings.Join(names, ",")
}
