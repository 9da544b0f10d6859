package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// asHastyFerry in the environment makes the test binary be `ferry serve`, with its value as the time of a lease: what a killed process has left is
// taken up after that, and tests of many kills cannot wait for the real one.
const asHastyFerry = "FERRY_TEST_AS_HASTY_FERRY"

// serveHastily is main for `ferry serve`, but for the lease.
func serveHastily(lease string) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := readSettings(os.Getenv)
	logger := newLogger(s.LogFormat, os.Stderr)
	svc := newService(s, nil, time.Now, logger)
	if err == nil {
		svc.lease, err = time.ParseDuration(lease)
	}
	if err == nil {
		err = svc.serve(ctx, os.Getenv)
	}
	if err != nil {
		logger.Error("ferry ends", "error", err)
		os.Exit(exitStatus(err))
	}
	os.Exit(exitGood)
}

// child is a `ferry serve` in a process of its own.
type child struct {
	cmd     *exec.Cmd
	address string
	log     *syncBuffer
	ended   chan struct{} // closed once the process is gone
	err     error         // how it ended
}

// startChild starts one and waits until it listens.
func startChild(t testing.TB, env ...string) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: exec.Command(self), log: &syncBuffer{}, ended: make(chan struct{})}
	c.cmd.Env = append(append(ownEnviron(), "FERRY_LISTEN=127.0.0.1:0", "FERRY_GITHUB_CONTENT_PER_MINUTE=0", "FERRY_GITHUB_CONTENT_PER_HOUR=0"), env...)
	c.cmd.Stderr = c.log
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		c.err = c.cmd.Wait()
		close(c.ended)
	}()
	t.Cleanup(func() {
		c.kill()
		if t.Failed() {
			t.Logf("process %d (%v):\n%s", c.cmd.Process.Pid, c.err, tail(c.log.String()))
		}
	})
	eventually(t, "a process that listens", func() bool { return c.gone() || listening.MatchString(c.log.String()) })
	if found := listening.FindStringSubmatch(c.log.String()); found != nil {
		c.address = found[1]
	}
	return c
}

// ownEnviron is the environment of the tests without the settings of a Ferry that whoever runs them has installed: to a process that has its own these
// would be a second App, or another database.
func ownEnviron() []string {
	return slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return name == "DATABASE_URL" || strings.HasPrefix(name, "FERRY_") && name != "FERRY_POSTGRES_BIN"
	})
}

// tail is the end of a log that is too long to read.
func tail(log string) string { return log[max(0, len(log)-20_000):] }

func (c *child) gone() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// kill ends the process at once and returns when it is gone.
func (c *child) kill() {
	_ = c.cmd.Process.Kill() // it may be gone already
	<-c.ended
}

func (c *child) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := c.cmd.Process.Signal(s); err != nil {
		t.Error(err)
	}
}

// freeze stops the process (SIGSTOP) and returns when it stands still: on a busy machine its threads go on for a while. It fails the test otherwise.
func (c *child) freeze(t *testing.T) {
	t.Helper()
	c.signal(t, syscall.SIGSTOP)
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(patience); !c.standsStill(t); <-again.C {
		if time.Now().After(deadline) {
			t.Errorf("process %d does not stand still", c.cmd.Process.Pid)
			return
		}
	}
}

// standsStill says whether each thread is stopped: T is the state that stands behind the thread's name, which is in brackets (proc(5)).
func (c *child) standsStill(t *testing.T) bool {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", c.cmd.Process.Pid))
	if err != nil {
		t.Error(err)
	}
	for _, thread := range threads {
		stat, err := os.ReadFile(thread)
		if err == nil && !bytes.HasPrefix(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" T")) {
			return false
		}
	}
	return len(threads) > 0
}

// stops asks the process to end, and returns how long it took; it fails unless it ended well within ten seconds.
func (c *child) stops(t *testing.T) time.Duration {
	t.Helper()
	began := time.Now()
	c.signal(t, syscall.SIGTERM)
	select {
	case <-c.ended:
	case <-time.After(10 * time.Second):
		t.Errorf("process %d did not stop within ten seconds", c.cmd.Process.Pid)
		return 10 * time.Second
	}
	if c.err != nil {
		t.Errorf("process %d ended with %v", c.cmd.Process.Pid, c.err)
	}
	return time.Since(began)
}

// answers returns the status that a GET of the process has; 0 where there is no answer.
func (c *child) answers(path string) int {
	res, err := http.Get("http://" + c.address + path)
	if err != nil {
		return 0
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// balancer sends connections to the processes in turn, as a load balancer with health checks does.
type balancer struct {
	behind atomic.Pointer[[]*child]
	turn   atomic.Int64
}

func (b *balancer) set(children ...*child) { b.behind.Store(&children) }

// client returns a client that reaches the processes under any name.
func (b *balancer) client() *http.Client {
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, DialContext: b.dial}}
}

func (b *balancer) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	children := b.behind.Load()
	if children == nil || len(*children) == 0 {
		return nil, errors.New("nobody is there")
	}
	for range *children {
		c := (*children)[int(b.turn.Add(1))%len(*children)]
		if c.gone() {
			continue
		}
		return (&net.Dialer{}).DialContext(ctx, network, c.address)
	}
	return nil, fmt.Errorf("all %d are gone", len(*children))
}
