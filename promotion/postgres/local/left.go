package local

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// clusterName returns the name under which the processes of a data folder's server show in the list of processes.
func clusterName(data string) string {
	return fmt.Sprintf("ferry-%x", sha256.Sum256([]byte(data)))[:30]
}

// left is what still runs on a data folder: the server and its children, which outlive a killed server for a while.
type left struct {
	servers, children []int
}

func (l left) all() []int { return slices.Concat(l.servers, l.children) }

// findLeft looks through the machine's processes. postmaster.pid is not asked: its number may belong to another process
// by now, in a container even probably.
func findLeft(data string) (left, error) {
	commands, err := commandLines()
	if err != nil {
		return left{}, err
	}
	var l left
	server, child := "postgres -D "+data+" ", "postgres: "+clusterName(data)+":"
	for pid, command := range commands {
		switch {
		case pid == os.Getpid():
		case strings.HasPrefix(command, child):
			l.children = append(l.children, pid)
		case strings.Contains(command+" ", server):
			l.servers = append(l.servers, pid)
		}
	}
	return l, nil
}

// endLeft ends what a killed process left running on the data folder, whose lock the caller holds, and removes its lock
// files: PostgreSQL believes them as long as any process has their number.
func endLeft(ctx context.Context, data string, logger *slog.Logger) error {
	if _, err := os.Stat(data); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	steps := []struct {
		signal syscall.Signal
		whom   func(left) []int
		wait   time.Duration
	}{
		{syscall.SIGINT, func(l left) []int { return l.servers }, 10 * time.Second}, // a fast shutdown; to a child it would only cancel a query
		{syscall.SIGQUIT, left.all, 5 * time.Second},
		{syscall.SIGKILL, left.all, 5 * time.Second},
	}
	for _, step := range steps {
		l, err := findLeft(data)
		if err != nil {
			return fmt.Errorf("looking for a server left running on %s: %w", data, err)
		}
		if len(l.all()) == 0 {
			return removeLocks(data)
		}
		whom := step.whom(l)
		if len(whom) == 0 {
			continue
		}
		logger.Info("ending a server that a killed Ferry left running", "data", data, "processes", whom, "signal", step.signal.String())
		for _, pid := range whom {
			if err := syscall.Kill(pid, step.signal); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("ending process %d, left running on %s: %w", pid, data, err)
			}
		}
		if err := awaitNone(ctx, data, step.wait); err != nil {
			return err
		}
	}
	return fmt.Errorf("a server left running on %s does not end; end it by hand", data)
}

// awaitNone returns when nothing runs on the data folder any more, or after the wait; it fails when ctx is done.
func awaitNone(ctx context.Context, data string, wait time.Duration) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	over := time.After(wait)
	for {
		if l, err := findLeft(data); err != nil || len(l.all()) == 0 {
			return err
		}
		select {
		case <-tick.C:
		case <-over:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("waiting for a server left running on %s: %w", data, ctx.Err())
		}
	}
}

func removeLocks(data string) error {
	socket := socketPath(filepath.Dir(data))
	for _, path := range []string{filepath.Join(data, "postmaster.pid"), socket, socket + ".lock"} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
