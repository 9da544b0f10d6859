package config_test

import (
	"slices"
	"strings"
	"testing"

	"ferry/promotion/config"
)

// values are good and bad values of one key, at each of some places.
type values struct {
	at   string // places, with ", " between them
	key  string
	good []string
	bad  []string
}

const settingPlaces = "environment, app's environment"

const everywhere = "environment, app, app's environment, included file, included file's environment"

var (
	badNames     = []string{"", "12", "Prod", "a..b", "a.lock", "a.", "all", "[a]", "{a: b}", "'a b'", "-a"}
	badDurations = []string{"", "15", "1w", "[1h]", "{}", "-1h", "367d", "true", "'1 h'"}
	badTexts     = []string{"", "12", "[a]", "{a: b}", "' a'", "''", "true"}
	badFlags     = []string{"", "yes please", "'true'", "1", "[]"}
)

// words returns bad values for a key that takes a few words.
func words(more ...string) []string { return append(more, "", "[a]", "{}", "other", "true") }

var keyValues = []values{
	{"top level", "apiVersion", []string{"ferry/v1", "'ferry/v1'"}, []string{"", "ferry/v2", "v1", "1", "[ferry/v1]"}},
	{"included file", "apiVersion", []string{"ferry/v1"}, []string{"ferry/v2", "1"}},
	{"top level", "mode", []string{"observe", "propose", "release"}, words("Release")},
	{"top level", "environments", []string{"[{name: dev}]"}, []string{"", "[]", "{}", "[dev]", "[{}]", "dev", "[{name: dev}, {name: dev}]"}},
	{"top level", "apps", []string{"[]"}, []string{"", "{}", "a", "[a]", "[{}]"}},
	{"top level", "include", []string{"apps/*/ferry.yaml", "[apps/*/ferry.yaml, 'teams/{app}/**/f.yaml']", "[]"},
		[]string{"", "12", "{a: b}", "../x", "/x", "[a, a]", "'{env}/x'", "'a{app}*'", "'**/**/**/x'"}},
	{"top level", "commands", []string{"{}", "{prefix: ferry}"}, []string{"", "ferry", "[]", "{prfix: ferry}"}},
	{"commands", "prefix", []string{"ferry"}, words("Ferry", "/ferry")},
	{"top level, environment", "roles", []string{"{}", "{hold: write, rollback: {permission: maintain, teams: [acme/sre], users: [ada]}}"},
		[]string{"", "[]", "{hold: read}", "{hodl: write}", "{hold: [write]}", "{hold: {teams: sre}}", "{hold: {team: [sre]}}"}},
	{"top level, environment, app, app's environment", "policy", []string{"'release.version != \"latest\"'", "[]", "[{name: no-majors, rule: 'true', reason: ask first}]"},
		[]string{"", "12", "{}", "[{name: a}]", "[{rule: 'true'}]", "[{name: A, rule: b}]", "[{name: a, rule: b}, {name: a, rule: c}]", "'" + strings.Repeat("x", 4097) + "'"}},
	{"top level, environment, app, app's environment", "pull_request", []string{"{}", "{draft: true, title: '{app} {old} → {new} in {env}', labels: [a], reviewers: [ada, acme/sre]}"},
		[]string{"", "[]", "a", "{titel: a}"}},
	{"top level, environment, app, app's environment", "deployments", []string{"true", "false"}, badFlags},
	{"environment, app, app's environment", "url", []string{"https://prod.example.com", "'http://{app}.{env}.example.com:8080/x?y#z'"},
		append([]string{"prod.example.com", "ftp://x", "https://", "https://ann:secret@example.com", "'https://x y'", "'https://{tag}.example.com'", "https://" + strings.Repeat("x", 500)}, badTexts...)},
	{"pull_request", "title", []string{"release", "'{app}: {new}'"}, append([]string{"'{tag}'", "'a}'", "'" + strings.Repeat("x", 201) + "'", "\"a\\nb\""}, badTexts...)},
	{"pull_request", "labels", []string{"[]", "[a, 'b c']"}, []string{"", "a", "[12]", "[a, a]", "[[a]]"}},
	{"pull_request", "reviewers", []string{"[]", "[ada, acme/sre]"}, []string{"", "ada", "[12]", "[a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p]"}},
	{"pull_request", "assignees", []string{"[]", "[ada]"}, []string{"", "ada", "[12]", "[acme/sre]", "[a,b,c,d,e,f,g,h,i,j,k]"}},
	{"pull_request", "draft", []string{"true", "false"}, badFlags},

	{"environment", "name", []string{"prod", "prod-eu.1_a", "'0'"}, badNames},
	{"app, included file", "name", []string{"a", "a-b.c_d"}, badNames},
	{"environment", "dir", []string{"clusters/prod", "p"}, append([]string{"/x", "../x", "x/", "'*'", "'{env}'", "'x\\y'", "a//b"}, badTexts...)},
	{"environment, app", "was", []string{"old", "[old, older]"}, append([]string{"[]", "[A]", "dev"}, badNames...)},
	{"environment", "clusters", []string{"[eu]", "[eu, US_1]"}, []string{"", "[]", "eu", "[eu, eu]", "['a b']", "[12]", "{eu: us}"}},
	{"environment", "max_open", []string{"1", "1000"}, []string{"", "0", "1001", "-1", "ten", "1.5", "'10'", "[1]"}},
	{everywhere, "mode", []string{"observe", "propose"}, words("auto")},
	{settingPlaces, "from", []string{"[dev]", "[]", "{any: [dev]}", "[dev, qa]"},
		[]string{"", "dev", "{all: [dev]}", "{any: []}", "{any: dev}", "{}", "[nowhere]", "[dev, dev]", "[prod]", "[12]", "{any: [nowhere]}", "[Dev]"}},
	{"from", "any", []string{"[dev]", "[dev, qa]"}, []string{"", "dev", "[]", "[nowhere]", "[Dev]", "[12]"}},
	{everywhere, "soak", []string{"24h", "1d12h", "366d"}, badDurations},
	{"environment, app, app's environment", "soak", []string{"0", "15m", "0s", "'0'", "1.5h"}, nil},
	{everywhere, "checks", []string{"[]", "[e2e/staging]", "[{name: 'e2e/{env}', posted_by: 'e2e[bot]'}, 'x {cluster} {app}']"},
		[]string{"", "e2e", "[12]", "[{}]", "[{posted_by: a}]", "[{name: a, by: b}]", "[a, a]", "['{tag}']", "['']"}},
	{"check", "name", []string{"e2e", "'e2e/{env}'"}, append([]string{"'{x}'"}, badTexts...)},
	{"check", "posted_by", []string{"ada", "'e2e[bot]'"}, badTexts},
	{everywhere, "approvals", []string{"2", "20"}, []string{"", "-1", "21", "two", "1.5", "'1'", "[1]"}},
	{"environment, app, app's environment", "approvals", []string{"0"}, nil},
	{everywhere, "freeze", []string{"[]", "[{kind: deny, schedule: '0 16 * * FRI', duration: 64h, timeZone: Europe/Helsinki, reason: no weekend releases}]"},
		[]string{"", "{}", "[{}]", "[deny]", "[{kind: deny, schedule: '0 16 * * FRI'}]", "[{kind: deny, duration: 1h}]", "[{schedule: '0 16 * * FRI', duration: 1h}]"}},
	{"freeze", "kind", []string{"deny", "allow"}, words("Deny")},
	{"freeze", "schedule", []string{"0 16 * * FRI", "'*/5 8-17 1,15 JAN-MAR 1-5'", "0 0 29 2 *"},
		append([]string{"'@daily'", "0 16 * *", "0 0 16 * * FRI", "61 * * * *", "0 0 30 2 *", "'TZ=UTC 0 16 * * FRI'", "'CRON_TZ=UTC 0 16 * *'"}, badTexts...)},
	{"freeze", "duration", []string{"64h", "3d", "30m"}, append([]string{"0", "0s"}, badDurations...)},
	{"freeze", "timeZone", []string{"Europe/Helsinki", "UTC", "America/New_York"}, append([]string{"Local", "Helsinki", "Europe/Nowhere", "../etc/passwd", "'+02:00'"}, badTexts...)},
	{"freeze", "reason", []string{"no weekend releases"}, badTexts},
	{"policy", "name", []string{"no-majors"}, badNames},
	{"policy", "rule", []string{"'true'", "' true'", `"\n  true\n"`}, badTexts},
	{"policy", "reason", []string{"ask first"}, badTexts},
	{"role", "permission", []string{"write", "maintain", "admin"}, words("read")},
	{"role", "teams", []string{"[]", "[acme/sre]"}, []string{"", "sre", "[12]", "[a, a]", "[The SREs]", "[acme/]"}},
	{"role", "users", []string{"[]", "[ada]"}, []string{"", "ada", "[12]", "[a, a]"}},
	{settingPlaces, "merge", []string{"manual", "auto"}, words("yes")},
	{settingPlaces, "unprotected", []string{"allow"}, words("deny")},
	{settingPlaces, "supersede", []string{"latest", "queue", "batch"}, words("oldest")},
	{"environment, app's environment", "window", []string{"0", "5m", "1d"}, badDurations},
	{settingPlaces, "rollback", []string{"manual", "pr", "auto"}, words("never")},
	{settingPlaces, "watch", []string{"30m", "0"}, badDurations},
	{settingPlaces, "settle", []string{"1m", "0"}, badDurations},
	{settingPlaces, "update", []string{"none"}, words("push")},
	{settingPlaces, "converge", []string{"report", "merge"}, words("reported")},
	{settingPlaces, "report_timeout", []string{"15m", "2d"}, append([]string{"0", "0s"}, badDurations...)},
	{"environment, app, app's environment, included file, image", "digest", []string{"true", "false"}, badFlags},

	{"app", "discover", []string{"'apps/{app}/{env}/values.yaml'", "'{app}/{cluster}/{env}.yaml'"},
		append([]string{"'{app}'", "'{env}'", "'../{app}/{env}'", "'{app}{app}/{env}'", "'{apps}/{env}'", "'{app}*/{env}'", "[a]"}, badTexts...)},
	{"app", "except", []string{"[]", "[a, '_*']"}, []string{"", "a", "[a/b]", "['{app}']", "['**']", "[12]", "[a, a]"}},
	{"app, included file", "source", []string{"acme/a", "group/sub/a", "'acme/{app}'"}, append([]string{"a", "https://a/b", "'a/{env}'", "a/../b", "a/b/"}, badTexts...)},
	{"app", "source_tag", []string{"'*-{commit}-*'", "['{version}', 'sha-{commit}']"}, append([]string{"latest", "'{tag}'", "'{commit}{commit}'", "'{commit}/x'", "[]", "[12]"}, badTexts...)},
	{"app, included file", "images", []string{"[ghcr.io/acme/b]", "[{name: b}]", "['{app}']"}, []string{"", "[]", "b", "[{}]", "[b, b]", "['b:1']", "['b@sha256:0']", "[B]", "['{env}']", "['x_']", "[12]"}},
	{"app, included file", "manifests", []string{"['{env}.yaml']", "['**/{env}/*.yaml', {path: '{env}/{cluster}.yaml', keys: [a.b]}]"},
		[]string{"", "[]", "a", "[a]", "[12]", "['{env}', '{env}']", "[{}]", "[{path: a}]", "[{path: '{env}', keys: []}]"}},
	{"app, included file", "also", []string{"[]", "[{path: '{env}/labels.yaml', keys: [labels.version], value: '{tag}'}, {path: '{env}/x', keys: [a], copy: true}]"},
		[]string{"", "{}", "[a]", "[{path: '{env}', keys: [a]}]", "[{path: '{env}', value: a}]", "[{keys: [a], value: a}]", "[{path: '{env}', keys: [a], value: b, copy: true}]",
			"[{path: '{env}', keys: [a], copy: false}]", "[{path: '*/{env}', keys: [a], value: b}]"}},
	{"app", "group", []string{"platform"}, append([]string{"dev", "a"}, badNames...)},
	{"app", "environments", []string{"{}", "{prod: {}}", "{prod: {soak: 72h, from: [dev]}, dev: {mode: observe}}"},
		[]string{"", "[]", "{prod: 1}", "{nowhere: {}}", "{prod: {name: a}}", "{prod: {clusters: [eu]}}", "{dev: {soak: 1h}}", "{dev: {from: [prod]}}", "{Prod: {}}"}},
	{"included file", "environments", []string{"{}", "{prod: {soak: 72h, approvals: 2, checks: [a], mode: observe}}"},
		[]string{"", "[]", "{prod: 1}", "{nowhere: {}}", "{prod: {from: [dev]}}", "{prod: {merge: auto}}", "{prod: {converge: merge}}", "{prod: {soak: 1h}}", "{prod: {approvals: 0}}", "{prod: {mode: release}}"}},
	{"image", "name", []string{"b", "ghcr.io/acme/b", "localhost:5000/a/b", "'ghcr.io/a/{app}-{app}'"}, append([]string{"'b:1'", "B", "https://a/b", "'{env}'"}, badTexts...)},
	{"image", "in", []string{"{}", "{prod: registry.example.com/b}"}, []string{"", "[]", "{nowhere: b}", "{prod: 'b:1'}", "{prod: 12}", "{PROD: b}"}},
	{"manifest, also", "path", []string{"'{env}/x.yaml'", "'{env}/{cluster}/{app}.yaml'"}, append([]string{"x.yaml", "'../{env}'", "'{x}/{env}'"}, badTexts...)},
	{"manifest, also", "keys", []string{"[a]", "['services.{app}.image.tag']", `['"a.b".c[0].d[name=web]']`, "['{env}.tag', \"x.'y.z'\"]"},
		[]string{"", "[]", "a", "[12]", "['a..b']", "['a.']", "['.a']", "['a[']", "['a[x]']", `['"a']`, "['a[=b]']", "['a]b[0]x']", "['{tag}']", "[a, a]", "['" + strings.Repeat("x", 1025) + "']"}},
	{"manifest, also", "image", []string{"a"}, append([]string{"b", "'a:1'"}, badTexts...)},
	{"also", "value", []string{"'{tag}'", "'v{tag}@{digest}'", "'{app}-{env}'"}, append([]string{"'{new}'", "'a}'", "'{cluster}'"}, badTexts...)},
	{"also", "copy", []string{"true"}, append([]string{"false"}, badFlags...)},
}

// frame is a file around one mapping: what stands before it, its other keys, and what stands behind it.
type frame struct {
	before string
	beside []string
	after  string
}

const (
	someEnvironments = "apiVersion: ferry/v1\nenvironments: [{name: dev}, {name: qa}, {name: prod, from: [dev], soak: 10h, approvals: 1}]\n"
	prodBefore       = "apiVersion: ferry/v1\nenvironments: [{name: dev}, {name: qa}, {name: prod, from: [dev]"
	prodAfter        = "}]\napps: [{name: a, images: [a], manifests: ['{env}.yaml']}]\n"
)

var anApp = []string{"name: a", "images: [a]", "manifests: ['{env}.yaml']"}

func frames() map[string]frame {
	return map[string]frame{
		"top level":                   {"", []string{"apiVersion: ferry/v1", "environments: [{name: dev}]"}, ""},
		"commands":                    {someEnvironments + "commands: {", nil, "}\n"},
		"role":                        {someEnvironments + "roles: {hold: {", nil, "}}\n"},
		"pull_request":                {someEnvironments + "pull_request: {", nil, "}\n"},
		"environment":                 {"apiVersion: ferry/v1\nenvironments: [{name: dev}, {name: qa}, {", []string{"name: prod", "from: [dev]"}, prodAfter},
		"from":                        {"apiVersion: ferry/v1\nenvironments: [{name: dev}, {name: qa}, {name: prod, from: {", nil, "}" + prodAfter},
		"check":                       {prodBefore + ", checks: [{", []string{"name: x"}, "}]" + prodAfter},
		"freeze":                      {prodBefore + ", freeze: [{", []string{"kind: deny", "schedule: 0 1 * * *", "duration: 1h"}, "}]" + prodAfter},
		"policy":                      {prodBefore + ", policy: [{", []string{"name: x", "rule: 'true'"}, "}]" + prodAfter},
		"app":                         {someEnvironments + "apps: [{", anApp, "}]\n"},
		"app: discover":               {someEnvironments + "apps: [{", []string{"images: [a]"}, "}]\n"},
		"app: except":                 {someEnvironments + "apps: [{", []string{"images: [a]", "discover: '{app}/{env}'"}, "}]\n"},
		"app's environment":           {someEnvironments + "apps: [{name: a, images: [a], manifests: ['{env}.yaml'], environments: {prod: {", nil, "}}}]\n"},
		"image":                       {someEnvironments + "apps: [{name: a, manifests: ['{env}.yaml'], images: [{", []string{"name: a"}, "}]}]\n"},
		"manifest":                    {someEnvironments + "apps: [{name: a, images: [a], manifests: [{", []string{"path: '{env}.yaml'"}, "}]}]\n"},
		"also":                        {someEnvironments + "apps: [{name: a, images: [a], manifests: ['{env}.yaml'], also: [{", []string{"path: '{env}.yaml'", "keys: [x]", "value: y"}, "}]}]\n"},
		"also: copy":                  {someEnvironments + "apps: [{name: a, images: [a], manifests: ['{env}.yaml'], also: [{", []string{"path: '{env}.yaml'", "keys: [x]"}, "}]}]\n"},
		"included file":               {"", []string{"name: inc", "images: [a]", "manifests: ['{env}.yaml']"}, ""},
		"included file's environment": {"name: inc\nimages: [a]\nmanifests: ['{env}.yaml']\nenvironments: {prod: {", nil, "}}\n"},
	}
}

// held returns a file in which one key of a place has a value, or the included file where that is the place.
func held(at, key, value string) (text, included string) {
	f, ok := frames()[at+": "+key]
	if !ok {
		f = frames()[at]
	}
	separator := ", "
	if f.before == "" {
		separator = "\n"
	}
	keys := slices.DeleteFunc(slices.Clone(f.beside), func(other string) bool { return strings.HasPrefix(other, key+":") })
	text = f.before + strings.Join(append(keys, key+": "+value), separator) + f.after
	if strings.HasPrefix(at, "included file") {
		return someEnvironments + "include: apps/*.yaml\n", text + "\n"
	}
	return text, ""
}

func TestValues(t *testing.T) {
	t.Parallel()
	covered := map[string]bool{}
	check := newVerdict(t)
	for _, v := range keyValues {
		for at := range strings.SplitSeq(v.at, ", ") {
			covered[at+": "+v.key] = true
			t.Run(at+"/"+v.key, func(t *testing.T) {
				t.Parallel()
				for i, value := range append(append([]string{}, v.good...), v.bad...) {
					text, included := held(at, v.key, value)
					check.values(t, text, included, i < len(v.good))
				}
			})
		}
	}
	for _, key := range config.AllKeys() {
		if !covered[key] {
			t.Errorf("no values are tried for %s", key)
		}
	}
}
