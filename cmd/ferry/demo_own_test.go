package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// everything returns what stands below a folder: contents, where links lead, and modes.
func everything(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		content := ""
		switch {
		case d.Type()&fs.ModeSymlink != 0:
			content, err = os.Readlink(path)
		case !d.IsDir():
			var read []byte
			read, err = os.ReadFile(path)
			content = string(read)
		}
		all[path] = info.Mode().String() + " " + content
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestDemoOfAnOwnRepository promotes an app of a checkout without a .ferry.yaml, and leaves the checkout as it was.
func TestDemoOfAnOwnRepository(t *testing.T) {
	t.Parallel()
	dir, keep := makeCheckout(t, layoutFiles(t, "apps-app-env")), filepath.Join(t.TempDir(), "kept")
	outside := filepath.Join(t.TempDir(), "outside")
	for _, err := range []error{
		os.WriteFile(outside, []byte("not yours"), 0o644), os.Symlink(outside, filepath.Join(dir, "link")),
		os.WriteFile(filepath.Join(dir, "deploy.sh"), []byte("#!/bin/sh\nexit 1\n"), 0o755), os.WriteFile(filepath.Join(dir, ".gitignore"), []byte("secret\n"), 0o644),
		os.WriteFile(filepath.Join(dir, "secret"), []byte("hidden"), 0o600), exec.Command("git", "init", "--quiet", dir).Run(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	before := everything(t, dir)
	d := newDemoRun(t)
	if err := d.command(t.Context(), t, "--repo", dir, "--app", "checkout", "--exit", "--keep", keep, "--timeout", "4m").Run(); err != nil {
		t.Fatalf("%v\n%s%s", err, d.stdout, d.stderr)
	}
	d.nothingLeft(t)
	if diff := cmp.Diff(before, everything(t, dir)); diff != "" {
		t.Errorf("the checkout is not what it was:\n%s", diff)
	}
	said := d.stdout.String()
	for _, words := range []string{
		"it has a .ferry.yaml as ferry init writes it", "checkout goes to 1.3.1: from dev to staging, then prod", "seen: promotion #2 to staging is open, and its diff is only the release: 1 line",
		"seen: ferry/prod is success on", "checkout 1.3.1 went from dev to prod by 2 merged promotions", "/pull/3  Promote checkout to prod: 1.1.0 → 1.3.1",
	} {
		if !strings.Contains(said, words) {
			t.Errorf("the demo does not say %q:\n%s", words, said)
		}
	}
	checkOwnSeen(t, keep, 3)
	git := func(args ...string) string {
		args = append([]string{"--git-dir", filepath.Join(keep, "git", ownOwner, repositoryName(dir)+".git"), "-c", "safe.directory=*"}, args...)
		out, err := exec.Command("git", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v %s", args, err, out)
		}
		return string(out)
	}
	tree := git("ls-tree", "main")
	if !strings.Contains(tree, "120000 ") || !strings.Contains(tree, "100755 ") || strings.Contains(tree, "secret") || git("show", "main:link") != outside {
		t.Errorf("the copy is not as git has it:\n%s", tree)
	}
	if got := git("show", "main:apps/checkout/prod/kustomization.yaml"); got != strings.Replace(readFile(t, dir, "apps/checkout/prod/kustomization.yaml"), "1.1.0", "1.3.1", 1) {
		t.Errorf("in prod the copy has\n%s", got)
	}
}

func checkOwnSeen(t *testing.T, keep string, environments int) {
	t.Helper()
	var seen struct {
		Good      bool
		App       string
		Revisions map[string]string
	}
	if err := json.Unmarshal([]byte(readFile(t, keep, "seen.json")), &seen); err != nil || !seen.Good || len(seen.Revisions) != environments {
		t.Errorf("seen.json: %v %+v", err, seen)
	}
}

// TestDemoWithAConfiguration runs on a checkout that has one, with waits that no demo can wait for, and two clusters.
func TestDemoWithAConfiguration(t *testing.T) {
	t.Parallel()
	files := layoutFiles(t, "apps-app-env")
	files[".ferry.yaml"] = `apiVersion: ferry/v1
mode: "observe"
environments:
  - name: dev
  - {name: staging, from: [dev], soak: 1h30m}
  - name: prod
    from: [staging]
    soak: 7d # a week
    clusters: [eu, us]
apps:
  - name: checkout
    images: [ghcr.io/acme/checkout]
    manifests: ["apps/checkout/{env}/kustomization.yaml"]
`
	dir := makeCheckout(t, files)
	d := newDemoRun(t)
	if err := d.command(t.Context(), t, "--repo", dir, "--exit", "--timeout", "4m").Run(); err != nil {
		t.Fatalf("%v\n%s%s", err, d.stdout, d.stderr)
	}
	for _, words := range []string{"in the copy: every soak takes one second there", "in the copy: mode: observe is propose there", "agent of prod/us pulled", "checkout 1.3.1 went from dev to prod"} {
		if !strings.Contains(d.stdout.String(), words) {
			t.Errorf("the demo does not say %q:\n%s", words, d.stdout)
		}
	}
	d.nothingLeft(t)
}

func TestDemoSaysWhyNot(t *testing.T) {
	t.Parallel()
	promotable := layoutFiles(t, "apps-app-env")
	alone := layoutFiles(t, "apps-app-env")
	alone[".ferry.yaml"] = "apiVersion: ferry/v1\nenvironments: [{name: dev}]\napps: [{name: cart, images: [ghcr.io/acme/cart], manifests: [\"apps/cart/{env}/kustomization.yaml\"]}]\n"
	broken := layoutFiles(t, "apps-app-env")
	broken[".ferry.yaml"] = "apiVersion: ferry/v1\nenvironment: []\n"
	tests := map[string]struct {
		files  map[string]string
		args   []string
		status int
		words  string
	}{
		"nothing recognised":          {layoutFiles(t, "nothing-to-promote"), nil, exitFailed, "ferry init -C "},
		"no app of that name":         {promotable, []string{"--app", "chekout"}, exitUsage, "did you mean checkout?"},
		"one environment":             {alone, nil, exitFailed, "cart: it is in no environment that is promoted into from dev"},
		"a configuration with errors": {broken, nil, exitFailed, `unknown key "environment"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, said, complaint := ferryOffline(t, append([]string{"demo", "--repo", makeCheckout(t, tt.files)}, tt.args...)...)
			if status != tt.status || !strings.Contains(complaint, tt.words) {
				t.Errorf("it ends with %d\n%s%s", status, said, complaint)
			}
		})
	}
	if status, _, complaint := ferryOffline(t, "demo", "--app", "cart"); status != exitUsage || !strings.Contains(complaint, "--repo") {
		t.Errorf("--app alone: %d %s", status, complaint)
	}
}

func TestNextTag(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		"1.4.3":         {"1.4.2", "1.4.0", "1.3.9"},
		"v2.0.1":        {"v1.9.9", "v2.0.0"},
		"1.10.1":        {"1.9.0", "1.10.0"},
		"3.2":           {"3.1"},
		"v10":           {"v9", "v8"},
		"2026.020":      {"2026.019"},
		"2026-10-03":    {"2026-10-02"},
		"1.27.4-alpine": {"1.27.3-alpine"},
		"build-0042":    {"build-0041"},
		"latest-next":   {"latest"},
		"next":          {""},
	}
	for want, tags := range tests {
		if got := nextTag(tags); got != want {
			t.Errorf("after %q comes %q, want %q", tags, got, want)
		}
	}
	for _, tag := range []string{"sha-3f2a91c", "main-3f2a91c0", "3f2a91c"} {
		got := nextTag([]string{tag})
		if len(got) != len(tag) || got == tag || !strings.HasPrefix(got, strings.TrimSuffix(tag, "3f2a91c")[:strings.LastIndex(tag, "-")+1]) {
			t.Errorf("after %q comes %q", tag, got)
		}
	}
}
