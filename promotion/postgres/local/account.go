package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is whom the server runs as. PostgreSQL refuses to run as root.
type account struct {
	name     string
	uid, gid uint32
	switched bool // this process is root and the server is somebody else
}

// serverAccount returns the account of this process, or for root that of "postgres", else of "nobody".
func serverAccount() (account, error) {
	if uid := os.Geteuid(); uid != 0 {
		return account{name: "uid " + strconv.Itoa(uid), uid: uint32(uid), gid: uint32(os.Getegid())}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			return newAccount(u)
		}
	}
	return account{}, errors.New("PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody; start Ferry as another user or give DATABASE_URL")
}

func newAccount(u *user.User) (account, error) {
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return account{}, fmt.Errorf("reading the uid of user %s: %w", u.Username, err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return account{}, fmt.Errorf("reading the gid of user %s: %w", u.Username, err)
	}
	return account{name: "user " + u.Username, uid: uint32(uid), gid: uint32(gid), switched: true}, nil
}

// of returns the account that owns existing data: root runs the server as its owner, anybody else must be it.
func (a account) of(dir string, info fs.FileInfo) (account, error) {
	owner := info.Sys().(*syscall.Stat_t)
	if owner.Uid == a.uid {
		return a, nil
	}
	if !a.switched || owner.Uid == 0 {
		return a, fmt.Errorf("%s belongs to uid %d and the server would run as %s; start Ferry as that user or choose another folder", dir, owner.Uid, a.name)
	}
	return account{name: fmt.Sprintf("uid %d", owner.Uid), uid: owner.Uid, gid: owner.Gid, switched: true}, nil
}

// command returns a command of that account. Its working directory is /, because this process' own may be closed to
// it, and of the environment it gets only what a program needs to run: PGDATA, PGPORT and the like would be obeyed.
func (a account) command(ctx context.Context, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = "/"
	cmd.Env = []string{"LC_ALL=C", "TZ=UTC", "PATH=" + os.Getenv("PATH")}
	if libraries := os.Getenv("LD_LIBRARY_PATH"); libraries != "" {
		cmd.Env = append(cmd.Env, "LD_LIBRARY_PATH="+libraries)
	}
	// A group of its own: Ctrl-C in a terminal reaches the whole group, and Ferry ends its server itself, last.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if a.switched {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	return cmd
}

// own gives a file or folder to the account.
func (a account) own(path string) error {
	if !a.switched {
		return nil
	}
	return os.Lchown(path, int(a.uid), int(a.gid))
}

// mustEnter fails where the account cannot reach the folder, and says because of which one. It tries: modes alone do not
// tell (access lists, mounts).
func (a account) mustEnter(ctx context.Context, bin binaries, dir string) error {
	if !a.switched {
		return nil
	}
	cmd := a.command(ctx, bin.path("postgres"), "--version")
	cmd.Dir = dir
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("as root Ferry runs the server as %s, who cannot enter %s (%w; %s): choose a folder directly under /var/lib or the temporary directory",
			a.name, dir, err, cmp.Or(a.closedFolder(dir), "the modes allow it, an access list or a mount does not"))
	}
	return nil
}

// closedFolder says which folder on the way, the outermost first, keeps the account out by its mode; "" where none does.
func (a account) closedFolder(dir string) string {
	closed := ""
	for {
		if info, err := os.Stat(dir); err == nil && !a.mayEnter(info) {
			closed = fmt.Sprintf("%s is closed to %s by its mode %s", dir, a.name, info.Mode())
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return closed
		}
		dir = parent
	}
}

func (a account) mayEnter(info fs.FileInfo) bool {
	owner := info.Sys().(*syscall.Stat_t)
	switch {
	case owner.Uid == a.uid:
		return info.Mode()&0o100 != 0
	case owner.Gid == a.gid:
		return info.Mode()&0o010 != 0
	}
	return info.Mode()&0o001 != 0
}
