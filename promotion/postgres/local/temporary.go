package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// temporaryParents returns the directories under which temporary folders stand. TMPDIR may be closed to the server's account or too
// long for a socket; then the system's own is taken.
func temporaryParents() []string {
	parents := []string{filepath.Clean(os.TempDir())}
	for _, dir := range []string{"/tmp", "/var/tmp"} {
		if !slices.Contains(parents, dir) {
			parents = append(parents, dir)
		}
	}
	return parents
}

// memory is where Linux has a file system that is not on disk: making the hundreds of files of a database is much cheaper there.
const memory = "/dev/shm"

// roomInMemory is how many bytes memory must have free before a server's data is put there; a container has 64 MiB.
const roomInMemory = 6 << 30

// unsafeParents are temporaryParents, and before them memory, where that has room and nobody named another place.
func unsafeParents() []string {
	var st syscall.Statfs_t
	if os.Getenv("TMPDIR") != "" || syscall.Statfs(memory, &st) != nil || st.Bavail*uint64(st.Bsize) < roomInMemory {
		return temporaryParents()
	}
	return append([]string{memory}, temporaryParents()...)
}

// newTemporary returns a new, locked folder of the account under the first of the directories that it can enter.
func newTemporary(acc account, parents []string) (*folder, error) {
	var refused []error
	for _, parent := range parents {
		f, err := makeTemporary(parent, acc)
		if err == nil {
			return f, nil
		}
		refused = append(refused, err)
	}
	return nil, fmt.Errorf("no temporary folder for %s: %w", acc.name, errors.Join(refused...))
}

func makeTemporary(parent string, acc account) (*folder, error) {
	parent, err := filepath.EvalSymlinks(parent)
	if err != nil {
		return nil, err
	}
	if closed := acc.closedFolder(parent); acc.switched && closed != "" {
		return nil, errors.New(closed)
	}
	if len(socketPath(filepath.Join(parent, temporaryPrefix+"0123456789"))) >= longestSocket {
		return nil, fmt.Errorf("%s is too long a path for a socket", parent)
	}
	for {
		f, err := lockNew(parent)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrInUse) {
			continue // another process' sweep took it for left over before it was locked
		}
		if err != nil {
			return nil, err
		}
		if err := f.mark(acc); err != nil {
			return nil, errors.Join(err, f.close())
		}
		return f, nil
	}
}

func lockNew(parent string) (*folder, error) {
	path, err := os.MkdirTemp(parent, temporaryPrefix+"*")
	if err != nil {
		// Not wrapped: a missing parent must not look like a folder that was swept.
		return nil, fmt.Errorf("making a folder under %s: %s", parent, err.Error())
	}
	f, err := lockFolder(path)
	if err != nil {
		return nil, err
	}
	f.temporary = true
	return f, nil
}

// mark makes the folder known to sweeps and gives it to the account.
func (f *folder) mark(acc account) error {
	if err := os.WriteFile(filepath.Join(f.path, temporaryMark), nil, 0o600); err != nil {
		return err
	}
	return acc.own(f.path)
}

// sweep ends the servers and removes the temporary folders that killed processes left behind. What cannot be removed is
// only logged: it does not keep a new server from starting.
func sweep(ctx context.Context, acc account, logger *slog.Logger) {
	for _, parent := range append(temporaryParents(), memory) {
		left, err := filepath.Glob(filepath.Join(parent, temporaryPrefix+"*"))
		if err != nil {
			continue // a directory whose name is no pattern
		}
		for _, path := range left {
			if err := sweepOne(ctx, path, acc, logger); err != nil {
				logger.Warn("left-over private PostgreSQL not removed", "folder", path, "error", err)
			}
		}
	}
}

func sweepOne(ctx context.Context, path string, acc account, logger *slog.Logger) error {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() {
		return nil
	}
	// In a directory that everybody writes to, only folders of our own making are touched.
	if owner := info.Sys().(*syscall.Stat_t).Uid; int(owner) != os.Geteuid() && owner != acc.uid {
		return nil
	}
	f, err := lockFolder(path)
	if errors.Is(err, ErrInUse) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	f.temporary = f.isMarked()
	if !f.temporary {
		return f.close()
	}
	logger.Info("removing what a killed Ferry left behind", "folder", path)
	return errors.Join(endLeft(ctx, f.data(), logger), f.close())
}

// isMarked tells a temporary folder from a kept one. An empty one was left between its making and its marking.
func (f *folder) isMarked() bool {
	if _, err := os.Lstat(filepath.Join(f.path, temporaryMark)); err == nil {
		return true
	}
	entries, err := os.ReadDir(f.path)
	return err == nil && len(entries) == 0
}
