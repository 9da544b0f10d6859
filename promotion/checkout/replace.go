package checkout

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// Change is a file that is to be replaced.
type Change struct {
	Path   string
	Before []byte // what has to stand there still
	After  []byte
}

// ErrChanged is the error where a file is not what it was when the change was made from it.
var ErrChanged = errors.New("it was changed in the meantime; run the command again")

// Replace writes all changes or none: each new content is first written beside its file, and only then is one after the other renamed into
// place, with the file's own permissions. It fails before the first rename where a file is no longer what the change was made from, or cannot
// be written beside; where a rename fails, the files renamed before get their old content back. A reader sees each file old or new, never half.
func (c *Checkout) Replace(changes []Change) error {
	staged := make([]string, 0, len(changes))
	defer func() {
		for _, name := range staged {
			_ = c.root.Remove(name) // gone where it was renamed
		}
	}()
	for _, change := range changes {
		name, err := c.stage(change.Path, change.Before, change.After)
		if err != nil {
			return fmt.Errorf("nothing was written: %s: %w", change.Path, err)
		}
		staged = append(staged, name)
	}
	for i, change := range changes {
		if err := c.rename(staged[i], filepath.FromSlash(change.Path)); err != nil {
			return c.takeBack(changes[:i], fmt.Errorf("%s: %w", change.Path, cause(err)))
		}
	}
	return nil
}

// stage writes content beside the file, and returns the name of what it wrote.
func (c *Checkout) stage(at string, before, after []byte) (string, error) {
	now, _, err := c.Read(at)
	switch {
	case err != nil:
		return "", err
	case !bytes.Equal(now, before):
		return "", ErrChanged
	}
	info, err := c.Stat(at)
	if err != nil {
		return "", cause(err)
	}
	name := filepath.FromSlash(path.Join(path.Dir(at), "."+path.Base(at)+".ferry-"+rand.Text()[:8]))
	return name, c.write(name, after, info.Mode().Perm())
}

// write makes a new file, durably, and leaves none behind where it fails.
func (c *Checkout) write(name string, content []byte, perm fs.FileMode) error {
	f, err := c.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return fmt.Errorf("cannot be written beside: %w", cause(err))
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(perm), f.Sync(), f.Close()) // the umask took permissions away that the old file has
	if err != nil {
		return errors.Join(err, c.root.Remove(name))
	}
	return nil
}

// takeBack gives the files their old content back.
func (c *Checkout) takeBack(changes []Change, why error) error {
	for _, change := range changes {
		name, err := c.stage(change.Path, change.After, change.Before)
		if err == nil {
			err = c.rename(name, filepath.FromSlash(change.Path))
		}
		if err != nil {
			return fmt.Errorf("%w; %s was written and cannot be taken back (%w): look at it with git diff", why, change.Path, cause(err))
		}
	}
	return fmt.Errorf("nothing was written: %w", why)
}
