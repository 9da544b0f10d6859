// Package checkout reads a person's checkout of an environment repository from disk, says what its files desire of each app in each environment, and replaces them safely.
package checkout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"ferry/promotion/config"
	"ferry/promotion/manifest"
)

// MaxPaths is how many files a checkout may have. Git itself grows slow long before that.
const MaxPaths = 1_000_000

// MaxContent is how many bytes all manifests together may have. They are all held in memory.
const MaxContent = 1 << 30

// Checkout is the list of files below one folder. Their contents are read when they are asked for, never through a
// symbolic link and never outside of the folder. It may be used from several goroutines.
type Checkout struct {
	Dir   string   // the folder, absolute
	Paths []string // relative to Dir, with "/", sorted; symbolic links are named, and not followed
	Notes []string // what a person should know of how the files were found, such as that git could not be asked

	most   int64 // MaxContent
	root   *os.Root
	rename func(from, to string) error // root's
}

// Open lists the files of the environment repository that dir is in (see Root). Inside a Git worktree what git ignores is
// left out; where git cannot be asked every file counts but those of .git, and a note says so. It fails where the folder
// cannot be read, and where it has more than MaxPaths files.
func Open(ctx context.Context, dir string) (*Checkout, error) {
	dir, err := Root(dir)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", dir, cause(err))
	}
	c := &Checkout{Dir: dir, most: MaxContent, root: root, rename: root.Rename}
	if err := c.list(ctx); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return c, nil
}

// Close lets go of the folder.
func (c *Checkout) Close() error { return c.root.Close() }

// Root returns the folder of the environment repository that dir is in: the nearest one upward that has a .ferry.yaml, not
// beyond the top of its Git worktree; dir itself where there is none. It fails where dir is no folder.
func Root(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("where is %s? %w", dir, err)
	}
	dir = abs
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return "", fmt.Errorf("%s cannot be read: %w; name the folder of a checkout", dir, cause(err))
	case !info.IsDir():
		return "", fmt.Errorf("%s is no folder; name the folder of a checkout", dir)
	}
	for at := dir; ; at = filepath.Dir(at) {
		if exists(filepath.Join(at, config.File)) {
			return at, nil
		}
		if exists(filepath.Join(at, ".git")) || filepath.Dir(at) == at {
			return dir, nil
		}
	}
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// UnreadableError is why a file is not read. Reason is a sentence that names the path.
type UnreadableError struct {
	Path   string
	Reason string
}

func (e *UnreadableError) Error() string { return e.Reason }

// Read returns the content of a file, and whether it is executable. It fails with an *UnreadableError for a symbolic link
// and anything else that is no plain file, for a path that leaves the checkout, and beyond manifest.MaxSize bytes; with
// fs.ErrNotExist where there is nothing.
func (c *Checkout) Read(path string) (content []byte, executable bool, err error) {
	refuse := func(reason string) ([]byte, bool, error) {
		return nil, false, &UnreadableError{Path: path, Reason: path + " " + reason}
	}
	info, err := c.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, false, err
	case err != nil:
		return refuse("cannot be read: " + cause(err).Error())
	case info.Mode()&fs.ModeSymlink != 0:
		return refuse("is a symbolic link; Ferry reads and edits only files, so put the file itself there")
	case info.IsDir():
		return refuse("is a folder or a submodule; Ferry reads and edits only files of the repository itself")
	case !info.Mode().IsRegular():
		return refuse("is no plain file; Ferry reads and edits only files")
	case info.Size() > manifest.MaxSize:
		return refuse(fmt.Sprintf("has %d bytes, %d are allowed; split it", info.Size(), manifest.MaxSize))
	}
	f, err := c.root.Open(filepath.FromSlash(path))
	if err != nil {
		return refuse("cannot be read: " + cause(err).Error())
	}
	defer func() { _ = f.Close() }() // nothing was written
	content, err = io.ReadAll(io.LimitReader(f, manifest.MaxSize+1))
	switch {
	case err != nil:
		return refuse("cannot be read: " + cause(err).Error())
	case len(content) > manifest.MaxSize:
		return refuse(fmt.Sprintf("grew beyond %d bytes while it was read; split it", manifest.MaxSize))
	}
	return content, info.Mode().Perm()&0o111 != 0, nil
}

// Stat describes what stands at a path, a symbolic link itself and not where it leads. It fails where a folder on the way
// is a symbolic link: git knows no file behind one.
func (c *Checkout) Stat(path string) (fs.FileInfo, error) {
	if !filepath.IsLocal(filepath.FromSlash(path)) || strings.ContainsRune(path, 0) {
		return nil, fmt.Errorf("the path leaves the repository")
	}
	for at, rest := 0, path; ; {
		i := strings.IndexByte(rest, '/')
		if i < 0 {
			return c.root.Lstat(filepath.FromSlash(path))
		}
		at, rest = at+i+1, rest[i+1:]
		info, err := c.root.Lstat(filepath.FromSlash(path[:at-1]))
		if err != nil {
			return nil, err
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			return nil, fmt.Errorf("%s is a symbolic link, and the repository has no file behind it", path[:at-1])
		}
	}
}

// cause returns what the system said, without the path: the message has it already.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
