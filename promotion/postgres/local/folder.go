package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// ErrInUse is the error of Start where another process runs a server in the same folder.
var ErrInUse = errors.New("another Ferry runs a server there")

const (
	temporaryPrefix = "ferry-postgres-"
	temporaryMark   = "temporary" // a file that tells a folder to be swept from one that somebody keeps
	logName         = "server.log"
)

// folder is a folder that this process has locked. The lock is one of the kernel's on the folder itself, so it ends with the process,
// however that ends.
type folder struct {
	path      string
	lock      *os.File
	temporary bool
}

func (f *folder) data() string { return filepath.Join(f.path, "data") }

// version returns the major version of the PostgreSQL that wrote the folder's data, 0 where there is none.
func (f *folder) version() int {
	text, err := os.ReadFile(filepath.Join(f.data(), "PG_VERSION"))
	if err != nil {
		return 0
	}
	return versionIn(string(text))
}

// openHome returns the folder of the server's data and the account to run it as, which for kept data is its owner.
func openHome(o Options, acc account) (*folder, account, error) {
	if o.Dir == "" {
		parents := temporaryParents()
		if o.Unsafe {
			parents = unsafeParents()
		}
		f, err := newTemporary(acc, parents)
		return f, acc, err
	}
	path, err := makeKept(o.Dir)
	if err != nil {
		return nil, acc, err
	}
	f, err := lockFolder(path)
	if err != nil {
		return nil, acc, fmt.Errorf("locking %s: %w", path, err)
	}
	if acc, err = f.adopt(acc); err != nil {
		return nil, acc, errors.Join(err, f.close())
	}
	return f, acc, nil
}

// makeKept makes the folder and those above it, and returns its path without symbolic links.
func makeKept(dir string) (string, error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := makeParents(filepath.Dir(path)); err != nil {
		return "", err
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}

// makeParents makes what is missing enterable by everybody: root's umask would otherwise keep the server's account out.
func makeParents(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeParents(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil // another start was quicker
		}
		return err
	}
	return os.Chmod(dir, 0o755)
}

// adopt gives the folder to the account, unless it holds somebody's data already or something that is not a server's.
func (f *folder) adopt(acc account) (account, error) {
	if info, err := os.Stat(f.data()); err == nil {
		return acc.of(f.data(), info)
	}
	entries, err := os.ReadDir(f.path)
	if err != nil {
		return acc, err
	}
	if i := slices.IndexFunc(entries, isForeign); i >= 0 {
		return acc, fmt.Errorf("%s holds other things (%s) and no data of a server; give an empty or a new folder", f.path, entries[i].Name())
	}
	if err := acc.own(f.path); err != nil {
		return acc, err
	}
	return acc, os.Chmod(f.path, 0o700)
}

// isForeign tells what an interrupted first start does not leave behind.
func isForeign(e fs.DirEntry) bool {
	return e.Name() != logName && !strings.HasPrefix(e.Name(), freshPrefix) && !strings.HasPrefix(e.Name(), ".s.PGSQL.")
}

// lockFolder locks a folder for this process, or fails with ErrInUse.
func lockFolder(path string) (*folder, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrInUse
	}
	if err == nil && !same(file, path) {
		err = fs.ErrNotExist // it was removed, and maybe made anew, before the lock was ours
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &folder{path: path, lock: file}, nil
}

func same(file *os.File, path string) bool {
	locked, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(path)
	return err == nil && os.SameFile(locked, named)
}

// socketFolder returns the folder for the server's socket: this one, or a temporary one where the path is too long or
// holds what stands for something else in the server's list of folders.
func (f *folder) socketFolder(acc account) (*folder, error) {
	if len(socketPath(f.path)) < longestSocket && !strings.ContainsAny(f.path, `,"`) {
		return f, nil
	}
	return newTemporary(acc, temporaryParents())
}

// close gives the folder free, after removing it where it is temporary.
func (f *folder) close() error {
	var err error
	if f.temporary {
		err = f.remove()
	}
	return errors.Join(err, f.lock.Close())
}

// remove deletes the folder, the mark last: should the process be killed meanwhile, the next sweep still knows the folder.
func (f *folder) remove() error {
	entries, err := os.ReadDir(f.path)
	for _, e := range entries {
		if e.Name() != temporaryMark {
			err = errors.Join(err, os.RemoveAll(filepath.Join(f.path, e.Name())))
		}
	}
	if err != nil {
		return err
	}
	return os.RemoveAll(f.path)
}

// createLog returns an empty log file of the account.
func (f *folder) createLog(acc account) (*os.File, error) {
	path := filepath.Join(f.path, logName)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := acc.own(path); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// logTail returns the last 2,000 bytes of the server's log, or why it cannot be read.
func (f *folder) logTail() string {
	text, err := os.ReadFile(filepath.Join(f.path, logName))
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text[max(0, len(text)-2000):]))
}
