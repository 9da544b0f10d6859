package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestLintOfACheckout(t *testing.T) {
	t.Parallel()
	fine := localFiles()
	delete(fine, "apps/shop/staging/b.yaml")
	fine["apps/shop/prod/a.yaml"] = podOf("ghcr.io/acme/frontend:1.0.0", "ghcr.io/acme/backend:1.8.0")
	with := func(path, content string) map[string]string {
		files := maps.Clone(fine)
		files[path] = content
		return files
	}
	tests := []struct {
		name  string
		files map[string]string
		args  []string
		code  int
		want  []string
	}{
		{"all well", fine, nil, exitGood, []string{"No problems in 6 manifests of 2 apps in 3 environments.\n"}},
		{"a warning", with("apps/shop/staging/b.yaml", podOf("ghcr.io/acme/backend:1.9.0")), nil, exitGood, []string{
			"apps/shop/staging/b.yaml:5:14: warning: shop in staging is mixed: ", " [release-mixed]\n    → Make them agree", "1 warning in 7 manifests of 2 apps in 3 environments.\n"}},
		{"a warning that counts", with("apps/shop/staging/b.yaml", podOf("ghcr.io/acme/backend:1.9.0")), []string{"--strict"}, exitFailed, []string{": error: shop in staging is mixed", "1 error in "}},
		{"a manifest that cannot be promoted into", with("apps/shop/prod/a.yaml", podOf("ghcr.io/acme/frontend:1.0.0@"+digestA, "ghcr.io/acme/backend:1.8.0")), nil, exitFailed,
			[]string{"apps/shop/prod/a.yaml:5:14: error: no promotion of shop into prod can be written: ", "[manifest-not-editable]\n    → Write the digest upstream too"}},
		{"a wrong configuration", with(".ferry.yaml", checkoutConfig+"app: []\n"), nil, exitFailed, []string{".ferry.yaml:13:1: error: ", "did you mean", "[unknown-key]", "1 error.\n"}},
		{"a file name that steers a terminal", with("apps/shop/dev/\x1b[31m.yaml", "a: ["), nil, exitFailed, []string{`apps/shop/dev/\u001b[31m.yaml:2:1: error: `}},
		{"annotations", with("apps/shop/staging/b.yaml", podOf("ghcr.io/acme/backend:1.9.0")), []string{"-o", "github"}, exitGood, []string{
			"::warning file=apps/shop/staging/b.yaml,line=5,col=14,title=ferry lint%3A release-mixed::shop in staging is mixed"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			code, out, errs := ferryIn(t, makeCheckout(t, test.files), append([]string{"lint"}, test.args...)...)
			if code != test.code || errs != "" || strings.Contains(out, "\x1b") {
				t.Errorf("exit %d, want %d; said %q\n%s", code, test.code, errs, out)
			}
			mustContain(t, out, test.want...)
		})
	}
}

func TestLintForPrograms(t *testing.T) {
	t.Parallel()
	dir := makeCheckout(t, localFiles())
	code, out, _ := ferryIn(t, dir, "lint", "-o", "json")
	var report lintJSON
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != exitFailed || report.Errors != 1 || report.Warnings != 1 || report.Manifests != 7 || len(report.Findings) != 2 {
		t.Errorf("exit %d, %v: %s", code, err, out)
	}
	code, out, _ = ferryIn(t, dir, "lint", "-o", "sarif")
	var log struct{ Runs []struct{ Results []any } }
	if err := json.Unmarshal([]byte(out), &log); err != nil || code != exitFailed || len(log.Runs) != 1 || len(log.Runs[0].Results) != 2 {
		t.Errorf("exit %d, %v: %s", code, err, out)
	}
}

// TestLintNamesPathsFromHere runs lint above the checkout: what it prints is where an editor finds the file.
func TestLintNamesPathsFromHere(t *testing.T) {
	t.Parallel()
	dir := makeCheckout(t, localFiles())
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "lint", "-C", filepath.Base(dir))
	cmd.Env, cmd.Dir = []string{asFerry + "=1"}, filepath.Dir(dir)
	out, _ := cmd.Output() // which fails: there is an error
	if want := filepath.Base(dir) + "/apps/shop/staging/b.yaml:5:14: warning: "; !bytes.Contains(out, []byte(want)) {
		t.Errorf("no %q in\n%s", want, out)
	}
}
