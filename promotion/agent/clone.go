package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"ferry/forge"
)

// What git may take for a look, for a fetch, and for work on the checkout.
const (
	lookLimit  = time.Minute
	fetchLimit = 10 * time.Minute
	localLimit = 5 * time.Minute
)

// headRef is where the clone keeps what it fetched last.
const headRef = "refs/ferry/head"

// clone is the agent's own copy of the environment repository: of one revision, without history.
type clone struct {
	url      string
	remote   string // the ref to follow
	dir      string
	checkout string // below dir
	secrets  *secrets
	lock     *os.File
	broken   bool // what stands in checkout cannot be relied on: it is made anew before the next use
}

// openClone makes the clone in the agent's folder, or takes the one that is there. It fails where another agent uses the folder.
func openClone(ctx context.Context, cfg Config, known *secrets) (*clone, error) {
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the agent's folder: %w", err)
	}
	lock, err := lockFile(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	c := &clone{url: cfg.Repository, remote: "HEAD", dir: dir, checkout: filepath.Join(dir, "checkout"), secrets: known, lock: lock}
	if cfg.Branch != "" {
		c.remote = "refs/heads/" + cfg.Branch
	}
	if err := c.take(ctx); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func lockFile(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close() // nothing was written
		return nil, fmt.Errorf("another agent uses this folder (%w): give each its own", err)
	}
	return f, nil
}

func (c *clone) close() { _ = c.lock.Close() } // which lets go of the lock; nothing was written

// take prepares what is there. A folder that no agent made is left alone.
func (c *clone) take(ctx context.Context) error {
	_, err := os.Stat(c.checkout)
	if errors.Is(err, fs.ErrNotExist) {
		return c.create(ctx)
	}
	if _, err := os.Stat(c.marker()); err != nil {
		return fmt.Errorf("%s is no agent's checkout: give the agent a folder of its own", c.checkout)
	}
	for _, name := range []string{"index.lock", "shallow.lock", "HEAD.lock", "config.lock", headRef + ".lock"} { // what a killed git leaves; none runs here now
		if err := os.Remove(filepath.Join(c.checkout, ".git", name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// marker is a file that says that an agent made the checkout, and so may throw it away.
func (c *clone) marker() string { return filepath.Join(c.checkout, ".git", "ferry-agent") }

func (c *clone) create(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Dir(c.marker()), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(c.marker(), nil, 0o600); err != nil {
		return err
	}
	_, err := c.git(ctx, c.checkout, localLimit, "init", "--quiet", "--template=")
	return err
}

// head returns the revision at the head of the branch in the environment repository.
func (c *clone) head(ctx context.Context) (forge.SHA, error) {
	out, err := c.git(ctx, c.dir, lookLimit, "ls-remote", "--quiet", "--", c.url, c.remote)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(out) {
		if name, ref, _ := strings.Cut(strings.TrimSpace(line), "\t"); ref == c.remote {
			return forge.ParseSHA(name)
		}
	}
	return "", fmt.Errorf("the repository has no %s: is the branch's name right, and is there a commit?", c.remote)
}

// update fetches the head of the branch, makes the checkout what it says, and returns it. Files that git ignores stay.
func (c *clone) update(ctx context.Context) (forge.SHA, error) {
	if err := c.repair(ctx); err != nil {
		return "", err
	}
	if _, err := c.inside(ctx, fetchLimit, "fetch", "--quiet", "--depth=1", "--no-tags", "--force", "--", c.url, "+"+c.remote+":"+headRef); err != nil {
		return "", err
	}
	revision, err := c.local(ctx, "rev-parse", "--verify", "--quiet", headRef+"^{commit}")
	if err != nil {
		return "", err
	}
	if _, err := c.local(ctx, "checkout", "--quiet", "--force", "--detach", headRef); err != nil {
		return "", err
	}
	if _, err := c.local(ctx, "clean", "--quiet", "--force", "--force", "-d"); err != nil { // twice: repositories inside, too
		return "", err
	}
	return forge.ParseSHA(revision)
}

// repair makes a clone that is not to be relied on anew.
func (c *clone) repair(ctx context.Context) error {
	if _, err := c.local(ctx, "rev-parse", "--git-dir"); !c.broken {
		return err
	}
	if err := os.RemoveAll(c.checkout); err != nil {
		return fmt.Errorf("throwing a broken checkout away: %w", err)
	}
	if err := c.create(ctx); err != nil {
		return err
	}
	c.broken = false
	return nil
}

// nothing is the content of paths at none of which anything stands.
const nothing = "nothing"

// content returns what identifies all that stands at the paths in a revision: equal means that nothing changed there.
func (c *clone) content(ctx context.Context, revision forge.SHA, paths []string) (string, error) {
	if len(paths) == 0 {
		return c.local(ctx, "rev-parse", "--verify", string(revision)+"^{tree}")
	}
	content, err := c.local(ctx, append([]string{"ls-tree", "--full-tree", string(revision), "--"}, paths...)...)
	if err == nil && content == "" {
		content = nothing
	}
	return content, err
}

// local runs git on the clone alone. Where that fails, the clone is not to be relied on.
func (c *clone) local(ctx context.Context, args ...string) (string, error) {
	out, err := c.inside(ctx, localLimit, args...)
	if err != nil && ctx.Err() == nil {
		c.broken = true
	}
	return out, err
}

// inside runs git on the clone, and never on a repository that the agent's folder happens to lie in.
func (c *clone) inside(ctx context.Context, limit time.Duration, args ...string) (string, error) {
	return c.git(ctx, c.checkout, limit, append([]string{"--git-dir=" + filepath.Join(c.checkout, ".git"), "--work-tree=" + c.checkout}, args...)...)
}

// git runs git and returns what it wrote to stdout. It asks nobody for anything, and runs no hook.
func (c *clone) git(ctx context.Context, dir string, limit time.Duration, args ...string) (string, error) {
	cmd := exec.Command("git", append([]string{"-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.autocrlf=false", "-c", "submodule.recurse=false",
		"-c", "gc.autoDetach=false", "-c", "maintenance.autoDetach=false", "-c", "gc.pruneExpire=1.day.ago", "-c", "advice.detachedHead=false"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(c.secrets.environ(os.Environ()), "GIT_TERMINAL_PROMPT=0", "GIT_LITERAL_PATHSPECS=1", "LC_ALL=C", "GIT_CEILING_DIRECTORIES="+filepath.Dir(c.dir))
	var out bytes.Buffer
	said, err := execute(ctx, cmd, &out, limit)
	if errors.Is(err, exec.ErrNotFound) {
		return "", fmt.Errorf("the agent needs git, which is not installed here: %w", err)
	}
	if err != nil {
		return "", c.secrets.hideIn(fmt.Errorf("git %s: %w: %s", verb(args), err, said))
	}
	return strings.TrimSpace(out.String()), nil
}

// verb returns git's subcommand, for errors.
func verb(args []string) string {
	for _, arg := range args {
		if !strings.HasPrefix(arg, "-") {
			return arg
		}
	}
	return ""
}
