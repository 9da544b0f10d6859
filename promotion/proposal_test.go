package promotion_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// TestCheckOfIsBounded: what anybody wrote into a pull request fits what GitHub takes, and stands there as text.
func TestCheckOfIsBounded(t *testing.T) {
	t.Parallel()
	p := promotion.Proposal{Head: sha(1)}
	for i := range 500 {
		p.Findings = append(p.Findings, config.Finding{File: ".ferry.yaml", Line: i, Severity: config.SeverityError, Rule: "r", Message: strings.Repeat("@dora <b> é\x00\xff", 1000), Do: strings.Repeat("x", 9000)})
	}
	got := promotion.CheckOf(p, nil, nil)
	if got.State != forge.Failure || len(got.Annotations) != 50 || !strings.HasPrefix(got.Title, "500 errors: .ferry.yaml:1: @dora") || utf8.RuneCountInString(got.Title) > 200 {
		t.Errorf("%s %d %q", got.State, len(got.Annotations), got.Title)
	}
	wantBounded(t, got.Summary)
	for _, a := range got.Annotations {
		if a.Line < 1 || len(a.Message) > 64<<10 || strings.ContainsRune(a.Message, 0) || !utf8.ValidString(a.Message) {
			t.Fatalf("%+v", a)
		}
	}
}

func wantBounded(t *testing.T, summary string) {
	t.Helper()
	if n := utf8.RuneCountInString(summary); n > 65535 || !utf8.ValidString(summary) || strings.Contains(summary, "@dora") || strings.Contains(summary, "<b>") {
		t.Errorf("the summary has %d characters:\n%.2000s", n, summary)
	}
}

// TestCheckOfManyEffectsIsBounded: the rules and names of a configuration are anybody's words too.
func TestCheckOfManyEffectsIsBounded(t *testing.T) {
	t.Parallel()
	var changes []promotion.SettingChange
	effects := promotion.Effects{}
	for i := range 3000 {
		words := fmt.Sprint(i, strings.Repeat(" @dora <b>", 100))
		changes = append(changes, promotion.SettingChange{Leaning: promotion.Loosens, Words: words}, promotion.SettingChange{Leaning: promotion.Changes, Words: words})
		effects.Open, effects.Gates = append(effects.Open, words), append(effects.Gates, words)
	}
	got := promotion.CheckOf(promotion.Proposal{Head: sha(1), Config: &promotion.ProposedConfig{}}, changes, &effects)
	if wantBounded(t, got.Summary); utf8.RuneCountInString(got.Title) > 200 || !strings.HasPrefix(got.Title, "would open 3000 promotions; loosens: 0 @dora") {
		t.Errorf("%q", got.Title)
	}
}

// settingsWords words the changes, each behind the first letter of how it leans.
func settingsWords(changes []promotion.SettingChange) string {
	var words []string
	for _, c := range changes {
		words = append(words, string(c.Leaning[:1])+" "+c.Words)
	}
	return strings.Join(words, "\n")
}

// TestSettingsChanges: each setting, in an environment without apps. A test of both ways: what loosens one way tightens the other.
func TestSettingsChanges(t *testing.T) {
	t.Parallel()
	const head = "environments:\n- name: dev\n- name: qa\n  from: [dev]\n- name: prod\n"
	for name, test := range map[string]struct{ was, will, words, back string }{
		"nothing":           {"soak: 24h", "soak: 1d", "", ""},
		"soak":              {"soak: 24h", "soak: 1h", "l soak of prod 24h → 1h", "t soak of prod 1h → 24h"},
		"approvals":         {"approvals: 2", "approvals: 1", "l approvals of prod 2 → 1", "t approvals of prod 1 → 2"},
		"mode":              {"mode: observe", "mode: release", "l mode of prod observe → release", "t mode of prod release → observe"},
		"a check":           {"checks: [e2e]", "", "l checks of prod: e2e is gone", "t checks of prod: e2e is new"},
		"another check":     {"checks: [e2e]", "checks: [scan]", "l checks of prod: e2e is gone\nt checks of prod: scan is new", "l checks of prod: scan is gone\nt checks of prod: e2e is new"},
		"who posts":         {"checks: [{name: e2e, posted_by: ann}]", "checks: [e2e]", "l checks of prod: e2e posted by ann → anybody", "t checks of prod: e2e posted by anybody → ann"},
		"another poster":    {"checks: [{name: e2e, posted_by: ann}]", "checks: [{name: e2e, posted_by: bob}]", "c checks of prod: e2e posted by ann → bob", "c checks of prod: e2e posted by bob → ann"},
		"merge":             {"merge: manual", "merge: auto", "l merge of prod manual → auto", "t merge of prod auto → manual"},
		"unprotected":       {"", "unprotected: allow", "l unprotected of prod none → allow", "t unprotected of prod allow → none"},
		"rollback":          {"rollback: pr", "rollback: auto", "l rollback of prod pr → auto", "t rollback of prod auto → pr"},
		"watch":             {"watch: 1h", "watch: 5m", "l watch of prod 1h → 5m", "t watch of prod 5m → 1h"},
		"settle":            {"settle: 1m", "settle: 5m", "l settle of prod 1m → 5m", "t settle of prod 5m → 1m"},
		"max_open":          {"max_open: 3", "max_open: 30", "l max_open of prod 3 → 30", "t max_open of prod 30 → 3"},
		"supersede":         {"", "supersede: batch", "c supersede of prod latest → batch", "c supersede of prod batch → latest"},
		"window":            {"", "window: 10m", "c window of prod 0s → 10m", "c window of prod 10m → 0s"},
		"converge":          {"", "converge: merge", "l converge of prod report → merge", "t converge of prod merge → report"},
		"clusters":          {"clusters: [eu, us]", "clusters: [eu]", "l clusters of prod: us is gone", "t clusters of prod: us is new"},
		"from one of":       {"from: [dev, qa]", "from: {any: [dev, qa]}", "l from of prod dev, qa → dev or qa", "t from of prod dev or qa → dev, qa"},
		"from fewer":        {"from: [dev, qa]", "from: [dev]", "l from of prod dev, qa → dev", "t from of prod dev → dev, qa"},
		"from any of fewer": {"from: {any: [dev, qa]}", "from: [dev]", "t from of prod dev or qa → dev", "l from of prod dev → dev or qa"},
		"from another":      {"from: [qa]", "from: [dev]", "c from of prod qa → dev", "c from of prod dev → qa"},
		"the order of from": {"from: [dev, qa]", "from: [qa, dev]", "", ""},
		"a deny window": {`freeze: [{kind: deny, schedule: "0 16 * * FRI", duration: 64h}]`, "", `l freeze of prod: deny "0 16 * * FRI" for 64h in UTC is gone`,
			`t freeze of prod: deny "0 16 * * FRI" for 64h in UTC is new`},
		"the only allow window": {`freeze: [{kind: allow, schedule: "0 9 * * *", duration: 8h}]`, "", `l freeze of prod: allow "0 9 * * *" for 8h in UTC is gone`,
			`t freeze of prod: allow "0 9 * * *" for 8h in UTC is new`},
		"one more allow window": {`freeze: [{kind: allow, schedule: "0 9 * * *", duration: 8h}]`,
			`freeze: [{kind: allow, schedule: "0 9 * * *", duration: 8h}, {kind: allow, schedule: "0 19 * * *", duration: 1h}]`,
			`l freeze of prod: allow "0 19 * * *" for 1h in UTC is new`, `t freeze of prod: allow "0 19 * * *" for 1h in UTC is gone`},
		"the reason of a window": {`freeze: [{kind: deny, schedule: "0 16 * * FRI", duration: 64h}]`, `freeze: [{kind: deny, schedule: "0 16 * * FRI", duration: 64h, reason: tea}]`, "", ""},
		"a policy":               {`policy: 'change != "major"'`, "", `l policy of prod: policy (change != "major") is gone`, `t policy of prod: policy (change != "major") is new`},
		"the reason of a policy": {`policy: [{name: a, rule: 'change != "major"'}]`, `policy: [{name: a, rule: 'change != "major"', reason: x}]`, "", ""},
		"a role":                 {"roles: {approve: admin}", "", "l roles of prod: /approve by admin permission → write permission", "t roles of prod: /approve by write permission → admin permission"},
		"a role in other words":  {"roles: {approve: write}", "", "", ""},
		"more people":            {"roles: {thaw: {users: [ann]}}", "roles: {thaw: {users: [Bob, Ann]}}", "l roles of prod: /thaw by ann → Bob or Ann", "t roles of prod: /thaw by Bob or Ann → ann"},
		"somebody by name":       {"", "roles: {override: {users: [ann]}}", "l roles of prod: /override by maintain permission → ann", "c roles of prod: /override by ann → maintain permission"},
		"other people":           {"roles: {thaw: {users: [ann]}}", "roles: {thaw: {teams: [sre]}}", "c roles of prod: /thaw by ann → a member of sre", "l roles of prod: /thaw by a member of sre → ann"},
		"a draft":                {"pull_request: {draft: true}", "", "l draft of prod true → false", "t draft of prod false → true"},
		"deployments":            {"", "deployments: true", "c deployments of prod false → true", "c deployments of prod true → false"},
		"url":                    {"url: https://a.example", "", "c url of prod https://a.example → none", "c url of prod none → https://a.example"},
		"labels":                 {"pull_request: {labels: [x]}", "", "c labels of prod x → none", "c labels of prod none → x"},
	} {
		whole := func(setting string) *config.Config {
			lines := "  " + setting + "\n"
			if !strings.HasPrefix(setting, "from") {
				lines += "  from: [qa]\n"
			}
			return parsed(t, "apiVersion: ferry/v1\n"+head+lines)
		}
		was, will := whole(test.was), whole(test.will)
		if got := settingsWords(promotion.SettingsChanges(was, will, nil)); got != test.words {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, test.words)
		}
		if got := settingsWords(promotion.SettingsChanges(will, was, nil)); got != test.back {
			t.Errorf("%s, back:\n%s\nwant\n%s", name, got, test.back)
		}
	}
}

// fleetOf are apps as a configuration with discover finds them in qa and prod, with their manifests.
func fleetOf(n int) map[string][]string {
	apps := map[string][]string{}
	for i := range n {
		name := fmt.Sprintf("app%03d", i)
		apps[name] = []string{"apps/" + name + "/dev/values.yaml", "apps/" + name + "/prod/values.yaml"}
	}
	return apps
}

// TestSettingsChangesOfApps compares what counts in the end, and says of many apps alike what becomes of them in one line.
func TestSettingsChangesOfApps(t *testing.T) {
	t.Parallel()
	const (
		found = "apps:\n- discover: apps/{app}/{env}/values.yaml\n  images: [\"x/{app}\"]\n"
		envs  = "environments:\n- name: dev\n- {name: prod, from: [dev], soak: 24h}\n"
		named = "- {name: app000, environments: {prod: {soak: 24h}}}\n"
	)
	none := strings.Replace(envs, ", soak: 24h", "", 1)
	for name, test := range map[string]struct {
		n               int
		was, will, want string
	}{
		"an environment's own":         {300, envs + found, strings.Replace(envs, "24h", "1h", 1) + found, "l soak of prod 24h → 1h"},
		"on every app":                 {300, none + found, none + found + "  environments: {prod: {soak: 1h}}\n", "t 300 apps: soak of prod 0s → 1h"},
		"moved to where it counts too": {300, envs + found, none + found + "  environments: {prod: {soak: 24h}}\n", ""},
		"one keeps its own":            {300, envs + found + named, none + found + named, "l 299 apps: soak of prod 24h → 0s"},
		"one app's": {300, envs + found, envs + found + "- {name: app000, mode: observe, environments: {prod: {approvals: 1}}}\n",
			"t app000: mode of dev, prod propose → observe\nt app000: approvals of prod 0 → 1"},
		"some apps'":            {300, envs + found, envs + found + "- {name: app000, mode: observe}\n- {name: app001, mode: observe}\n", "t app000, app001: mode of dev, prod propose → observe"},
		"everything":            {3, envs + found, "mode: observe\n" + envs + found, "t mode of dev, prod propose → observe"},
		"only for apps to come": {1, envs + found + named, none + found + named, "l apps to come: soak of prod 24h → 0s"},
		"a group":               {3, envs + found, envs + found + "  group: platform\n", "c app000, app001, app002: group none → platform"},
		"an app goes":           {3, envs + found, envs + found + "  except: [app001]\n", "c app001: not promoted any more"},
		"an app comes": {0, envs + found, envs + found + "- {name: shop, images: [x/shop], manifests: [\"shop/{env}.yaml\"]}\n",
			"c shop: promoted from now on"},
		"other images":         {1, envs + found, strings.Replace(envs+found, "x/{app}", "y/{app}", 1), "c app000: images x/app000 → y/app000"},
		"an environment comes": {1, envs + found, envs + "- {name: lab, from: [dev]}\n" + found, "c lab is new"},
		"an environment goes":  {1, envs + found, "environments:\n- name: dev\n" + found, "c prod is gone"},
		"another name":         {1, envs + found, strings.NewReplacer("name: prod", "name: live, was: prod, dir: prod").Replace(envs) + found, "c prod is called live now"},
		"upstream has another name": {1, envs + found, strings.NewReplacer("name: dev", "name: test\n  was: dev\n  dir: dev", "[dev]", "[test]").Replace(envs) + found,
			"c dev is called test now"},
		"an app's other name": {1, envs + found, envs + found + "  except: [app000]\n- {name: shop, was: app000, manifests: [\"apps/app000/{env}/values.yaml\"], images: [x/app000]}\n", "c app000: called shop from now on"},
		"a prefix":            {1, envs + found, "commands: {prefix: ferry}\n" + envs + found, "c the prefix of commands none → ferry"},
		"also":                {1, envs + found, envs + found + "  also: [{path: \"apps/{app}/{env}/x.yaml\", keys: [v], value: \"{tag}\"}]\n", "c app000: also moves other values"},
	} {
		apps := fleetOf(test.n)
		was, will := parsed(t, "apiVersion: ferry/v1\n"+test.was), parsed(t, "apiVersion: ferry/v1\n"+test.will)
		if got := settingsWords(promotion.SettingsChanges(was, will, apps)); got != test.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, test.want)
		}
		if same := !slices.ContainsFunc(slices.Collect(maps.Keys(apps)), func(app string) bool { return !promotion.SameSettings(was, will, app, apps[app]) }); test.want == "" != same && test.n > 1 {
			t.Errorf("%s: the settings are the same: %t", name, same)
		}
	}
}

// TestScopeOf: with an app come those it travels with; what is open comes first, and who waits for a place last.
func TestScopeOf(t *testing.T) {
	t.Parallel()
	const found = "apps:\n- discover: apps/{app}/{env}/values.yaml\n  images: [\"x/{app}\"]\n"
	const head = "apiVersion: ferry/v1\nenvironments:\n- name: dev\n- {name: prod, from: [dev]}\n" + found
	train := head + "- {name: app000, group: a}\n- {name: app001, group: a}\n- {name: app002, group: b}\n"
	for name, test := range map[string]struct {
		was, will       string
		living, waiting []string
		want            promotion.Scope
	}{
		"nothing":               {head, head, nil, []string{"app004"}, promotion.Scope{}},
		"too many":              {head, strings.Replace(head, "from: [dev]", "from: [dev], soak: 1h", 1), []string{"app004", "gone"}, nil, promotion.Scope{Apps: []string{"app000", "app001", "app004"}, Left: 2}},
		"into another's train":  {train, strings.Replace(train, "group: b", "group: a", 1), nil, nil, promotion.Scope{Apps: []string{"app000", "app001", "app002"}, Groups: []string{"a", "b"}}},
		"who waits comes along": {head, head + "- {name: app000, group: a}\n", nil, []string{"app003", "gone"}, promotion.Scope{Apps: []string{"app000", "app003"}, Groups: []string{"a"}}},
		"another name":          {head, strings.Replace(head, "name: prod", "name: live, was: prod, dir: prod", 1), nil, nil, promotion.Scope{Apps: []string{"app000", "app001", "app002"}, Left: 2}},
	} {
		if got := promotion.ScopeOf(parsed(t, test.was), parsed(t, test.will), fleetOf(5), promotion.Involved{Living: test.living, Waiting: test.waiting}, 3); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}
