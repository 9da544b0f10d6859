package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const freshPrefix = "fresh-" // data that initdb has not finished

// initialize makes the folder's data with initdb, unless it is there. It is made under another name and renamed when
// complete, so that a kill in the middle leaves nothing that looks like data.
func (f *folder) initialize(ctx context.Context, bin binaries, acc account, unsafe bool) error {
	if err := f.removeFresh(); err != nil {
		return err
	}
	if _, err := os.Stat(f.data()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// A name of its own each time: what a killed initdb started may still write for a moment.
	fresh := filepath.Join(f.path, fmt.Sprintf("%s%d", freshPrefix, time.Now().UnixNano()))
	if err := initdb(ctx, bin, acc, fresh, unsafe); err != nil {
		return err
	}
	return os.Rename(fresh, f.data())
}

func (f *folder) removeFresh() error {
	left, err := filepath.Glob(filepath.Join(f.path, freshPrefix+"*"))
	if err != nil {
		return nil // a folder whose name is no pattern: what is left stays, under a name that nothing uses
	}
	for _, path := range left {
		err = errors.Join(err, os.RemoveAll(path))
	}
	return err
}

func initdb(ctx context.Context, bin binaries, acc account, dir string, unsafe bool) error {
	args := []string{"-D", dir, "-U", role, "--auth-local=trust", "--auth-host=reject", "--encoding=UTF8", "--locale=C"}
	if unsafe {
		args = append(args, "--no-sync")
	}
	var out strings.Builder
	cmd := acc.command(ctx, bin.path("initdb"), args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // with the servers that it runs
	p, err := launch(cmd, syscall.SIGKILL)
	if err != nil {
		return fmt.Errorf("running %s: %w", cmd.Path, err)
	}
	<-p.done
	if p.err != nil {
		return errors.Join(ctx.Err(), fmt.Errorf("%s -D %s as %s: %w\n%s", cmd.Path, dir, acc.name, p.err, strings.TrimSpace(out.String())))
	}
	return nil
}
