package checkout_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"ferry/promotion/checkout"
	"ferry/promotion/config"
	"ferry/promotion/manifest"
)

const configuration = `apiVersion: ferry/v1
environments:
  - name: dev
  - {name: staging, from: [dev]}
  - {name: prod, from: [staging], mode: observe}
apps:
  - name: web
    images: [ghcr.io/acme/web, ghcr.io/acme/proxy]
    manifests: ["web/{env}/*.yaml"]
  - name: idle
    images: [ghcr.io/acme/idle]
    manifests: ["idle/{env}.yaml"]
  - discover: "apps/{app}/{env}/deployment.yaml"
    images: ["ghcr.io/acme/{app}"]
`

// pod is a manifest with these images.
func pod(images ...string) string {
	var b strings.Builder
	b.WriteString("apiVersion: v1\nkind: Pod\nspec:\n  containers:\n")
	for i, image := range images {
		fmt.Fprintf(&b, "    - {name: c%d, image: %q}\n", i, image)
	}
	return b.String()
}

// write makes a folder with these files.
func write(t *testing.T, files map[string]string) string {
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

func open(t *testing.T, dir string) *checkout.Checkout {
	t.Helper()
	c, err := checkout.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=x", "-c", "user.email=x@example.com"}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v %s", args, err, out)
	}
}

func TestDesired(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		".ferry.yaml":                       configuration,
		"web/dev/a.yaml":                    pod("ghcr.io/acme/web:1.2.0", "ghcr.io/acme/proxy:7"),
		"web/staging/a.yaml":                pod("ghcr.io/acme/web:1.1.0"),
		"web/staging/b.yaml":                pod("ghcr.io/acme/web:1.0.0", "ghcr.io/acme/proxy:7"),
		"web/prod/a.yaml":                   "{{- if .Values.on }}\nimage: x\n{{- end }}\n",
		"apps/cart/dev/deployment.yaml":     pod("ghcr.io/acme/cart:3"),
		"apps/cart/prod/deployment.yaml":    pod("ghcr.io/acme/other:3"),
		"apps/Café/dev/deployment.yaml":     pod("ghcr.io/acme/cafe:3"),
		"apps/cart/unknown/deployment.yaml": pod("ghcr.io/acme/cart:3"),
		"README.md":                         "nothing",
	})
	var last [2]int
	d, err := open(t, dir).Desired(t.Context(), func(done, total int) { last = [2]int{done, total} })
	if err != nil {
		t.Fatal(err)
	}
	if last != [2]int{6, 6} {
		t.Errorf("progress ended at %v, want 6 of 6", last)
	}
	var got []string
	for _, app := range d.Apps {
		got = append(got, app.Name)
		for _, env := range app.Environments {
			got = append(got, fmt.Sprintf("  %s %s %d %s|%s", env.Name, env.Mode, len(env.Files), env.Release.Version(), env.Problem))
		}
	}
	want := []string{
		"cart", "  dev propose 1 3|", "  prod observe 1 nothing|ghcr.io/acme/cart stands in none of apps/cart/prod/deployment.yaml",
		"idle",
		"web", "  dev propose 1 proxy:7, web:1.2.0|",
		"  staging propose 2 nothing|mixed: ghcr.io/acme/web is 1.1.0 in one place and 1.0.0 in another (web/staging/b.yaml)",
		"  prod observe 1 nothing|web/prod/a.yaml:1:3: this is a template, not a manifest: name the file it takes its values from (templated)",
	}
	if !slices.Equal(dropColumns(got), dropColumns(want)) {
		t.Errorf("desired:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(d.Misnamed) != 1 || d.Misnamed[0].Path != "apps/Café/dev/deployment.yaml" || d.Misnamed[0].Name != "Café" {
		t.Errorf("misnamed: %+v", d.Misnamed)
	}
	if d.App("web") == nil || d.App("webb") != nil || d.App("web").Find("dev") == nil || d.App("web").Find("qa") != nil {
		t.Error("App and Find do not find exactly what is there")
	}
}

// dropColumns forgets the words of a template's refusal, which are the manifest package's.
func dropColumns(lines []string) []string {
	out := slices.Clone(lines)
	for i, line := range out {
		if at := strings.Index(line, "web/prod/a.yaml:"); at >= 0 {
			out[i] = line[:at] + "refused"
		}
	}
	return out
}

// TestTooMuch reads a checkout whose manifests would fill the memory.
func TestTooMuch(t *testing.T) {
	t.Parallel()
	files := map[string]string{".ferry.yaml": configuration}
	for i := range 10 {
		files[fmt.Sprintf("web/dev/%d.yaml", i)] = pod("ghcr.io/acme/web:1.2.0", "ghcr.io/acme/proxy:7") + strings.Repeat("#", 1000)
	}
	c := open(t, write(t, files))
	c.Limit(10_000)
	if _, err := c.Desired(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "more than 10000 bytes together") {
		t.Errorf("11 kB of 10: %v", err)
	}
}

func TestConfigFails(t *testing.T) {
	t.Parallel()
	if _, err := open(t, t.TempDir()).Desired(t.Context(), nil); !errors.Is(err, checkout.ErrNoConfig) || !strings.Contains(err.Error(), "ferry init") {
		t.Errorf("without a configuration: %v", err)
	}
	var problems config.Errors
	if _, err := open(t, write(t, map[string]string{".ferry.yaml": "apiVersion: ferry/v1\nenvironment: []\n"})).Desired(t.Context(), nil); !errors.As(err, &problems) || problems[0].Line == 0 {
		t.Errorf("with a wrong configuration: %v", err)
	}
	dir := write(t, map[string]string{"real.yaml": configuration})
	if err := os.Symlink("real.yaml", filepath.Join(dir, ".ferry.yaml")); err != nil {
		t.Fatal(err)
	}
	var unreadable *checkout.UnreadableError
	if _, err := open(t, dir).Config(); !errors.As(err, &unreadable) || !strings.Contains(err.Error(), ".ferry.yaml is a symbolic link") {
		t.Errorf("with a symbolic link for a configuration: %v", err)
	}
}

// TestConfined reads what a hostile checkout may hold: nothing outside of it is read, and nothing that blocks.
func TestConfined(t *testing.T) {
	t.Parallel()
	outside := write(t, map[string]string{"secret": "s3cret"})
	dir := write(t, map[string]string{"plain": "yes", "folder/file": "x"})
	links := map[string]string{"absolute": filepath.Join(outside, "secret"), "relative": "../" + filepath.Base(outside) + "/secret", "inside": "plain", "dangling": "nowhere",
		"loop": "loop", "linked": outside, "alias": "folder"}
	for name, to := range links {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	big, err := os.Create(filepath.Join(dir, "big"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(big.Truncate(manifest.MaxSize+1), big.Close()); err != nil {
		t.Fatal(err)
	}
	c := open(t, dir)
	want := []string{"absolute", "alias", "big", "dangling", "fifo", "folder/file", "inside", "linked", "loop", "plain", "relative"}
	if !slices.Equal(c.Paths, want) {
		t.Errorf("paths %q, want %q", c.Paths, want)
	}
	for path, reason := range map[string]string{
		"absolute": "symbolic link", "relative": "symbolic link", "inside": "symbolic link", "dangling": "symbolic link", "loop": "symbolic link", "linked": "symbolic link",
		"linked/secret": "linked is a symbolic link", "alias/file": "alias is a symbolic link", "fifo": "no plain file", "folder": "a folder", "big": "bytes",
		"../" + filepath.Base(outside) + "/secret": "leaves the repository", "/etc/passwd": "leaves the repository", "plain\x00": "leaves the repository",
	} {
		content, _, err := c.Read(path)
		var unreadable *checkout.UnreadableError
		if !errors.As(err, &unreadable) || !strings.Contains(err.Error(), reason) || content != nil {
			t.Errorf("Read(%q) = %q, %v; want a refusal with %q", path, content, err, reason)
		}
	}
	if content, executable, err := c.Read("plain"); string(content) != "yes" || executable || err != nil {
		t.Errorf("Read(plain) = %q, %v, %v", content, executable, err)
	}
	if _, _, err := c.Read("nothing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Read(nothing): %v", err)
	}
}

func TestGitDecidesWhichFilesCount(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{".gitignore": "ignored/\n*.tmp\n", "kept": "x", "removed": "x", "ignored/a": "x", "b.tmp": "x", "sub/new": "x", "sub/other/file": "x"})
	git(t, dir, "init", "-q")
	git(t, filepath.Join(dir, "sub", "other"), "init", "-q")
	git(t, dir, "add", "kept", "removed", ".gitignore")
	if err := os.Remove(filepath.Join(dir, "removed")); err != nil {
		t.Fatal(err)
	}
	c := open(t, dir)
	if want := []string{".gitignore", "kept", "sub/new"}; !slices.Equal(c.Paths, want) || len(c.Notes) > 0 {
		t.Errorf("paths %q, notes %q; want %q", c.Paths, c.Notes, want)
	}
}

// TestGitRunsNothing opens a checkout whose own configuration names a program for git to run.
func TestGitRunsNothing(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"kept": "x"})
	git(t, dir, "init", "-q")
	git(t, dir, "add", "kept")
	trap := filepath.Join(t.TempDir(), "trap")
	if err := os.WriteFile(trap, []byte("#!/bin/sh\ntouch "+trap+".sprung\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	git(t, dir, "config", "core.fsmonitor", trap)
	open(t, dir)
	if _, err := os.Stat(trap + ".sprung"); err == nil {
		t.Error("the program that the checkout's configuration names was run")
	}
}

// TestBrokenGit opens a folder that git does not take for a worktree: then every file counts, and it is said.
func TestBrokenGit(t *testing.T) {
	t.Parallel()
	c := open(t, write(t, map[string]string{".git": "gitdir: /nowhere\n", "a": "x", "b/.git/config": "x", "b/c": "x"}))
	if !slices.Equal(c.Paths, []string{"a", "b/c"}) || len(c.Notes) != 1 || !strings.Contains(c.Notes[0], "git could not be asked") {
		t.Errorf("paths %q, notes %q", c.Paths, c.Notes)
	}
}

func TestRoot(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"repo/.ferry.yaml": "", "repo/apps/web/x": "", "bare/.git": "", "bare/a/x": "", "repo/vendored/.git": "", "repo/vendored/a/x": ""})
	for from, want := range map[string]string{"repo": "repo", "repo/apps/web": "repo", "bare": "bare", "bare/a": "bare/a", "repo/vendored/a": "repo/vendored/a"} {
		got, err := checkout.Root(filepath.Join(dir, from))
		if err != nil || got != filepath.Join(dir, want) {
			t.Errorf("Root(%s) = %s, %v; want %s", from, got, err, want)
		}
	}
	for _, bad := range []string{"nowhere", "repo/.ferry.yaml"} {
		if _, err := checkout.Open(t.Context(), filepath.Join(dir, bad)); err == nil || !strings.Contains(err.Error(), "name the folder of a checkout") {
			t.Errorf("Open(%s): %v", bad, err)
		}
	}
}
