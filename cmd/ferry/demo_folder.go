package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

const demoPrefix = "ferry-demo-"

// demoFolder is the temporary folder of a running demo. It is locked for as long as the process lives: so that one which a killed demo left can be told
// from one in use.
type demoFolder struct {
	path string
	lock *os.File
}

// newDemoFolder makes a folder, after it has removed those that killed demos left.
func newDemoFolder() (*demoFolder, error) {
	if err := removeLeftDemos(); err != nil {
		return nil, err
	}
	for {
		path, err := os.MkdirTemp("", demoPrefix)
		if err != nil {
			return nil, fmt.Errorf("making a temporary folder: %w", err)
		}
		f, err := lockDemoFolder(path)
		if err != nil {
			return nil, err
		}
		if f != nil {
			return f, nil
		} // else another demo, which started just now, took it for left
	}
}

// lockDemoFolder locks a folder; it returns nil where another process holds it, or has removed it.
func lockDemoFolder(path string) (*demoFolder, error) {
	lock, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("locking the demo's temporary folder: %w", err)
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		opened, openedErr := lock.Stat()
		named, namedErr := os.Lstat(path)
		if openedErr == nil && namedErr == nil && os.SameFile(opened, named) {
			return &demoFolder{path, lock}, nil
		}
	}
	if closeErr := lock.Close(); closeErr != nil || err != nil && !errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("locking the demo's temporary folder %s: %w", path, errors.Join(err, closeErr))
	}
	return nil, nil
}

// close removes the folder.
func (f *demoFolder) close() error {
	err := errors.Join(os.RemoveAll(f.path), f.lock.Close())
	if err != nil {
		err = fmt.Errorf("removing the demo's temporary folder: %w", err)
	}
	return err
}

// removeLeftDemos removes this account's folders of demos that were killed. A folder of somebody else's, and what only has such a name, is left alone.
func removeLeftDemos() error {
	entries, err := os.ReadDir(os.TempDir())
	if err != nil {
		return fmt.Errorf("looking for what killed demos left: %w", err)
	}
	for _, e := range entries {
		path := filepath.Join(os.TempDir(), e.Name())
		if matches, err := filepath.Match(demoPrefix+"*", e.Name()); err != nil || !matches || !ownFolder(path) {
			continue
		}
		f, err := lockDemoFolder(path)
		if err != nil {
			return err
		}
		if f == nil {
			continue
		}
		if err := f.close(); err != nil {
			return err
		}
	}
	return nil
}

func ownFolder(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
