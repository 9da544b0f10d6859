package bare

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"
)

// Object is one object as it is stored.
type Object struct {
	SHA  string
	Type string // blob, tree, commit or tag
	Data []byte
}

// Object returns the object that name leads to: an object's name, or a full reference, with git's suffixes such as
// "^{commit}". It fails with ErrMissing where there is none.
func (r *Repo) Object(name string) (Object, error) {
	if name == "" || strings.HasPrefix(name, "-") || strings.ContainsAny(name, "\n\x00") {
		return Object{}, fmt.Errorf("object %q: %w", name, ErrMissing)
	}
	obj, err := r.batch.read(r, name)
	if err != nil && !errors.Is(err, ErrMissing) {
		r.batch.close() // the process may have died of something else: one new start tells
		obj, err = r.batch.read(r, name)
	}
	if err != nil {
		return Object{}, fmt.Errorf("object %q: %w", name, err)
	}
	return obj, nil
}

// batch is one running `git cat-file --batch`: reading an object by it costs no new process. It remembers nothing of
// references, so it never answers with an old one.
type batch struct {
	mu  sync.Mutex
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func (b *batch) start(r *Repo) error {
	if b.cmd != nil {
		return nil
	}
	cmd := exec.Command(r.git.path, "cat-file", "--batch")
	cmd.Dir = r.dir
	cmd.Env = append(r.git.Env(), "GIT_DIR="+r.dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("git cat-file --batch in %s: %w", r.dir, err)
	}
	b.cmd, b.in, b.out = cmd, in, bufio.NewReaderSize(out, 64<<10)
	return nil
}

func (b *batch) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cmd == nil {
		return
	}
	_ = b.in.Close()
	_ = b.cmd.Wait() // it ends with its input; how is of no interest
	b.cmd = nil
}

func (b *batch) read(r *Repo, name string) (Object, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.start(r); err != nil {
		return Object{}, err
	}
	if _, err := io.WriteString(b.in, name+"\n"); err != nil {
		return Object{}, err
	}
	head, err := b.out.ReadString('\n')
	if err != nil {
		return Object{}, err
	}
	f := strings.Fields(strings.TrimPrefix(head, name))
	if len(f) == 1 && f[0] == "missing" || strings.HasSuffix(head, " ambiguous\n") {
		return Object{}, ErrMissing
	}
	f = strings.Fields(head)
	if len(f) != 3 {
		return Object{}, fmt.Errorf("git cat-file answered %q", head)
	}
	size, err := strconv.Atoi(f[2])
	if err != nil {
		return Object{}, fmt.Errorf("git cat-file answered %q", head)
	}
	data := make([]byte, size+1) // git ends each object with a newline
	if _, err := io.ReadFull(b.out, data); err != nil {
		return Object{}, err
	}
	return Object{SHA: f[0], Type: f[1], Data: bytes.TrimSuffix(data, []byte("\n"))}, nil
}
