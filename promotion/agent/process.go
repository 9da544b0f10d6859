package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

const (
	grace      = 5 * time.Second        // for a program that is told to end
	letGo      = 500 * time.Millisecond // for what a program leaves running to close the output, after which nobody reads it
	tailBytes  = 8 << 10                // of a program's output are kept
	maxMessage = 1024                   // bytes of a report's message
)

// execute runs the program in a session of its own, so that it can be ended with all that it started and asks nobody at a terminal. It returns
// the end of what it wrote to stderr, and to stdout unless that goes elsewhere. After limit (0: never) and when ctx ends it is told to end.
func execute(ctx context.Context, cmd *exec.Cmd, stdout io.Writer, limit time.Duration) (string, error) {
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, fmt.Errorf("it did not end within %s", limit))
		defer cancel()
	}
	out := &tail{}
	cmd.Stdout, cmd.Stderr = stdout, out
	if stdout == nil {
		cmd.Stdout = out
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err := runGroup(ctx, cmd)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	return out.text(maxMessage), err
}

// runGroup starts the command and waits for it. Processes that it leaves running on purpose stay, unless it was told to end.
func runGroup(ctx context.Context, cmd *exec.Cmd) error {
	cmd.WaitDelay = letGo
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	group := -cmd.Process.Pid
	ended, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-ended:
			return
		case <-ctx.Done():
		}
		_ = syscall.Kill(group, syscall.SIGTERM) // it may have ended by itself
		select {
		case <-ended:
		case <-time.After(grace):
		}
		_ = syscall.Kill(group, syscall.SIGKILL)
	}()
	err := cmd.Wait()
	close(ended)
	<-watched
	if errors.Is(err, exec.ErrWaitDelay) { // it ended well; something it left running still holds its output
		return nil
	}
	return err
}

// tail keeps the end of what is written to it.
type tail struct{ kept []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if len(t.kept) > 2*tailBytes {
		t.kept = append([]byte(nil), t.kept[len(t.kept)-tailBytes:]...)
	}
	return len(p), nil
}

// text returns the last lines that fit in so many bytes.
func (t *tail) text(limit int) string { return lastLines(string(t.kept), limit) }

func lastLines(text string, limit int) string {
	text = strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD"))
	if len(text) <= limit {
		return text
	}
	text = text[len(text)-limit:]
	if _, whole, ok := strings.Cut(text, "\n"); ok && whole != "" {
		return whole
	}
	return strings.ToValidUTF8(text, "")
}
