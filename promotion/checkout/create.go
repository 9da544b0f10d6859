package checkout

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"ferry/promotion/config"
)

// Create writes a file at the top of the checkout. It fails with fs.ErrExist where something stands there already, unless it is to be
// replaced; then a reader sees the old content or the new, never half. A symbolic link is replaced and never written through.
func (c *Checkout) Create(name string, content []byte, replace bool) error {
	if _, err := c.root.Lstat(name); !replace && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", filepath.Join(c.Dir, name), fs.ErrExist)
	}
	staged := "." + name + ".ferry-" + rand.Text()[:8]
	if err := c.write(staged, content, 0o644); err != nil {
		return fmt.Errorf("%s cannot be written: %w", filepath.Join(c.Dir, name), err)
	}
	if err := c.rename(staged, name); err != nil {
		return errors.Join(fmt.Errorf("%s cannot be written: %w", filepath.Join(c.Dir, name), cause(err)), c.root.Remove(staged))
	}
	return nil
}

// Top returns the folder in which an environment repository's configuration has to stand: Root(dir), or the top of dir's Git worktree where there
// is no configuration yet. It fails where dir is no folder.
func Top(dir string) (string, error) {
	root, err := Root(dir)
	if err != nil || exists(filepath.Join(root, config.File)) {
		return root, err
	}
	for at := root; ; at = filepath.Dir(at) {
		if exists(filepath.Join(at, ".git")) {
			return at, nil
		}
		if filepath.Dir(at) == at {
			return root, nil
		}
	}
}
