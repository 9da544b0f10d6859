package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// layoutFiles reads a repository of promotion/survey's testdata: "-- PATH --" before each content.
func layoutFiles(t *testing.T, name string) map[string]string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "promotion", "survey", "testdata", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	files, path := map[string]string{}, ""
	for line := range strings.Lines(string(content)) {
		if rest, ok := strings.CutPrefix(line, "-- "); ok {
			path = strings.TrimSuffix(rest, " --\n")
			continue
		}
		files[path] += line
	}
	return files
}

// ferryOffline runs a command with an empty environment.
func ferryOffline(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, complaint bytes.Buffer
	status = run(t.Context(), args, func(string) string { return "" }, &out, &complaint)
	return status, out.String(), complaint.String()
}

// TestInitIsCleanOnEveryLayout writes the configuration of each layout, and finds nothing wrong with it.
func TestInitIsCleanOnEveryLayout(t *testing.T) {
	t.Parallel()
	inputs, err := filepath.Glob(filepath.Join("..", "..", "promotion", "survey", "testdata", "*.txt"))
	if err != nil || len(inputs) < 15 {
		t.Fatalf("%d layouts: %v", len(inputs), err)
	}
	for _, input := range inputs {
		name := strings.TrimSuffix(filepath.Base(input), ".txt")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := makeCheckout(t, layoutFiles(t, name))
			status, said, complaint := ferryOffline(t, "init", "-C", dir)
			if _, err := os.Stat(filepath.Join(dir, ".ferry.yaml")); (err == nil) != (status == exitGood) {
				t.Fatalf("init ends with %d, and .ferry.yaml: %v\n%s%s", status, err, said, complaint)
			}
			if status != exitGood {
				if !strings.Contains(said, "Layouts that it recognises") || !strings.Contains(said, "apiVersion: ferry/v1") {
					t.Errorf("it does not help:\n%s%s", said, complaint)
				}
				return
			}
			args := []string{"lint", "-C", dir}
			if name != "unknown-words" { // nobody can say in which order planets are promoted, and lint warns of that
				args = append(args, "--strict")
			}
			if status, said, complaint := ferryOffline(t, args...); status != exitGood {
				written, _ := os.ReadFile(filepath.Join(dir, ".ferry.yaml"))
				t.Errorf("lint ends with %d\n%s%s\n%s", status, said, complaint, written)
			}
		})
	}
}

func TestInitOverwritesNothing(t *testing.T) {
	t.Parallel()
	files := layoutFiles(t, "apps-app-env")
	files[".ferry.yaml"] = "apiVersion: ferry/v1 # mine\n"
	dir := makeCheckout(t, files)
	status, _, complaint := ferryOffline(t, "init", "-C", filepath.Join(dir, "apps"))
	if got := readFile(t, dir, ".ferry.yaml"); status != exitFailed || got != files[".ferry.yaml"] || !strings.Contains(complaint, "--force") {
		t.Errorf("init ends with %d: %s\n%s", status, complaint, got)
	}
	status, said, _ := ferryOffline(t, "init", "-C", dir, "--dry-run")
	if got := readFile(t, dir, ".ferry.yaml"); status != exitGood || got != files[".ferry.yaml"] || !strings.Contains(said, "discover:") {
		t.Errorf("init --dry-run ends with %d\n%s\n%s", status, said, got)
	}
	if status, _, complaint := ferryOffline(t, "init", "-C", dir, "--force"); status != exitGood || !strings.Contains(readFile(t, dir, ".ferry.yaml"), "discover:") {
		t.Errorf("init --force ends with %d: %s", status, complaint)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// TestInitWritesThroughNoLink replaces a symbolic link, and leaves alone where it leads.
func TestInitWritesThroughNoLink(t *testing.T) {
	t.Parallel()
	dir, outside := makeCheckout(t, layoutFiles(t, "apps-app-env")), filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(outside, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, ".ferry.yaml")); err != nil {
		t.Fatal(err)
	}
	if status, _, complaint := ferryOffline(t, "init", "-C", dir); status != exitFailed {
		t.Errorf("init takes a link for nothing: %d %s", status, complaint)
	}
	if status, _, complaint := ferryOffline(t, "init", "-C", dir, "--force"); status != exitGood {
		t.Errorf("init --force ends with %d: %s", status, complaint)
	}
	content, err := os.ReadFile(outside)
	info, statErr := os.Lstat(filepath.Join(dir, ".ferry.yaml"))
	if err != nil || statErr != nil || string(content) != "precious" || !info.Mode().IsRegular() {
		t.Errorf("%v %v: %q, and .ferry.yaml is %v", err, statErr, content, info)
	}
}

// TestInitStandsAtTheTop writes at the top of the worktree, where the server reads, also when it is called below.
func TestInitStandsAtTheTop(t *testing.T) {
	t.Parallel()
	dir := makeCheckout(t, layoutFiles(t, "apps-app-env"))
	if out, err := exec.Command("git", "init", "--quiet", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	if status, said, complaint := ferryOffline(t, "init", "-C", filepath.Join(dir, "apps", "cart")); status != exitGood {
		t.Fatalf("%d %s%s", status, said, complaint)
	}
	readFile(t, dir, ".ferry.yaml")
}

func TestInitSaysWhatItRecognised(t *testing.T) {
	t.Parallel()
	dir := makeCheckout(t, layoutFiles(t, "gaps-and-exceptions"))
	status, said, _ := ferryOffline(t, "init", "-C", dir, "--dry-run", "--output", "json")
	var report struct {
		Environments []struct{ Name, Why string }
		Apps         []struct {
			Name     string
			Releases []struct{ Environment, Image, Tag, Path string }
		}
		LeftOut       []struct{ What, Reason string } `json:"left_out"`
		Written       bool
		Configuration string
	}
	if err := json.Unmarshal([]byte(said), &report); err != nil || status != exitGood {
		t.Fatalf("%d %v\n%s", status, err, said)
	}
	if len(report.Environments) != 3 || len(report.Apps) != 4 || len(report.LeftOut) != 1 || report.Written || len(report.Apps[0].Releases) != 3 {
		t.Errorf("%+v", report)
	}
	_, said, _ = ferryOffline(t, "init", "-C", dir)
	for _, words := range []string{"Recognised 3 environments and 4 apps", "app wip: it has an image in one environment only (dev)", "mail is promoted into prod straight from dev", "ferry lint -C "} {
		if !strings.Contains(said, words) {
			t.Errorf("it does not say %q:\n%s", words, said)
		}
	}
}

func readFile(t *testing.T, dir, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
