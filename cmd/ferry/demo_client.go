package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// forgeClient asks the forge's REST API as one of its people.
type forgeClient struct {
	api   string
	token string
}

// maxAnswer bounds an answer of the forge's API.
const maxAnswer = 8 << 20

// do sends a request and reads the answer. It fails where that is not 2xx, with what the forge says.
func (c forgeClient) do(ctx context.Context, method, path string, body, into any) error {
	var content bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&content).Encode(body); err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
	}
	return sendJSON(ctx, method, c.api+path, c.token, &content, into)
}

func (c forgeClient) get(ctx context.Context, path string, into any) error {
	return c.do(ctx, http.MethodGet, path, nil, into)
}

// sendJSON sends a request with a bearer token and reads the JSON that answers it.
func sendJSON(ctx context.Context, method, url, token string, body io.Reader, into any) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, url, err)
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("%s %s: %s: %s", method, url, res.Status, bytes.TrimSpace(answer))
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("%s %s: %w", method, url, err)
	}
	return nil
}

// clone is a clone that the git client made, and that only it reads.
type clone struct{ dir string }

// newClone clones url into dir.
func newClone(ctx context.Context, url, dir string) (clone, error) {
	c := clone{dir}
	_, err := c.git(ctx, "clone", "--quiet", url, dir)
	return c, err
}

// fetch brings the clone up to date with every branch.
func (c clone) fetch(ctx context.Context) error {
	_, err := c.in(ctx, "fetch", "--quiet", "--prune", "origin")
	return err
}

// in runs git in the clone and returns what it prints.
func (c clone) in(ctx context.Context, args ...string) (string, error) {
	return c.git(ctx, append([]string{"-C", c.dir}, args...)...)
}

// exact is in, with the white space at the end: a file's content.
func (c clone) exact(ctx context.Context, args ...string) (string, error) {
	return c.output(ctx, append([]string{"-C", c.dir}, args...)...)
}

func (c clone) git(ctx context.Context, args ...string) (string, error) {
	out, err := c.output(ctx, args...)
	return strings.TrimSpace(out), err
}

func (c clone) output(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.WaitDelay = time.Second
	// Nobody's settings decide what is seen, and nobody is asked for a password.
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_TERMINAL_PROMPT=0", "LC_ALL=C")
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(complaint.Bytes()))
	}
	return out.String(), nil
}

// change is one changed line of a file.
type change struct{ file, before, after string }

// changes returns what differs between two revisions, as git shows it. It fails where anything but single lines changed.
func (c clone) changes(ctx context.Context, from, to string) ([]change, error) {
	out, err := c.in(ctx, "diff", "--no-color", "--no-ext-diff", "--unified=0", from, to)
	if err != nil {
		return nil, err
	}
	var list []change
	file := ""
	for line := range strings.SplitSeq(out, "\n") {
		switch last := len(list) - 1; {
		case strings.HasPrefix(line, "--- "):
		case strings.HasPrefix(line, "+++ "):
			file = strings.TrimPrefix(line, "+++ b/")
		case strings.HasPrefix(line, "-"):
			list = append(list, change{file: file, before: line[1:]})
		case strings.HasPrefix(line, "+") && last >= 0 && list[last].after == "" && list[last].file == file:
			list[last].after = line[1:]
		case strings.HasPrefix(line, "+"):
			return nil, fmt.Errorf("%s has a new line %q", file, line[1:])
		}
	}
	return list, nil
}
