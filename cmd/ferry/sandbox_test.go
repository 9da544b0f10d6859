package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"ferry/forge/github"
)

// sandboxProcess is a `ferry sandbox` as a person starts it.
type sandboxProcess struct {
	url, token string
	out        *syncBuffer
	stop       context.CancelFunc
	status     chan int
}

var (
	sandboxAPI   = regexp.MustCompile(`API +(\S+)/api/v3`)
	sandboxToken = regexp.MustCompile(`person +ann, token (\S+)`)
)

func startSandbox(t *testing.T, args ...string) *sandboxProcess {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	p := &sandboxProcess{out: &syncBuffer{}, stop: stop, status: make(chan int, 1)}
	stderr := &syncBuffer{}
	go func() {
		p.status <- run(ctx, append([]string{"sandbox", "--listen", "127.0.0.1:0"}, args...), func(string) string { return "" }, p.out, stderr)
	}()
	t.Cleanup(stop)
	eventually(t, "the sandbox's address", func() bool {
		return sandboxAPI.MatchString(p.out.String()) && strings.Contains(p.out.String(), "WEBHOOK_SECRET_FILE") || stderr.String() != ""
	})
	if stderr.String() != "" {
		t.Fatal(stderr.String())
	}
	p.url = sandboxAPI.FindStringSubmatch(p.out.String())[1]
	p.token = sandboxToken.FindStringSubmatch(p.out.String())[1]
	return p
}

// end stops it and waits for that.
func (p *sandboxProcess) end(t *testing.T) {
	t.Helper()
	p.stop()
	if got := <-p.status; got != exitGood {
		t.Errorf("exit status %d, want %d", got, exitGood)
	}
}

// call calls the API, or with a path below /_sandbox the sandbox itself.
func (p *sandboxProcess) call(t *testing.T, method, path, body string, out any) {
	t.Helper()
	if !strings.HasPrefix(path, "/_sandbox") {
		path = "/api/v3" + path
	}
	req, err := http.NewRequestWithContext(t.Context(), method, p.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 {
		t.Fatalf("%s %s = %d %s, %v", method, path, res.StatusCode, raw, err)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(raw, out); err != nil {
		t.Fatal(err)
	}
}

func TestSandboxIsStoppedAndStarted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, clone := filepath.Join(dir, "forge"), filepath.Join(dir, "clone")
	args := []string{"--data", data, "--repository", "acme/environments,acme/shop", "--person", "ann=admin,bob=read"}
	p := startSandbox(t, args...)
	remote := strings.Replace(p.url, "http://", "http://ann:"+p.token+"@", 1) + "/acme/environments.git"
	for _, words := range [][]string{
		{"clone", "--quiet", remote, clone},
		{"-C", clone, "-c", "user.name=ann", "-c", "user.email=ann@acme.test", "commit", "--quiet", "--allow-empty", "--message", "by hand"},
		{"-C", clone, "push", "--quiet", "origin", "HEAD:refs/heads/idea"},
	} {
		if out, err := exec.CommandContext(t.Context(), "git", words...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v %s", words, err, out)
		}
	}
	p.call(t, "POST", "/repos/acme/environments/pulls", `{"title":"An idea","head":"idea","base":"main"}`, nil)
	p.call(t, "POST", "/_sandbox/protection", `{"repository":"acme/environments","branch":"main","reviews":1}`, nil)
	p.end(t)

	again := startSandbox(t, args...)
	if again.token != p.token {
		t.Error("ann has another token after a restart")
	}
	var pull struct {
		Title string
		State string
	}
	again.call(t, "GET", "/repos/acme/environments/pulls/1", "", &pull)
	if pull.Title != "An idea" || pull.State != "open" {
		t.Errorf("the pull request is %+v after a restart", pull)
	}
	var branch struct{ Protected bool }
	again.call(t, "GET", "/repos/acme/environments/branches/main", "", &branch)
	if !branch.Protected {
		t.Error("main is not protected after a restart")
	}
	var requests map[string]map[string]int
	again.call(t, "GET", "/_sandbox/requests", "", &requests)
	if got := fmt.Sprint(requests); got != "map[user/ann:map[GET /repos/{owner}/{repo}/branches/{branch}:1 GET /repos/{owner}/{repo}/pulls/{pull_number}:1]]" {
		t.Errorf("requests = %s", got)
	}
	again.end(t)
}

// Ferry's own client signs in with the files that the sandbox made for the App.
func TestSandboxTakesFerrysApp(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := startSandbox(t, "--data", data)
	key, err := os.ReadFile(filepath.Join(data, "app.pem"))
	if err != nil {
		t.Fatal(err)
	}
	gh, err := github.New(github.Config{APIURL: p.url + "/api/v3", AppID: 1, AppKey: key})
	if err != nil {
		t.Fatal(err)
	}
	installations, err := gh.Installations(t.Context())
	if err != nil || len(installations) != 1 {
		t.Fatalf("installations = %v, %v", installations, err)
	}
	var stderr syncBuffer
	if got := run(t.Context(), []string{"sandbox", "--listen", "127.0.0.1:0", "--data", data}, func(string) string { return "" }, io.Discard, &stderr); got != exitFailed || !strings.Contains(stderr.String(), "another sandbox runs in") {
		t.Errorf("a second one in the same folder: %d, %s", got, stderr.String())
	}
	p.end(t)
}

func TestSandboxIsStartedWrongly(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	for name, test := range map[string]struct {
		args   []string
		status int
		want   string
	}{
		"no folder":         {nil, exitUsage, "--data"},
		"no repository":     {[]string{"--data", data, "--repository", "environments"}, exitUsage, "OWNER/NAME is expected"},
		"no permission":     {[]string{"--data", data, "--person", "ann=king"}, exitUsage, "LOGIN=PERMISSION is expected"},
		"no webhook":        {[]string{"--data", data, "--webhook-url", "127.0.0.1"}, exitUsage, "--webhook-url"},
		"no address":        {[]string{"--data", data, "--listen", "256.0.0.1:1"}, exitFailed, "--listen"},
		"a word too many":   {[]string{"now"}, exitUsage, "unknown command"},
		"a file, no folder": {[]string{"--data", "sandbox_test.go"}, exitFailed, "--data"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stderr syncBuffer
			if got := run(t.Context(), append([]string{"sandbox"}, test.args...), func(string) string { return "" }, io.Discard, &stderr); got != test.status || !strings.Contains(stderr.String(), test.want) {
				t.Errorf("status %d, %s; want %d and %q", got, stderr.String(), test.status, test.want)
			}
		})
	}
}
