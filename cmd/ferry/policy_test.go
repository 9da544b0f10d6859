package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ferry/promotion/policy"
)

const policyConfig = `apiVersion: ferry/v1
environments:
  - name: dev
  - {name: staging, from: [dev]}
  - name: prod
    from: [staging]
    policy:
      - {name: majors, rule: 'change != "major" || upstream.all(u, u.soaked >= duration("72h"))', reason: majors soak for three days}
      - {name: built, rule: 'release.images.all(i, i.commit != "" || i.digest != "")'}
apps:
  - name: checkout
    images: [ghcr.io/acme/checkout]
    manifests: ["apps/checkout/{env}/kustomization.yaml"]
  - name: shop
    images: [ghcr.io/acme/frontend, ghcr.io/acme/backend]
    manifests: ["apps/shop/{env}/*.yaml"]
    policy: 'upstream.all(u, u.healthy)'
`

const policyCases = `cases:
  - {name: a major waits, app: checkout, environment: prod, current: 1.4.2, release: 2.0.0, commit: c0ffee, expect: closed, because: three days}
  - {name: a major has soaked, app: checkout, environment: prod, current: 1.4.2, release: 2.0.0, commit: c0ffee, upstream: {staging: {soaked: 3d}}, expect: open}
  - name: one image of two
    app: shop
    environment: prod
    current: [ghcr.io/acme/frontend:1.0.0, ghcr.io/acme/backend:1.0.0]
    release: ["ghcr.io/acme/frontend:1.0.0@sha256:01", "ghcr.io/acme/backend:1.0.1"]
    expect: closed
    because: built does not hold
  - {name: not healthy, app: shop, environment: staging, current: 1.10, release: 1.0.0, upstream: {dev: {healthy: false}}, expect: closed}
`

func TestPolicyTest(t *testing.T) {
	t.Parallel()
	files := localFiles()
	files[".ferry.yaml"], files[".ferry-policy.yaml"] = policyConfig, policyCases
	with := func(path, content string) map[string]string {
		out := maps.Clone(files)
		out[path] = content
		return out
	}
	only := func(one string) map[string]string { return with(".ferry-policy.yaml", "cases:\n  - "+one+"\n") }
	tests := []struct {
		name  string
		files map[string]string
		code  int
		want  []string
	}{
		{"all hold", files, exitGood, []string{"ok     .ferry-policy.yaml:2: a major waits\n", "4 cases, 0 failed\n"}},
		{"one fails", with(".ferry.yaml", strings.Replace(policyConfig, "72h", "96h", 1)), exitFailed,
			[]string{"FAILED .ferry-policy.yaml:3: a major has soaked\n", "expected open, but it is closed: majors: majors soak for three days", "4 cases, 1 failed\n"}},
		{"for another reason", only("{name: x, app: checkout, environment: prod, current: 1.0.0, release: 1.0.1, expect: closed, because: majors}"), exitFailed, []string{`not because of "majors": built does not hold`}},
		{"an expression that fails", with(".ferry.yaml", strings.Replace(policyConfig, "upstream.all(u, u.healthy)", "upstream[3].healthy", 1)), exitFailed, []string{"but it is waiting: policy cannot be evaluated: index out of bounds"}},
		{"a wrong expression", with(".ferry.yaml", strings.Replace(policyConfig, "u.healthy", "u.health", 1)), exitFailed, []string{".ferry.yaml:17:31: policy: undefined field 'health'"}},
		{"approvals twice", with(".ferry-policy.yaml", "cases:\n  - {name: x, app: checkout, environment: prod, release: 1.0.1,\n     approvals: [ann, bob, Ann], expect: open}\n"), exitFailed, []string{".ferry-policy.yaml:3:28: Ann stands in the list already"}},
		{"approvals", only("{name: x, app: checkout, environment: prod, release: 1.0.1, approvals: ann, expect: open}"), exitFailed, []string{"approvals must be a list of logins"}},
		{"no such app", only("{name: x, app: chekout, environment: prod, release: 1.0.1, expect: open}"), exitFailed, []string{`.ferry.yaml has no app "chekout"`}},
		{"no such environment", only("{name: x, app: checkout, environment: live, release: 1.0.1, expect: open}"), exitFailed, []string{`.ferry.yaml has no environment "live"`}},
		{"another image", only("{name: x, app: checkout, environment: prod, release: ['ghcr.io/acme/web:1'], expect: open}"), exitFailed, []string{"release: ghcr.io/acme/web:1 are not references of the app's images"}},
		{"not upstream", only("{name: x, app: checkout, environment: prod, release: 1.0.1, upstream: {dev: {}}, expect: open}"), exitFailed, []string{`prod is not promoted into from "dev"; it has staging`}},
		{"no cases", with(".ferry-policy.yaml", "cases: []\n"), exitFailed, []string{"ferry: .ferry-policy.yaml has no cases"}},
		{"an empty file", with(".ferry-policy.yaml", "\n"), exitFailed, []string{"ferry: .ferry-policy.yaml"}},
		{"no expectation", only("{name: x, app: checkout, environment: prod, release: 1.0.1}"), exitFailed, []string{".ferry-policy.yaml:2:5: expect is missing: open, closed or waiting (case 1)"}},
		{"a key that is not known", only("{name: x, app: checkout, environment: prod, release: 1.0.1, expect: open, becaus: x}"), exitFailed, []string{`.ferry-policy.yaml:2:79: a case has no "becaus"; it has name, app,`}},
		{"a value that is none", only("{name: x, app: [checkout], environment: prod, release: 1.0.1, expect: open}"), exitFailed, []string{".ferry-policy.yaml:2:20: app must be text"}},
		{"no such state", only("{name: x, app: checkout, environment: prod, release: 1.0.1, expect: shut}"), exitFailed, []string{".ferry-policy.yaml:2:73: expect must be open, closed or waiting"}},
		{"no such intent", only("{name: x, app: checkout, environment: prod, release: 1.0.1, intent: rolback, expect: open}"), exitFailed, []string{"2:73: intent must be one of promotion, update, rollback, hotfix, backfill"}},
		{"a field of an upstream", only("{name: x, app: checkout, environment: prod, release: 1.0.1, expect: open, upstream: {staging: {soakd: 1h}}}"), exitFailed, []string{`2:100: an upstream has no "soakd"; it has converged, healthy, soaked`}},
		{"no duration", only("{name: x, app: checkout, environment: prod, release: 1.0.1, expect: open, upstream: {staging: {soaked: long}}}"), exitFailed, []string{"soaked must be a duration, as 24h or 3d"}},
		{"twice", only("{name: x, app: checkout, app: shop, environment: prod, release: 1.0.1, expect: open}"), exitFailed, []string{".ferry-policy.yaml:2"}},
		{"no mapping", only("checkout"), exitFailed, []string{".ferry-policy.yaml:2:5: a case must be a mapping with name, app,"}},
		{"another key of the file", with(".ferry-policy.yaml", "case: []\n"), exitFailed, []string{`.ferry-policy.yaml:1:1: the file has no "case"; it has cases`}},
		{"no list", with(".ferry-policy.yaml", "cases: x\n"), exitFailed, []string{".ferry-policy.yaml:1:8: cases must be a list of cases"}},
		{"a digest without its name", only("{name: x, app: checkout, environment: prod, current: '1.0.0@sha256:01', release: 1.0.0@sha256:02, intent: rollback, expect: open}"), exitGood, []string{"1 case, 0 failed"}},
		{"a digest for two images", only("{name: x, app: shop, environment: prod, release: 1.0.0@sha256:02, expect: open}"), exitFailed, []string{"NAME:TAG@DIGEST for each of ghcr.io/acme/"}},
		{"no file", func() map[string]string { out := maps.Clone(files); delete(out, ".ferry-policy.yaml"); return out }(), exitFailed, []string{"there is no .ferry-policy.yaml"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			code, out, errs := ferryIn(t, makeCheckout(t, test.files), "policy", "test")
			if code != test.code {
				t.Errorf("exit %d, want %d", code, test.code)
			}
			mustContain(t, out+errs, test.want...)
		})
	}
}

func TestPolicyTestForPrograms(t *testing.T) {
	t.Parallel()
	files := localFiles()
	files[".ferry.yaml"], files["cases/own.yaml"] = policyConfig, policyCases
	dir := makeCheckout(t, files)
	code, out, _ := ferryIn(t, dir, "policy", "test", "-o", "json", filepath.Join(dir, "cases/own.yaml"))
	var report policyReport
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != exitGood || len(report.Cases) != 4 || report.Cases[0].Line != 2 || !report.Cases[0].Passed || report.Cases[0].State != "closed" {
		t.Errorf("exit %d, %v: %s", code, err, out)
	}
	files[".ferry-policy.yaml"] = "cases:\n  - {name: x, app: chekout, environment: prod, release: 1.0.1, expect: open}\n"
	if _, out, _ := ferryIn(t, makeCheckout(t, files), "policy", "test", "-o", "json"); json.Unmarshal([]byte(out), &report) != nil || !strings.Contains(report.Cases[0].Reason, "has no app") {
		t.Errorf("a case that cannot be tried gives no reason: %s", out)
	}
	for _, args := range [][]string{{"policy", "tset"}, {"policy", "test", "--output", "xml"}} {
		if code, _, errs := ferryIn(t, dir, args...); code != exitUsage {
			t.Errorf("%v: exit %d: %s", args, code, errs)
		}
	}
	if code, _, _ := ferryIn(t, dir, "policy", "test", "nothing.yaml"); code != exitFailed {
		t.Errorf("exit %d", code)
	}
}

// TestPolicyCasesSetEveryFact: each fact of a policy is a key of a case, or follows from others.
func TestPolicyCasesSetEveryFact(t *testing.T) {
	t.Parallel()
	follow := map[string]string{"change": "current and release", "clusters": "the configuration"}
	facts := func(of reflect.Type) (names []string) {
		for i := range of.NumField() {
			names = append(names, of.Field(i).Tag.Get("cel"))
		}
		return names
	}
	has := func(fields []caseField, name string) bool {
		return slices.ContainsFunc(fields, func(f caseField) bool { return f.key == name })
	}
	for _, name := range facts(reflect.TypeFor[policy.Facts]()) {
		if !has((&policyCase{}).fields(), name) && follow[name] == "" {
			t.Errorf("no case can set %s", name)
		}
	}
	for _, name := range facts(reflect.TypeFor[policy.Upstream]()) {
		if !has((&caseUpstream{}).fields(), name) && name != "environment" { // its key
			t.Errorf("no case can set %s of an upstream", name)
		}
	}
	for _, name := range facts(reflect.TypeFor[policy.Image]()) {
		if !has((&policyCase{}).fields(), name) && !slices.Contains([]string{"name", "tag", "digest"}, name) { // the reference's parts
			t.Errorf("no case can set %s of an image", name)
		}
	}
}

// TestPolicyCasesSayTheIntent: a case says why a release comes, and a rule can go by it.
func TestPolicyCasesSayTheIntent(t *testing.T) {
	t.Parallel()
	files := localFiles()
	files[".ferry.yaml"] = strings.Replace(policyConfig, `change != "major"`, `intent == "rollback" || change in ["patch", "minor"]`, 1)
	files[".ferry-policy.yaml"] = `cases:
  - {name: back, app: checkout, environment: prod, current: 2.0.0, release: 1.0.0, commit: 123456, intent: rollback, expect: open}
  - {name: older, app: checkout, environment: prod, current: 2.0.0, release: 1.0.0, commit: 123456, expect: closed, because: majors}
`
	code, out, errs := ferryIn(t, makeCheckout(t, files), "policy", "test")
	if code != exitGood {
		t.Errorf("exit %d", code)
	}
	mustContain(t, out+errs, "2 cases, 0 failed")
}

// TestPolicyPageHolds: the example of the page and its cases, of which one is a rollback that passes.
func TestPolicyPageHolds(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) != 2 {
		t.Fatalf("the page has %d examples", len(blocks))
	}
	files := localFiles()
	files[".ferry.yaml"] = "apiVersion: ferry/v1\n" + strings.Replace(blocks[0][1], "environments:\n", "environments:\n  - name: dev\n  - {name: staging, from: [dev]}\n", 1) +
		"apps:\n  - {name: checkout, images: [ghcr.io/acme/checkout], manifests: ['apps/checkout/{env}/kustomization.yaml']}\n"
	files[".ferry-policy.yaml"] = blocks[1][1]
	code, out, errs := ferryIn(t, makeCheckout(t, files), "policy", "test")
	if code != exitGood {
		t.Errorf("exit %d", code)
	}
	mustContain(t, out+errs, "rollbacks pass", "2 cases, 0 failed")
}
