// Package bare makes, reads and changes bare Git repositories on disk by running the git binary.
package bare

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The errors of this package. Each is wrapped with what was asked for; ask with errors.Is.
var (
	ErrMissing = errors.New("the repository has no such object or reference")
	ErrMoved   = errors.New("the reference does not stand where it was expected")
	ErrBadName = errors.New("git does not take this name for a reference")
)

// EmptyTree is the name of the tree without entries, which Git knows without storing it.
const EmptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

// Zero is the name that stands for "nothing" where Git expects an object.
const Zero = "0000000000000000000000000000000000000000"

// Git is the git binary with the environment it is run in.
type Git struct {
	path string
	env  []string
}

// Find returns the git binary of PATH. Nothing of the machine's or the user's Git configuration applies to it; home is
// the folder it takes for the user's. It fails where git is not installed.
func Find(home string) (*Git, error) {
	path, err := exec.LookPath("git")
	if err != nil {
		return nil, fmt.Errorf("git is needed and was not found (Debian: apt-get install git): %w", err)
	}
	env := []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + home,
		"LC_ALL=C",
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_TERMINAL_PROMPT=0",
	}
	settings := [][2]string{
		{"safe.directory", "*"},      // a repository may belong to another user than the one who runs this
		{"http.receivepack", "true"}, // who may push is decided before git is run
		{"receive.autogc", "false"},  // an object that was answered once must stay readable
		{"gc.auto", "0"},
		{"core.compression", "1"},
	}
	env = append(env, fmt.Sprintf("GIT_CONFIG_COUNT=%d", len(settings)))
	for i, s := range settings {
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, s[0]), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, s[1]))
	}
	return &Git{path: path, env: env}, nil
}

// Path returns where the binary is.
func (g *Git) Path() string { return g.path }

// Env returns the environment it is run in, as "KEY=value".
func (g *Git) Env() []string { return append([]string(nil), g.env...) }

// Init makes an empty bare repository in dir, whose HEAD names branch. It fails where dir cannot be written.
func (g *Git) Init(dir, branch string) (*Repo, error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, fmt.Errorf("make the folder of repository %s: %w", dir, err)
	}
	cmd := exec.Command(g.path, "init", "--quiet", "--bare", "--template=", "--initial-branch="+branch, dir)
	cmd.Env = g.env
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("git init %s: %w: %s", dir, err, bytes.TrimSpace(out))
	}
	return &Repo{git: g, dir: dir}, nil
}

// Repo is one bare repository. Its methods may be called from several goroutines.
type Repo struct {
	git   *Git
	dir   string
	batch batch

	answers answers
}

// Dir returns the repository's folder.
func (r *Repo) Dir() string { return r.dir }

// Close ends the process that reads objects, if one runs. The repository on disk stays.
func (r *Repo) Close() { r.batch.close() }

// run returns what git writes for args with in as its input. A failed command is an *exitError.
func (r *Repo) run(in []byte, args ...string) ([]byte, error) { return r.runEnv(nil, in, args...) }

func (r *Repo) runEnv(env []string, in []byte, args ...string) ([]byte, error) {
	cmd := exec.Command(r.git.path, args...)
	cmd.Dir = r.dir
	cmd.Env = append(append(r.git.Env(), "GIT_DIR="+r.dir), env...)
	if in != nil {
		cmd.Stdin = bytes.NewReader(in)
	}
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		return out.Bytes(), &exitError{call: "git " + strings.Join(args, " "), code: cmd.ProcessState.ExitCode(), text: strings.TrimSpace(stderr.String()), err: err}
	}
	return out.Bytes(), nil
}

// exitError is a git command that ended with another code than 0.
type exitError struct {
	call string
	code int
	text string
	err  error
}

func (e *exitError) Error() string { return fmt.Sprintf("%s: %v: %s", e.call, e.err, e.text) }
func (e *exitError) Unwrap() error { return e.err }

// exitCode returns the exit code of a failed command, and -1 where err is not one.
func exitCode(err error) int {
	var e *exitError
	if errors.As(err, &e) {
		return e.code
	}
	return -1
}

// lines splits what git wrote at newlines, without an empty last one.
func lines(out []byte) []string {
	s := strings.TrimRight(string(out), "\n")
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}
