package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// checkoutConfig is the configuration of the local commands' tests.
const checkoutConfig = `apiVersion: ferry/v1
environments:
  - name: dev
  - {name: staging, from: [dev], soak: 15m}
  - {name: prod, from: [staging], soak: 24h}
apps:
  - name: checkout
    images: [ghcr.io/acme/checkout]
    manifests: ["apps/checkout/{env}/kustomization.yaml"]
  - name: shop
    images: [ghcr.io/acme/frontend, ghcr.io/acme/backend]
    manifests: ["apps/shop/{env}/*.yaml"]
`

const (
	digestA = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	digestB = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

func overlay(tag string) string {
	return "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nimages:\n  - name: ghcr.io/acme/checkout # ours\n    newTag: " + tag + "\n"
}

func podOf(images ...string) string {
	out := "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n"
	for _, image := range images {
		out += "    - image: " + image + "\n"
	}
	return out
}

// localFiles is a checkout in which one app moves and one is mixed in staging.
func localFiles() map[string]string {
	return map[string]string{
		".ferry.yaml":                              checkoutConfig,
		"apps/checkout/dev/kustomization.yaml":     overlay("1.4.2"),
		"apps/checkout/staging/kustomization.yaml": overlay("1.4.1"),
		"apps/checkout/prod/kustomization.yaml":    overlay("1.4.0"),
		"apps/shop/dev/a.yaml":                     podOf("ghcr.io/acme/frontend:2.0.0", "ghcr.io/acme/backend:2.0.0"),
		"apps/shop/staging/a.yaml":                 podOf("ghcr.io/acme/frontend:2.0.0", "ghcr.io/acme/backend:2.0.0"),
		"apps/shop/staging/b.yaml":                 podOf("ghcr.io/acme/backend:1.9.0"),
		"apps/shop/prod/a.yaml":                    podOf("ghcr.io/acme/frontend:1.0.0@"+digestA, "ghcr.io/acme/backend:1.8.0"),
	}
}

// makeCheckout writes a checkout.
func makeCheckout(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for path, content := range files {
		name := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// readCheckout returns the files of a checkout, by path.
func readCheckout(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(name)
		path, _ := filepath.Rel(dir, name)
		files[filepath.ToSlash(path)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// ferryIn runs a command on a checkout.
func ferryIn(t testing.TB, dir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), append(args, "-C", dir), func(string) string { return "" }, &out, &errs)
	return code, out.String(), errs.String()
}

// mustContain checks that all parts stand in a text, one after the other.
func mustContain(t *testing.T, text string, parts ...string) {
	t.Helper()
	rest := text
	for _, part := range parts {
		i := strings.Index(rest, part)
		if i < 0 {
			t.Fatalf("no %q (in this order) in:\n%s", part, text)
		}
		rest = rest[i+len(part):]
	}
}

func TestPlanOfACheckout(t *testing.T) {
	t.Parallel()
	dir := makeCheckout(t, localFiles())
	before := readCheckout(t, dir)
	code, out, errs := ferryIn(t, dir, "plan")
	if code != exitGood || errs != "" {
		t.Fatalf("exit %d, %s", code, errs)
	}
	mustContain(t, out,
		"APP       DEV    STAGING  PROD\n",
		"checkout  1.4.2  1.4.1    1.4.0\n",
		"shop      2.0.0  mixed    backend:1.8.0, frontend:1.0.0\n",
		"Promotions\n",
		"Promote checkout to staging: 1.4.1 → 1.4.2\n  waits for soak 15m in dev\n--- a/apps/checkout/staging/kustomization.yaml\n+++ b/apps/checkout/staging/kustomization.yaml\n",
		"-    newTag: 1.4.1\n+    newTag: 1.4.2\n",
		"Promote checkout to prod: 1.4.0 → 1.4.1\n  waits for soak 24h in staging\n",
		"Promote shop to staging: 2.0.0\n",
		"-    - image: ghcr.io/acme/backend:1.9.0\n+    - image: ghcr.io/acme/backend:2.0.0\n",
		"Not promoted\n",
		"! shop into prod: nothing is promoted from staging: mixed: ghcr.io/acme/backend is 2.0.0 in one place and 1.9.0 in another (apps/shop/staging/b.yaml)\n",
		"Supposed, because files do not say it:\n",
		"\nFerry would open 3 promotions, and 1 more stands still for the reason above.\n",
	)
	if strings.Contains(out, "\x1b") {
		t.Error("there are colours outside of a terminal")
	}
	if !maps.Equal(before, readCheckout(t, dir)) {
		t.Error("plan changed the checkout")
	}
	if _, coloured, _ := ferryIn(t, dir, "plan", "--color", "always"); !strings.Contains(coloured, "\x1b[32m+    newTag: 1.4.2\x1b[0m") {
		t.Errorf("--color always: no green line in\n%s", coloured)
	}
	if _, short, _ := ferryIn(t, dir, "plan", "--no-diff", "checkout"); strings.Contains(short, "+++") || strings.Contains(short, "shop") {
		t.Errorf("--no-diff checkout:\n%s", short)
	}
}

func TestPlanAsJSON(t *testing.T) {
	t.Parallel()
	_, out, _ := ferryIn(t, makeCheckout(t, localFiles()), "plan", "--output", "json")
	var plan struct {
		Environments []string
		Apps         []struct {
			App          string
			Environments []struct {
				Environment, Version, Problem string
				Files                         []string
			}
		}
		Promotions []struct {
			App, Environment, Title, Branch, Mode string
			From                                  []string
			WaitsFor                              []string `json:"waits_for"`
			Files                                 []struct{ Path, Diff string }
		}
		NotPromoted []struct{ App, Environment, Reason string } `json:"not_promoted"`
		Supposed    []string
	}
	if err := json.Unmarshal([]byte(out), &plan); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if !slices.Equal(plan.Environments, []string{"dev", "staging", "prod"}) || len(plan.Apps) != 2 || len(plan.Promotions) != 3 || len(plan.NotPromoted) != 1 || len(plan.Supposed) == 0 {
		t.Errorf("plan: %+v", plan)
	}
	first := plan.Promotions[0]
	if first.Branch != "ferry/staging/checkout" || first.Mode != "propose" || len(first.Files) != 1 || !strings.Contains(first.Files[0].Diff, "+    newTag: 1.4.2\n") || fmt.Sprint(first.WaitsFor) != "[soak 15m in dev]" {
		t.Errorf("the first promotion: %+v", first)
	}
	if shop := plan.Apps[1].Environments[1]; shop.Version != "" || !strings.HasPrefix(shop.Problem, "mixed") || len(shop.Files) != 2 {
		t.Errorf("shop in staging: %+v", shop)
	}
}

func TestBump(t *testing.T) {
	t.Parallel()
	dir := makeCheckout(t, localFiles())
	code, out, errs := ferryIn(t, dir, "bump", "--environment", "staging", "checkout=1.5.0", "shop/frontend=2.1.0", "shop/ghcr.io/acme/backend=2.2.0")
	if code != exitGood || errs != "" {
		t.Fatalf("exit %d, %s", code, errs)
	}
	mustContain(t, out, "--- a/apps/checkout/staging/kustomization.yaml\n", "+    newTag: 1.5.0\n", "+++ b/apps/shop/staging/b.yaml\n",
		"checkout in staging: 1.4.1 → 1.5.0\n", "shop in staging: → ", "3 files written.\n")
	want := localFiles()
	want["apps/checkout/staging/kustomization.yaml"] = overlay("1.5.0")
	want["apps/shop/staging/a.yaml"] = podOf("ghcr.io/acme/frontend:2.1.0", "ghcr.io/acme/backend:2.2.0")
	want["apps/shop/staging/b.yaml"] = podOf("ghcr.io/acme/backend:2.2.0")
	if got := readCheckout(t, dir); !maps.Equal(got, want) {
		t.Errorf("the checkout is now %v", got)
	}
	if _, again, _ := ferryIn(t, dir, "bump", "-e", "staging", "checkout=1.5.0"); !strings.HasSuffix(again, "Nothing to write: it stands so already.\n") {
		t.Errorf("the same again:\n%s", again)
	}
	if _, all, _ := ferryIn(t, dir, "bump", "-e", "dev", "shop=3.0.0"); !strings.Contains(all, "shop in dev: 2.0.0 → 3.0.0\n") {
		t.Errorf("all images of one tag:\n%s", all)
	}
	if _, pinned, errs := ferryIn(t, dir, "bump", "-e", "prod", "shop/frontend=1.1.0@"+digestB); !strings.Contains(pinned, "+    - image: ghcr.io/acme/frontend:1.1.0@"+digestB+"\n") {
		t.Errorf("tag and digest:\n%s%s", pinned, errs)
	}
}

func TestBumpDryRun(t *testing.T) {
	t.Parallel()
	dir := makeCheckout(t, localFiles())
	code, out, _ := ferryIn(t, dir, "bump", "-e", "staging", "checkout=1.5.0", "--dry-run")
	if code != exitGood || !strings.Contains(out, "Nothing was written (--dry-run); 1 file would change.\n") || !maps.Equal(readCheckout(t, dir), localFiles()) {
		t.Errorf("exit %d:\n%s", code, out)
	}
	code, out, _ = ferryIn(t, dir, "bump", "-e", "staging", "checkout=1.5.0", "-n", "-o", "json")
	var b localBump
	if err := json.Unmarshal([]byte(out), &b); err != nil || code != exitGood || !b.DryRun || b.Written || b.Files[0].Path != "apps/checkout/staging/kustomization.yaml" || b.Bumps[0].Old.Version() != "1.4.1" {
		t.Errorf("exit %d, %v:\n%s", code, err, out)
	}
}

// TestBumpRefuses shows for each refusal the words and the exit status, and that not a byte changes, also in files that could have been edited.
func TestBumpRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		files map[string]string
		args  []string
		code  int
		want  string
	}{
		{"a digest that is not given", nil, []string{"-e", "prod", "checkout=1.5.0", "shop/frontend=1.1.0"}, exitFailed, "apps/shop/prod/a.yaml:5:14: ghcr.io/acme/frontend is pinned to a digest"},
		{"a template", map[string]string{"apps/checkout/prod/kustomization.yaml": overlay(`"{{ .tag }}"`)}, []string{"-e", "prod", "checkout=1.5.0", "shop/backend=9"}, exitFailed, "apps/checkout/prod/kustomization.yaml:5:13: "},
		{"a file that is no YAML", map[string]string{"apps/checkout/prod/kustomization.yaml": "a: [\n"}, []string{"-e", "prod", "shop/backend=9", "checkout=1.5.0"}, exitFailed, "apps/checkout/prod/kustomization.yaml:"},
		{"an unknown environment", nil, []string{"-e", "stagign", "checkout=1"}, exitUsage, `no environment "stagign"; did you mean staging?`},
		{"an unknown app", nil, []string{"-e", "prod", "chekout=1"}, exitUsage, `no app "chekout"; did you mean checkout?`},
		{"an unknown image", nil, []string{"-e", "prod", "shop/fronted=1"}, exitUsage, `shop has no image "fronted"; it has ghcr.io/acme/frontend, ghcr.io/acme/backend`},
		{"several images that differ", nil, []string{"-e", "prod", "shop=1"}, exitUsage, "the images of shop do not share one tag in prod"},
		{"one digest for several images", nil, []string{"-e", "dev", "shop=1@" + digestA}, exitUsage, "cannot share one digest"},
		{"two tags for one image", nil, []string{"-e", "dev", "checkout=1", "checkout=2"}, exitUsage, "is to become both"},
		{"no manifest there", map[string]string{"apps/checkout/prod/kustomization.yaml": ""}, []string{"-e", "prod", "checkout=1"}, exitFailed, "ghcr.io/acme/checkout"},
		{"no tag", nil, []string{"-e", "prod", "checkout="}, exitUsage, "cannot be a tag"},
		{"no release at all", nil, []string{"-e", "prod", "checkout"}, exitUsage, "write APP=TAG"},
		{"what is no tag", nil, []string{"-e", "prod", "checkout=a b\x1b[31m"}, exitUsage, `"a b\x1b[31m" cannot be a tag`},
		{"what is no digest", nil, []string{"-e", "prod", "checkout=1@sha256:abc"}, exitUsage, "cannot be a digest"},
		{"no environment", nil, []string{"checkout=1"}, exitUsage, "--environment is missing"},
		{"nothing", nil, []string{"-e", "prod"}, exitUsage, "at least 1 arg"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			files := localFiles()
			maps.Copy(files, test.files)
			dir := makeCheckout(t, files)
			code, out, errs := ferryIn(t, dir, append([]string{"bump"}, test.args...)...)
			if code != test.code || !strings.Contains(errs, test.want) || out != "" {
				t.Errorf("exit %d, want %d, and %q in %q; printed %q", code, test.code, test.want, errs, out)
			}
			if (code == exitFailed) != strings.HasSuffix(errs, "\nferry: nothing was written\n") {
				t.Errorf("whether anything was written is not said: %q", errs)
			}
			if !maps.Equal(readCheckout(t, dir), files) {
				t.Error("the checkout was changed")
			}
		})
	}
}

func TestBumpRefusesInJSON(t *testing.T) {
	t.Parallel()
	code, out, errs := ferryIn(t, makeCheckout(t, localFiles()), "bump", "-e", "prod", "shop/frontend=1.1.0", "-o", "json")
	var b localBump
	if err := json.Unmarshal([]byte(out), &b); err != nil || code != exitFailed || b.Written || b.Error == nil || !strings.Contains(errs, "pinned") {
		t.Fatalf("exit %d, %v: %s%s", code, err, out, errs)
	}
	if b.Error.Path != "apps/shop/prod/a.yaml" || b.Error.Line != 5 || b.Error.Column != 14 || !strings.HasPrefix(b.Error.Message, "ghcr.io/acme/frontend is pinned") {
		t.Errorf("the error: %+v", b.Error)
	}
}

// TestErrorsInJSON holds that a program gets one JSON document also where a command ends early.
func TestErrorsInJSON(t *testing.T) {
	t.Parallel()
	files, empty := localFiles(), map[string]string{"a.txt": "a"}
	tests := map[string]struct {
		files map[string]string
		args  []string
		code  int
		says  string
	}{
		"lint without a configuration": {empty, []string{"lint"}, exitFailed, "there is no .ferry.yaml"},
		"plan without a configuration": {empty, []string{"plan"}, exitFailed, "there is no .ferry.yaml"},
		"plan of no app":               {files, []string{"plan", "nope"}, exitUsage, `no app "nope"`},
		"bump to no tag":               {files, []string{"bump", "-e", "prod", "shop="}, exitUsage, "cannot be a tag"},
		"bump without an environment":  {files, []string{"bump", "shop=1"}, exitUsage, "--environment is missing"},
		"bump in no environment":       {files, []string{"bump", "-e", "nope", "shop=1"}, exitUsage, `no environment "nope"`},
		"init of what is there":        {files, []string{"init"}, exitFailed, "there is a .ferry.yaml already"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, _ := ferryIn(t, makeCheckout(t, tt.files), append(tt.args, "-o", "json")...)
			var report struct{ Error errorReport }
			if err := json.Unmarshal([]byte(out), &report); err != nil || code != tt.code {
				t.Fatalf("exit %d, %v: %q", code, err, out)
			}
			if !strings.Contains(report.Error.Message, tt.says) || strings.Contains(report.Error.Message, "--help") {
				t.Errorf("it says %q", report.Error.Message)
			}
		})
	}
}

// TestAlsoOnACheckout plans and bumps an app with a value that moves with its tag.
func TestAlsoOnACheckout(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		".ferry.yaml": "apiVersion: ferry/v1\nenvironments: [{name: dev}, {name: prod, from: [dev]}]\napps:\n  - name: web\n    images: [a]\n" +
			"    manifests: [\"{env}/pod.yaml\"]\n    also:\n      - {path: \"{env}/labels.yaml\", keys: [version], value: \"v{tag}\"}\n",
		"dev/pod.yaml": podOf("a:2.0.0"), "prod/pod.yaml": podOf("a:1.0.0"), "dev/labels.yaml": "version: v2.0.0\n", "prod/labels.yaml": "version: v1.0.0 # ours\n",
	}
	dir := makeCheckout(t, files)
	_, out, errs := ferryIn(t, dir, "plan")
	mustContain(t, out+errs, "Promote web to prod: 1.0.0 → 2.0.0\n", "+    - image: a:2.0.0\n", "-version: v1.0.0 # ours\n+version: v2.0.0 # ours\n")
	if code, _, errs := ferryIn(t, dir, "bump", "-e", "prod", "web=3.0.0"); code != exitGood || readCheckout(t, dir)["prod/labels.yaml"] != "version: v3.0.0 # ours\n" {
		t.Errorf("exit %d, %s: %v", code, errs, readCheckout(t, dir))
	}
	delete(files, "prod/labels.yaml")
	_, out, _ = ferryIn(t, makeCheckout(t, files), "lint")
	mustContain(t, out, "prod/labels.yaml: error: no promotion of web into prod can be written: prod/labels.yaml is not there [manifest-not-editable]")
}

// TestLocalCommandsNeedNothing runs the commands in a process of their own with an empty environment: no HOME, no PATH, no token, no database.
func TestLocalCommandsNeedNothing(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	files := localFiles()
	files["apps/shop/prod/a.yaml"] = podOf("ghcr.io/acme/frontend:1.0.0", "ghcr.io/acme/backend:1.8.0") // so that lint finds no error
	dir := makeCheckout(t, files)
	for _, args := range [][]string{{"lint"}, {"lint", "-o", "sarif"}, {"plan"}, {"plan", "-o", "json"}, {"bump", "-e", "staging", "checkout=1.9.0"}, {"completion", "bash"}, {"man", filepath.Join(dir, "man")}, {"__complete", "plan", ""}} {
		cmd := exec.Command(self, args...)
		cmd.Env, cmd.Dir = []string{asFerry + "=1"}, dir
		if out, err := cmd.CombinedOutput(); err != nil || len(out) == 0 {
			t.Errorf("ferry %v with an empty environment: %v\n%s", args, err, out)
		}
	}
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	dir := makeCheckout(t, localFiles())
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"plan", "-C", dir, ""}, "checkout\nshop\n:4\n"},
		{[]string{"plan", "-C", dir, "shop", ""}, "checkout\n:4\n"},
		{[]string{"bump", "-C", dir, "sh"}, "shop=\n:6\n"},
		{[]string{"bump", "-C", dir, "--environment", ""}, "dev\nstaging\nprod\n:4\n"},
		{[]string{"bump", "-C", dir, "--environment", "p"}, "prod\n:4\n"},
		{[]string{"lint", "-C", dir, "--output", ""}, "text\njson\nsarif\ngithub\n:4\n"},
		{[]string{"plan", "-C", t.TempDir(), ""}, ":4\n"},
		{[]string{"completion", "f"}, "fish\n:4\n"},
	} {
		var out, errs bytes.Buffer
		code := run(t.Context(), append([]string{"__complete"}, test.args...), func(string) string { return "" }, &out, &errs)
		if code != exitGood || out.String() != test.want {
			t.Errorf("%q: exit %d, %q, want %q", test.args, code, out.String(), test.want)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), []string{"completion", shell}, func(string) string { return "" }, &out, &errs); code != exitGood || !strings.Contains(out.String(), "ferry") {
			t.Errorf("completion %s: exit %d, %s", shell, code, errs.String())
		}
	}
}

func TestManPages(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "man1")
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"man", dir}, func(string) string { return "" }, &out, &errs); code != exitGood {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	page, err := os.ReadFile(filepath.Join(dir, "ferry-plan.1"))
	if err != nil || !bytes.Contains(page, []byte("Exit codes")) || !bytes.HasPrefix(page, []byte(".nh\n.TH \"FERRY\" \"1\"")) {
		t.Errorf("%v: %.300s", err, page)
	}
}

// TestWrongUse shows the exit status and the words of calls that are wrong.
func TestWrongUse(t *testing.T) {
	t.Parallel()
	dir := makeCheckout(t, localFiles())
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"lnt"}, exitUsage, `there is no command "lnt"; did you mean init or lint?`},
		{[]string{"plan", "-C", dir, "chekout"}, exitUsage, "did you mean checkout?"},
		{[]string{"plan", "-C", dir, "--output", "yaml"}, exitUsage, `--output "yaml": write text or json`},
		{[]string{"lint", "-C", dir, "--color", "blue"}, exitUsage, "--color"},
		{[]string{"lint", "-C", dir, "extra"}, exitUsage, "extra"},
		{[]string{"plan", "-C", filepath.Join(dir, "nowhere")}, exitFailed, "name the folder of a checkout"},
		{[]string{"plan", "-C", t.TempDir()}, exitFailed, "there is no .ferry.yaml"},
		{[]string{"completion", "tcsh"}, exitUsage, "tcsh"},
		{[]string{"man"}, exitUsage, "1 arg"},
	} {
		var out, errs bytes.Buffer
		code := run(t.Context(), test.args, func(string) string { return "" }, &out, &errs)
		if code != test.code || !strings.Contains(errs.String(), test.want) || out.Len() > 0 {
			t.Errorf("%q: exit %d, want %d with %q; said %q and printed %q", test.args, code, test.code, test.want, errs.String(), out.String())
		}
	}
}

// TestBumpsOfThePlanLeaveNothingToPlan does with bump what plan says, from one environment to the next, until nothing is left: both edit alike.
func TestBumpsOfThePlanLeaveNothingToPlan(t *testing.T) {
	t.Parallel()
	files := localFiles()
	files["apps/shop/prod/a.yaml"] = podOf("ghcr.io/acme/frontend:1.0.0", "ghcr.io/acme/backend:1.8.0")
	dir := makeCheckout(t, files)
	for round := 0; ; round++ {
		var plan localPlan
		_, out, errs := ferryIn(t, dir, "plan", "-o", "json")
		if err := json.Unmarshal([]byte(out), &plan); err != nil {
			t.Fatalf("%v: %s%s", err, out, errs)
		}
		if len(plan.Promotions) == 0 {
			break
		}
		if round > len(plan.Environments) {
			t.Fatalf("still %d promotions after %d rounds", len(plan.Promotions), round)
		}
		for _, p := range plan.Promotions {
			args := []string{"bump", "-e", p.Environment, "-o", "json"}
			for _, image := range p.New {
				args = append(args, p.App+"/"+image.Name+"="+strings.TrimPrefix(image.String(), image.Name+":"))
			}
			_, out, errs := ferryIn(t, dir, args...)
			var done localBump
			if err := json.Unmarshal([]byte(out), &done); err != nil || !done.Written || !slices.Equal(done.Files, p.Files) {
				t.Fatalf("ferry %v: %v, %s\n%+v\nplanned were\n%+v", args, err, errs, done.Files, p.Files)
			}
		}
	}
	for path, content := range readCheckout(t, dir) {
		if strings.Contains(path, "checkout/") && content != overlay("1.4.2") {
			t.Errorf("%s is\n%s", path, content)
		}
	}
}
