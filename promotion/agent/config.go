package agent

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// The times of an agent that is told none.
const (
	DefaultEvery = 30 * time.Second
	DefaultPoll  = 10 * time.Second
)

// Validate returns everything that is wrong with the configuration, or nil. No secret is part of it.
func (c Config) Validate() error {
	var errs []error
	wrong := func(is bool, format string, args ...any) {
		if is {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	wrong(c.Repository == "" || strings.HasPrefix(c.Repository, "-"), "repository: the URL of the environment repository is expected")
	wrong(holdsPassword(c.Repository), "repository: the URL holds a password, and URLs end up in logs: leave it out and let git's credential helper, GIT_ASKPASS or ssh know it")
	wrong(strings.HasPrefix(c.Branch, "-") || strings.ContainsAny(c.Branch, " \t\r\n:+*?[^~\\") || strings.Contains(c.Branch, ".."), "branch: %q is not the name of a branch", c.Branch)
	for _, p := range c.Paths {
		clean := path.Clean(p)
		wrong(p == "" || path.IsAbs(p) || clean == ".." || strings.HasPrefix(clean, "../") || strings.ContainsRune(p, 0),
			"path: %q is not a folder or file of the repository: give it from the repository's root, such as apps/checkout/staging", p)
	}
	wrong(c.Dir == "", "dir: the agent needs a folder of its own")
	wrong(!isServer(c.Server), "server: Ferry's public address is expected, such as https://ferry.example.com")
	wrong((c.Token == "") == (c.TokenFile == ""), "token: one is needed, from the environment or from a file, and not both")
	wrong(c.Every < 0 || c.Poll < 0, "every, poll: they must not be negative")
	wrong(c.Apply == nil, "apply: it is what the agent is for")
	return errors.Join(errs...)
}

func holdsPassword(repository string) bool {
	u, err := url.Parse(repository)
	if err != nil || u.User == nil {
		return false
	}
	_, is := u.User.Password()
	return is
}

func isServer(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

func (c Config) withDefaults() Config {
	if c.Every == 0 {
		c.Every = DefaultEvery
	}
	if c.Poll == 0 {
		c.Poll = DefaultPoll
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.After == nil {
		c.After = time.After
	}
	if c.HTTP == nil {
		c.HTTP = http.DefaultClient
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Server = strings.TrimRight(c.Server, "/")
	c.Paths = cleanPaths(c.Paths)
	if _, err := os.Stat(c.Repository); err == nil { // git runs elsewhere, where a relative folder would be another
		if abs, err := filepath.Abs(c.Repository); err == nil {
			c.Repository = abs
		}
	}
	c.Logger = c.Logger.With("repository", hideUserinfo(c.Repository))
	for _, name := range [][2]string{{"environment", c.Environment}, {"cluster", c.Cluster}, {"app", c.App}} {
		if name[1] != "" {
			c.Logger = c.Logger.With(name[0], name[1])
		}
	}
	return c
}

// cleanPaths returns the paths as git names them, or none where one of them is the whole repository.
func cleanPaths(paths []string) []string {
	var out []string
	for _, p := range paths {
		if p = path.Clean(p); p == "." {
			return nil
		}
		out = append(out, p)
	}
	return out
}
