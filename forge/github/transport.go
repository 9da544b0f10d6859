package github

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// maxAnswer bounds one answer's body. GitHub cuts trees at 7 MB and serves blobs as base64, of which Ferry takes 5 MiB.
const maxAnswer = 32 << 20

var errTooLarge = errors.New("the forge's answer is larger than 32 MiB")

// carrier sends requests, tells about them, and bounds the answers. It lies below the transports that sign in, so that it
// sees the requests for tokens too.
type carrier struct {
	base    http.RoundTripper
	routes  *routes
	observe func(method, route string, status int)
	log     *slog.Logger
	now     func() time.Time
}

func newCarrier(cfg Config, basePath string, now func() time.Time) *carrier {
	c := &carrier{base: cfg.HTTP, routes: newRoutes(basePath), observe: cfg.Observe, log: cfg.Logger, now: now}
	if c.base == nil {
		c.base = http.DefaultTransport
	}
	if c.observe == nil {
		c.observe = func(string, string, int) {}
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	return c
}

// RoundTrip observes a status of 0 where no answer came.
func (c *carrier) RoundTrip(req *http.Request) (*http.Response, error) {
	start := c.now()
	route := c.routes.of(req.URL.EscapedPath())
	resp, err := c.base.RoundTrip(req)
	status := 0
	if err == nil {
		status = resp.StatusCode
		resp.Body = &boundedBody{ReadCloser: resp.Body, left: maxAnswer}
	}
	c.observe(req.Method, route, status)
	c.log.DebugContext(req.Context(), "github call", "method", req.Method, "route", route, "status", status, "duration", c.now().Sub(start))
	return resp, err
}

type boundedBody struct {
	io.ReadCloser
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}

// sameHost follows the redirects that GitHub answers for renamed repositories, and none that would carry Ferry's credentials
// to another host: the transports sign every request they see.
func sameHost(req *http.Request, via []*http.Request) error {
	first := via[0].URL
	if req.URL.Host != first.Host || req.URL.Scheme != first.Scheme {
		return fmt.Errorf("the forge redirected to another host, %s, which Ferry does not follow", req.URL.Host)
	}
	if len(via) >= 5 {
		return errors.New("the forge redirected more than five times")
	}
	return nil
}

// routes names the calls Ferry makes by their path in GitHub's description, so that what is counted per route stays few.
type routes struct {
	prefix string
	calls  []call
}

func newRoutes(basePath string) *routes { return &routes{prefix: basePath, calls: calls()} }

// of returns the route of a path, "other" for one that is none of Ferry's.
func (r *routes) of(path string) string {
	if strings.HasSuffix(path, "/graphql") && strings.Count(path, "/") <= 2 {
		return "/graphql"
	}
	segments := strings.Split(strings.TrimPrefix(path, r.prefix), "/")
	for _, c := range r.calls {
		if matches(strings.Split(c.path, "/"), segments) {
			return c.name()
		}
	}
	if matches([]string{"repositories", "{repository_id}", "{path...}"}, segments) { // where GitHub redirects what was renamed
		return "/repositories/{repository_id}/{path}"
	}
	return "other"
}

// find returns the call that a request makes, by its method and its path.
func (r *routes) find(method, path string) (found call, segments []string, ok bool) {
	segments = strings.Split(strings.TrimPrefix(path, r.prefix), "/")
	for _, c := range r.calls {
		if c.method == method && matches(strings.Split(c.path, "/"), segments) {
			return c, segments, true
		}
	}
	return call{}, nil, false
}

func matches(pattern, segments []string) bool {
	for i, want := range pattern {
		if i >= len(segments) {
			return false
		}
		if strings.HasSuffix(want, "...}") {
			return true
		}
		if want != segments[i] && (want[0] != '{' || segments[i] == "") {
			return false
		}
	}
	return len(pattern) == len(segments)
}
