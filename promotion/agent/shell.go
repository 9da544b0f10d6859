package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"ferry/promotion"
)

// Shell is a command for `sh -c`, run at the root of the checkout. Its methods are what Config takes as Apply, Health and Images. It finds in its
// environment FERRY_REVISION, FERRY_BRANCH, FERRY_ENVIRONMENT, FERRY_CLUSTER, FERRY_APP and FERRY_PATHS (one on a line), and nothing else of Ferry's.
type Shell struct {
	Command string
	Timeout time.Duration // 0: none
	Env     []string      // what it inherits; the process's own environment where it is nil
}

// Apply runs the command. It fails, with the last lines of its output, where the command ends with anything but 0.
func (s Shell) Apply(ctx context.Context, at Checkout) error {
	output, err := execute(ctx, s.command(at), nil, s.Timeout)
	switch {
	case err == nil:
		return nil
	case output == "":
		return err
	}
	return &outputError{output: output, err: err}
}

// outputError shows first what the command said: that is what people look for.
type outputError struct {
	output string
	err    error
}

func (e *outputError) Error() string { return e.output + "\n" + e.err.Error() }
func (e *outputError) Unwrap() error { return e.err }

// Health runs the command and returns what its exit status says, which is what monitoring plugins use: 0 is healthy, 1 progressing, 2 degraded. Any
// other, a signal and running out of time are unknown. The string is the end of its output, unless it is healthy.
func (s Shell) Health(ctx context.Context, at Checkout) (promotion.Health, string) {
	output, err := execute(ctx, s.command(at), nil, s.Timeout)
	var exit *exec.ExitError
	switch {
	case err == nil:
		return promotion.HealthHealthy, ""
	case !errors.As(err, &exit):
		return promotion.HealthUnknown, strings.TrimSpace("the health command: " + err.Error() + "\n" + output)
	case exit.ExitCode() == 1:
		return promotion.HealthProgressing, output
	case exit.ExitCode() == 2:
		return promotion.HealthDegraded, output
	}
	return promotion.HealthUnknown, strings.TrimSpace(fmt.Sprintf("the health command: %s\n%s", exit, output))
}

// maxImagesOutput is enough for as many images as a report may have.
const maxImagesOutput = 1 << 20

// Images runs the command and returns the image references it prints, one on a line. It fails where the command does, or prints over 1 MiB.
func (s Shell) Images(ctx context.Context, at Checkout) ([]string, error) {
	out := &bounded{limit: maxImagesOutput}
	output, err := execute(ctx, s.command(at), out, s.Timeout)
	if err != nil {
		return nil, fmt.Errorf("the images command: %w: %s", err, output)
	}
	var images []string
	for line := range strings.Lines(out.text.String()) {
		if line = strings.TrimSpace(line); line != "" {
			images = append(images, line)
		}
	}
	return images, nil
}

// bounded fails a program that writes more than its limit.
type bounded struct {
	text  bytes.Buffer
	limit int
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.text.Len()+len(p) > b.limit {
		return 0, fmt.Errorf("the output is over %d bytes", b.limit)
	}
	return b.text.Write(p)
}

func (s Shell) command(at Checkout) *exec.Cmd {
	base := s.Env
	if base == nil {
		base = os.Environ()
	}
	known := at.secrets
	if known == nil {
		known = &secrets{}
	}
	cmd := exec.Command("sh", "-c", s.Command)
	cmd.Dir = at.Dir
	cmd.Env = append(known.environ(base),
		"FERRY_REVISION="+string(at.Revision), "FERRY_BRANCH="+at.Branch, "FERRY_ENVIRONMENT="+at.Environment,
		"FERRY_CLUSTER="+at.Cluster, "FERRY_APP="+at.App, "FERRY_PATHS="+strings.Join(at.Paths, "\n"))
	return cmd
}
