package checkout

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// gitPatience is how long git may take to list a checkout.
const gitPatience = time.Minute

// list finds the files: as git names them where this is a Git worktree, else all.
func (c *Checkout) list(ctx context.Context) error {
	if c.inWorktree() {
		paths, err := c.gitFiles(ctx)
		if err == nil {
			c.Paths = paths
			return nil
		}
		if ctx.Err() != nil || errors.Is(err, errTooMany) {
			return err
		}
		c.Notes = append(c.Notes, fmt.Sprintf("git could not be asked which files count (%v), so files that it ignores count too", err))
	}
	paths, err := c.walk(ctx)
	c.Paths = paths
	return err
}

var errTooMany = fmt.Errorf("the checkout has more than %d files; name the folder of the environment repository alone", MaxPaths)

// inWorktree says whether the folder or one above it has a .git.
func (c *Checkout) inWorktree() bool {
	for at := c.Dir; ; at = filepath.Dir(at) {
		if exists(filepath.Join(at, ".git")) {
			return true
		}
		if filepath.Dir(at) == at {
			return false
		}
	}
}

// gitFiles returns what git has in its index and what it would add. A checkout may be hostile: nothing that its own
// configuration names is run, and nothing is fetched.
func (c *Checkout) gitFiles(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, gitPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath="+os.DevNull, "-c", "protocol.allow=never", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir, cmd.Env = c.Dir, gitEnviron(os.Environ()) // what runs here is the person's own git, with their PATH and HOME
	var complaint bytes.Buffer
	cmd.Stderr = &limited{to: &complaint, left: 4096}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w", cause(err))
	}
	paths, err := readPaths(out)
	if err != nil {
		cancel()
	}
	if waited := cmd.Wait(); err == nil && waited != nil {
		first, _, _ := strings.Cut(strings.TrimSpace(complaint.String()), "\n")
		err = fmt.Errorf("%s", strings.TrimPrefix(first, "fatal: "))
		if first == "" {
			err = waited
		}
	}
	slices.Sort(paths)
	return slices.Compact(slices.DeleteFunc(paths, c.gone)), err
}

// gone says whether git knows a file that does not stand on disk: one that was removed, and not committed.
func (c *Checkout) gone(path string) bool {
	_, err := c.root.Lstat(filepath.FromSlash(path))
	return errors.Is(err, fs.ErrNotExist)
}

// gitEnviron leaves out what would point git at another repository, as inside a Git hook.
func gitEnviron(environ []string) []string {
	kept := slices.DeleteFunc(slices.Clone(environ), func(v string) bool { return strings.HasPrefix(v, "GIT_") })
	return append(kept, "GIT_OPTIONAL_LOCKS=0", "GIT_NO_LAZY_FETCH=1", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C")
}

// readPaths reads paths that end in NUL. A name with a slash at the end is another repository, whose files are not this one's.
func readPaths(r io.Reader) ([]string, error) {
	var paths []string
	in := bufio.NewReader(r)
	for {
		path, err := in.ReadString(0)
		if errors.Is(err, io.EOF) {
			return paths, nil
		}
		if err != nil {
			return nil, err
		}
		if path = path[:len(path)-1]; !strings.HasSuffix(path, "/") {
			paths = append(paths, path)
		}
		if len(paths) > MaxPaths {
			return nil, errTooMany
		}
	}
}

// walk returns every file below the folder but those of Git. A folder that cannot be read is noted.
func (c *Checkout) walk(ctx context.Context) ([]string, error) {
	var paths []string
	err := fs.WalkDir(c.root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && path == ".":
			return fmt.Errorf("%s cannot be read: %w", c.Dir, cause(err))
		case err != nil:
			c.Notes = append(c.Notes, fmt.Sprintf("%s cannot be read: %v", path, cause(err)))
			return nil
		case d.Name() == ".git" && path != ".":
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		case len(paths) == MaxPaths:
			return errTooMany
		}
		paths = append(paths, filepath.ToSlash(path))
		return nil
	})
	slices.Sort(paths)
	return paths, err
}

// limited writes only so much.
type limited struct {
	to   io.Writer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.left -= n
	_, err := l.to.Write(p[:n])
	return len(p), err
}
