package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
)

// fullDisk takes nothing.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// TestOutputNotWritten: a local command whose output is lost has failed, and says why.
func TestOutputNotWritten(t *testing.T) {
	t.Parallel()
	files := localFiles()
	for _, args := range [][]string{
		{"plan"}, {"plan", "--output", "json"}, {"lint"}, {"lint", "--output", "json"}, {"lint", "--output", "sarif"}, {"lint", "--output", "github"},
		{"bump", "--environment", "staging", "checkout=1.5.0"}, {"init", "--dry-run"}, {"init", "--dry-run", "--output", "json"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			var stderr bytes.Buffer
			code := run(context.Background(), append(args, "-C", makeCheckout(t, files)), func(string) string { return "" }, fullDisk{}, &stderr)
			if code != exitFailed || strings.Count(stderr.String(), "ferry: the output could not be written: no space left on device") != 1 {
				t.Errorf("exit %d: %s", code, &stderr)
			}
		})
	}
}
