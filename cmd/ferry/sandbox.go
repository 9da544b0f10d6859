package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"ferry/forge"
	"ferry/forge/sandbox"
)

// stopSandbox bounds how long requests may take to end when the sandbox stops.
const stopSandbox = 5 * time.Second

// sandboxOptions are the flags of `ferry sandbox`.
type sandboxOptions struct {
	listen, data, url string
	repositories      []string
	people            []string
	appID             int64
	appSlug           string
	webhookURL        string
}

func newSandboxCommand(getenv func(string) string, stdout, stderr io.Writer) *cobra.Command {
	var o sandboxOptions
	c := &cobra.Command{
		Use:   "sandbox --data DIR",
		Short: "Run a small forge that speaks GitHub's API, to try Ferry and other clients against",
		Long: `Run a small forge in one process: Git repositories over HTTP, GitHub's REST API as far as a promotion tool uses it, signed webhooks, and pages to
read, comment, merge and close. It needs git. Everybody who reaches it may act as anybody there: let it listen on this machine only.

What it knows stands in DIR and is there again at the next start: git/OWNER/NAME.git, sandbox.json (with everybody's tokens), and of the App
app.pem (its private key) and webhook-secret. The last two are made where they are missing; put your own there to use them.

It is steered with JSON, below ` + sandbox.AdminPath + `:

  GET    /requests                     how often each client called each route of the API; DELETE starts the count anew
  POST   /people                       {"login"} → its token
  POST   /repositories                 {"owner", "name", "files": {"path": "content"}}
  POST   /forks                        {"repository", "owner"}
  POST   /permissions                  {"repository", "login", "permission": "none|read|triage|write|maintain|admin"}
  POST   /teams                        {"organization", "slug", "members": [login]}
  POST   /apps                         {"id", "slug", "public_key": PEM, "webhook_url", "webhook_secret", "permissions", "events"}
  POST   /installations                {"app", "owner", "repositories": [OWNER/NAME]}
  POST   /protection                   {"repository", "branch", RULES, "admins"} or {"repository", "branch", "remove": true}
  POST   /rulesets                     {"repository", "name", "branches", RULES, "bypass", "disabled"} or {"repository", "name", "remove": true}
           RULES: "checks": [{"context", "app"}], "up_to_date", "pull_request", "reviews": N, "dismiss_stale", "restricted", "pushers": [LOGIN],
           "allow_force_push", "allow_deletion"
  POST   /check_runs                   {"repository", "sha", "app": SLUG, "name", "status", "conclusion", "title", "url"}: a check run by an App
  POST   /auto_merge                   {"repository", "number", "as": LOGIN}: native auto-merge; "queue": true the merge queue, "off": true ends either
  POST   /limits                       {"per_hour", "writes_per_minute", "status": 403|429}; {} enforces none
  POST   /lag                          {"for": "2s", "reads": N, "newest": N}: reads answer what was true before; {} ends it
  POST   /faults                       {"method", "route", "after", "status", "message", "retry_after", "reset", "times", "done", "hang", "drop"}; DELETE takes them back
  GET    /deliveries                   the webhooks; POST {"event", "lose": N, "double": N, "hold": N} decides about the next ones
  GET    /held                         the webhooks that are held back; POST /release {"ids": []} sends them, in that order`,
		Example: `  ferry sandbox --data /tmp/forge --repository acme/environments --webhook-url http://127.0.0.1:8080/webhooks/github
  curl -d '{"repository":"acme/environments","branch":"main","reviews":1}' http://127.0.0.1:3000` + sandbox.AdminPath + `/protection`,
		Args: func(c *cobra.Command, args []string) error { return usageIf(cobra.NoArgs(c, args)) },
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return usageIf(err)
			}
			return runSandbox(c.Context(), o, stdout, newLogger(or(getenv("FERRY_LOG"), "text"), stderr))
		},
	}
	f := c.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:3000", "where it listens; port 0 is a free one")
	f.StringVar(&o.data, "data", "", "the `folder` of everything it keeps; it is made where it is missing")
	f.StringVar(&o.url, "url", "", "the `address` that links and clone addresses begin with (default: where it listens)")
	f.StringSliceVar(&o.repositories, "repository", []string{"acme/environments"}, "an `OWNER/NAME` to make where it is missing; may be given several times")
	f.StringSliceVar(&o.people, "person", []string{"ann=admin"}, "a `LOGIN=PERMISSION` in every --repository; may be given several times")
	f.Int64Var(&o.appID, "app-id", 1, "the number of the App that is installed on every --repository; 0: none")
	f.StringVar(&o.appSlug, "app-slug", "ferry", "the App's name: it acts as NAME[bot]")
	f.StringVar(&o.webhookURL, "webhook-url", "", "where the App's webhooks go (default: nowhere)")
	return c
}

func (o sandboxOptions) check() error {
	var errs []error
	if o.data == "" {
		errs = append(errs, errors.New("--data: a folder is expected"))
	}
	for _, name := range o.repositories {
		if strings.Count(name, "/") != 1 {
			errs = append(errs, fmt.Errorf("--repository %q: OWNER/NAME is expected", name))
		}
	}
	for _, person := range o.people {
		if _, _, err := personOf(person); err != nil {
			errs = append(errs, err)
		}
	}
	for flag, address := range map[string]string{"--url": o.url, "--webhook-url": o.webhookURL} {
		if u, err := url.Parse(address); address != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
			errs = append(errs, fmt.Errorf("%s: an address is expected, such as http://127.0.0.1:3000", flag))
		}
	}
	if o.appID < 0 || o.appID > 0 && o.appSlug == "" {
		errs = append(errs, errors.New("--app-id and --app-slug: a number above 0 and a name are expected"))
	}
	return errors.Join(errs...)
}

// personOf reads LOGIN=PERMISSION.
func personOf(text string) (string, forge.Permission, error) {
	login, word, _ := strings.Cut(text, "=")
	for p := forge.PermissionNone; p <= forge.PermissionAdmin; p++ {
		if p.String() == word && login != "" {
			return login, p, nil
		}
	}
	return "", 0, fmt.Errorf("--person %q: LOGIN=PERMISSION is expected, with none, read, triage, write, maintain or admin", text)
}

// runSandbox runs the forge until ctx ends.
func runSandbox(ctx context.Context, o sandboxOptions, stdout io.Writer, logger *slog.Logger) (err error) {
	if _, err := exec.LookPath("git"); err != nil {
		return unreachableIf(errors.New("git is not installed, and the sandbox keeps its repositories with it: install it (Debian, Ubuntu: apt-get install git; macOS: brew install git)"))
	}
	unlock, err := lockFolder(o.data)
	if err != nil {
		return err
	}
	defer unlock()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	f, err := sandbox.New(sandbox.Config{Dir: o.data, Keep: true, Logger: logger})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer f.Close()
	f.SetURL(or(o.url, urlOf(listener)))
	server := &http.Server{Handler: f.Handler(), ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	if err := o.furnish(f); err != nil {
		return errors.Join(err, server.Close())
	}
	o.print(f, stdout)
	select {
	case err := <-ended:
		return fmt.Errorf("the sandbox's server ended: %w", err)
	case <-ctx.Done():
	}
	soft, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopSandbox)
	defer cancel()
	if server.Shutdown(soft) != nil {
		return server.Close()
	}
	return nil
}

// lockFolder makes the folder and keeps a second sandbox out of it. The lock ends with the process, too.
func lockFolder(dir string) (func(), error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("--data: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("--data: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("--data: another sandbox runs in %s: stop it, or choose another folder", dir)
	}
	return func() { _ = f.Close() }, nil
}

// furnish makes what the flags name and is not there yet.
func (o sandboxOptions) furnish(f *sandbox.Sandbox) error {
	for _, name := range o.repositories {
		if _, known := f.Repository(name); known {
			continue
		}
		owner, short, _ := strings.Cut(name, "/")
		if _, err := f.AddRepository(owner, short, map[string]string{"README.md": "# " + short + "\n"}); err != nil {
			return err
		}
	}
	for _, person := range o.people {
		login, permission, err := personOf(person)
		if err != nil {
			return err
		}
		f.AddUser(login)
		for _, name := range o.repositories {
			if err := f.SetPermission(name, login, permission); err != nil {
				return err
			}
		}
	}
	if o.appID == 0 {
		return nil
	}
	return o.register(f)
}

// register makes the App and installs it on every repository of the flags.
func (o sandboxOptions) register(f *sandbox.Sandbox) error {
	public, secret, err := appFiles(o.data)
	if err != nil {
		return err
	}
	spec := sandbox.AppSpec{ID: o.appID, Slug: o.appSlug, PublicKey: public, WebhookURL: o.webhookURL, WebhookSecret: secret}
	if _, err := f.AddApp(spec); err != nil {
		return err
	}
	owners := map[string][]string{}
	for _, name := range o.repositories {
		owner, _, _ := strings.Cut(name, "/")
		if !slices.Contains(f.InstalledOn(o.appID), strings.ToLower(name)) {
			owners[owner] = append(owners[owner], name)
		}
	}
	for owner, names := range owners {
		if _, err := f.Install(o.appID, owner, names...); err != nil {
			return err
		}
	}
	return nil
}

// The names of the App's own files in the folder.
const (
	appKeyFile    = "app.pem"
	appSecretFile = "webhook-secret"
)

// appFiles returns the App's public key and its webhooks' secret, which are made where the folder has none.
func appFiles(dir string) (public []byte, secret string, err error) {
	keyName, secretName := filepath.Join(dir, appKeyFile), filepath.Join(dir, appSecretFile)
	for _, name := range []string{keyName, secretName} {
		if _, err := os.Stat(name); err == nil {
			continue
		}
		made, err := newAppKey()
		if err != nil {
			return nil, "", err
		}
		content := made.private
		if name == secretName {
			content = []byte(made.webhookSecret + "\n")
		}
		if err := os.WriteFile(name, content, 0o600); err != nil {
			return nil, "", fmt.Errorf("--data: %w", err)
		}
	}
	private, err := os.ReadFile(keyName)
	if err != nil {
		return nil, "", fmt.Errorf("--data: %w", err)
	}
	text, err := os.ReadFile(secretName)
	if err != nil {
		return nil, "", fmt.Errorf("--data: %w", err)
	}
	public, err = publicKeyOf(private)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", keyName, err)
	}
	return public, strings.TrimSpace(string(text)), nil
}
