package github

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
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

// installed signs in as one installation. Its tokens last an hour and are replaced a minute early; one that GitHub refuses
// before (it was revoked, or this machine's clock is slow) is replaced at once and the request made once more.
type installed struct {
	fresh func() *ghinstallation.Transport

	mu      sync.Mutex
	current *ghinstallation.Transport
}

func (i *installed) RoundTrip(req *http.Request) (*http.Response, error) {
	transport := i.use(nil)
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return nil, tokenFailure(err)
	}
	again, ok := replay(req)
	if resp.StatusCode != http.StatusUnauthorized || !ok {
		return resp, nil
	}
	_ = resp.Body.Close()
	resp, err = i.use(transport).RoundTrip(again)
	if err != nil {
		return nil, tokenFailure(err)
	}
	return resp, nil
}

// use returns the current transport, a new one where the current one is refused.
func (i *installed) use(refused *ghinstallation.Transport) *ghinstallation.Transport {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.current == nil || i.current == refused {
		i.current = i.fresh()
	}
	return i.current
}

func replay(req *http.Request) (*http.Request, bool) {
	again := req.Clone(req.Context())
	if req.Body == nil {
		return again, true
	}
	if req.GetBody == nil {
		return nil, false
	}
	body, err := req.GetBody()
	again.Body = body
	return again, err == nil
}

// budgeted tells of what GitHub says is left of a budget (docs.github.com, "Rate limits for the REST API", headers). Of its several budgets Ferry
// uses the one called core.
type budgeted struct {
	base         http.RoundTripper
	installation int64
	tell         func(installation int64, left int)
}

func (b *budgeted) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resource := resp.Header.Get("X-RateLimit-Resource")
	if left, err := strconv.Atoi(resp.Header.Get("X-RateLimit-Remaining")); err == nil && (resource == "" || resource == "core") {
		b.tell(b.installation, left)
	}
	return resp, nil
}

// routes names the calls Ferry makes by their path in GitHub's description, so that what is counted per route stays few.
type routes struct {
	prefix   string
	patterns [][]string
}

func newRoutes(basePath string) *routes {
	const repo = "repos/{owner}/{repo}"
	r := &routes{prefix: basePath}
	for _, path := range []string{
		"app", "app/hook/deliveries", "app/hook/deliveries/{delivery_id}/attempts", "app/installations", "app/installations/{installation_id}/access_tokens", "installation/repositories",
		"user", "user/repos", "users/{username}", "repositories/{repository_id}", "repositories/{repository_id}/{path...}", repo,
		repo + "/branches/{branch}", repo + "/rules/branches/{branch}", repo + "/collaborators/{username}/permission",
		repo + "/git/ref/{ref...}", repo + "/git/refs", repo + "/git/refs/{ref...}",
		repo + "/git/trees", repo + "/git/trees/{tree_sha}", repo + "/git/blobs", repo + "/git/blobs/{file_sha}",
		repo + "/git/commits", repo + "/git/commits/{commit_sha}", repo + "/commits", repo + "/contents/{path...}",
		repo + "/compare/{basehead}", repo + "/statuses/{sha}", repo + "/commits/{ref}/status",
		repo + "/commits/{ref}/statuses", repo + "/commits/{ref}/check-runs", repo + "/check-runs", repo + "/check-runs/{check_run_id}",
		repo + "/pulls", repo + "/pulls/{pull_number}", repo + "/pulls/{pull_number}/files", repo + "/pulls/{pull_number}/merge",
		repo + "/issues", repo + "/issues/{issue_number}", repo + "/issues/{issue_number}/comments",
		repo + "/issues/comments", repo + "/issues/comments/{comment_id}", repo + "/issues/comments/{comment_id}/reactions",
	} {
		r.patterns = append(r.patterns, strings.Split(path, "/"))
	}
	return r
}

// of returns the route of a path, "other" for one that is none of Ferry's.
func (r *routes) of(path string) string {
	if strings.HasSuffix(path, "/graphql") && strings.Count(path, "/") <= 2 {
		return "/graphql"
	}
	segments := strings.Split(strings.TrimPrefix(path, r.prefix), "/")
	for _, pattern := range r.patterns {
		if matches(pattern, segments) {
			return "/" + strings.ReplaceAll(strings.Join(pattern, "/"), "...}", "}")
		}
	}
	return "other"
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
