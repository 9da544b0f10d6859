package github_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/github"
)

func TestErrors(t *testing.T) {
	t.Parallel()
	reset := strconv.FormatInt(noon.Add(7*time.Minute).Unix(), 10)
	for name, test := range map[string]struct {
		status  int
		body    string
		headers []string
		want    error     // nil where until is given
		until   time.Time // of a *forge.RateLimited
		text    string
	}{
		"400":                  {400, `{"message":"Problems parsing JSON"}`, nil, forge.ErrInvalid, time.Time{}, "Problems parsing JSON"},
		"401":                  {401, `{"message":"Bad credentials"}`, nil, forge.ErrUnauthorized, time.Time{}, "FERRY_GITHUB_TOKEN"},
		"a second factor":      {401, `{"message":"Must specify two-factor authentication OTP code."}`, []string{"X-GitHub-OTP", "required; app"}, forge.ErrUnauthorized, time.Time{}, "second factor"},
		"403":                  {403, `{"message":"Resource not accessible by integration"}`, []string{"X-Accepted-GitHub-Permissions", "contents=write"}, forge.ErrForbidden, time.Time{}, "contents=write"},
		"403 with calls left":  {403, `{"message":"no"}`, []string{"X-RateLimit-Remaining", "12"}, forge.ErrForbidden, time.Time{}, "no"},
		"primary limit":        {403, `{"message":"API rate limit exceeded"}`, []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", reset}, nil, noon.Add(7 * time.Minute), "rate limit"},
		"primary, no reset":    {403, `{"message":"API rate limit exceeded"}`, []string{"X-RateLimit-Remaining", "0"}, nil, noon.Add(time.Minute), ""},
		"primary as 429":       {429, `{"message":"API rate limit exceeded"}`, []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", reset}, nil, noon.Add(7 * time.Minute), ""},
		"secondary by address": {403, `{"message":"slow down","documentation_url":"https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"}`, []string{"Retry-After", "30"}, nil, noon.Add(30 * time.Second), ""},
		"secondary by text":    {403, `{"message":"You have exceeded a secondary rate limit."}`, nil, nil, noon.Add(time.Minute), ""},
		"secondary by header":  {403, `{"message":"wait"}`, []string{"Retry-After", "90"}, nil, noon.Add(90 * time.Second), ""},
		"429":                  {429, `{}`, nil, nil, noon.Add(time.Minute), ""},
		"429 with a time":      {429, `{}`, []string{"Retry-After", "5"}, nil, noon.Add(5 * time.Second), ""},
		"404":                  {404, `{"message":"Not Found"}`, nil, forge.ErrNotFound, time.Time{}, "Not Found"},
		"405":                  {405, `{"message":"At least 1 approving review is required by reviewers with write access."}`, nil, forge.ErrNotMergeable, time.Time{}, "approving review"},
		"405 of a moved base":  {405, `{"message":"Base branch was modified. Review and try the merge again."}`, nil, forge.ErrConflict, time.Time{}, ""},
		"409":                  {409, `{"message":"Head branch was modified. Review and try the merge again."}`, nil, forge.ErrConflict, time.Time{}, ""},
		"an empty repository":  {409, `{"message":"Git Repository is empty."}`, nil, forge.ErrNotFound, time.Time{}, ""},
		"410":                  {410, `{"message":"This issue was deleted"}`, nil, forge.ErrNotFound, time.Time{}, ""},
		"410 of no issues":     {410, `{"message":"Issues are disabled for this repo"}`, nil, forge.ErrForbidden, time.Time{}, ""},
		"422":                  {422, `{"message":"Validation Failed","errors":[{"resource":"PullRequest","field":"base","code":"invalid"}]}`, nil, forge.ErrInvalid, time.Time{}, "PullRequest base invalid"},
		"422, a ref":           {422, `{"message":"Reference already exists"}`, nil, forge.ErrExists, time.Time{}, ""},
		"422, a pull request":  {422, `{"message":"Validation Failed","errors":[{"resource":"PullRequest","code":"custom","message":"A pull request already exists for acme:x."}]}`, nil, forge.ErrExists, time.Time{}, "acme:x"},
		"422, code":            {422, `{"message":"Validation Failed","errors":[{"resource":"Label","field":"name","code":"already_exists"}]}`, nil, forge.ErrExists, time.Time{}, ""},
		"422, words":           {422, `{"message":"Validation Failed","errors":["No commits between main and x"]}`, nil, forge.ErrInvalid, time.Time{}, "No commits between"},
		"422, not forward":     {422, `{"message":"Update is not a fast forward"}`, nil, forge.ErrConflict, time.Time{}, ""},
		"422, no ref":          {422, `{"message":"Reference does not exist"}`, nil, forge.ErrNotFound, time.Time{}, ""},
		"422, no commit":       {422, `{"message":"No commit found for SHA: x"}`, nil, forge.ErrNotFound, time.Time{}, ""},
		"422, a rule":          {422, `{"message":"Repository rule violations found"}`, nil, forge.ErrForbidden, time.Time{}, ""},
		"451":                  {451, `{"message":"Repository access blocked"}`, nil, forge.ErrForbidden, time.Time{}, ""},
		"500":                  {500, `oops`, nil, forge.ErrUnavailable, time.Time{}, "500"},
		"502 in HTML":          {502, `<html>`, nil, forge.ErrUnavailable, time.Time{}, "Bad Gateway"},
		"202":                  {202, `{}`, nil, forge.ErrUnavailable, time.Time{}, ""},
		"no JSON":              {200, `{"object":`, nil, forge.ErrUnavailable, time.Time{}, ""},
		"no SHA":               {200, `{}`, nil, forge.ErrUnavailable, time.Time{}, "40 hexadecimal digits"},
		"a long text":          {400, `{"message":"` + strings.Repeat("é", 4000) + `"}`, nil, forge.ErrInvalid, time.Time{}, "…"},
		"credentials quoted":   {400, `{"message":"Authorization: Bearer ` + testToken + `, access_token=abcdef and ghs_0123456789abcdefghij"}`, nil, forge.ErrInvalid, time.Time{}, "[redacted]"},
		"dashes in a token":    {400, `{"message":"Authorization: Bearer ` + testToken + `, access_token=abcdef and ghs_-canary-_.canary"}`, nil, forge.ErrInvalid, time.Time{}, "[redacted]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.on("/", test.status, test.body, test.headers...)
			_, err := f.client(t).Head(t.Context(), acme, "main")
			var limited *forge.RateLimited
			switch {
			case test.want != nil && !errors.Is(err, test.want):
				t.Fatalf("got %v, want %v", err, test.want)
			case test.want == nil && (!errors.As(err, &limited) || !limited.Until.Equal(test.until)):
				t.Fatalf("got %v, want a limit until %s", err, test.until)
			case !strings.HasPrefix(err.Error(), "reading the head of main of acme/environments: ") || !strings.Contains(err.Error(), test.text):
				t.Fatalf("the error does not say what happened: %v", err)
			case len(err.Error()) > 500 || strings.Contains(err.Error(), "\n"):
				t.Fatalf("the error is too long: %v", err)
			}
			for _, secret := range []string{"canary", "abcdef", "ghs_"} {
				if strings.Contains(err.Error(), secret) {
					t.Fatalf("the error shows credentials: %v", err)
				}
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	client := f.client(t)
	f.Close()
	if _, err := client.Head(t.Context(), acme, "main"); !errors.Is(err, forge.ErrUnavailable) {
		t.Fatalf("a closed port: %v", err)
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	client := open(t, github.Config{APIURL: server.URL, Token: testToken, Timeout: 20 * time.Millisecond}).Client(0)
	if _, err := client.Head(t.Context(), acme, "main"); !errors.Is(err, forge.ErrUnavailable) {
		t.Fatalf("a call that takes too long: %v", err)
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := newFake(t).client(t).Head(ctx, acme, "main")
	if !errors.Is(err, context.Canceled) || errors.Is(err, forge.ErrUnavailable) {
		t.Fatalf("a call given up by the caller: %v", err)
	}
}

func TestTooLargeAnswer(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"content":"`))
		for block := bytes.Repeat([]byte("a"), 1<<20); ; {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	})
	if _, err := f.client(t).Blob(t.Context(), acme, shaA); !errors.Is(err, forge.ErrInvalid) {
		t.Fatalf("an answer without an end: %v", err)
	}
}

// TestArguments has what would be another address, or none of GitHub's. Nothing of it may be sent.
func TestArguments(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.on("/", 200, `{}`)
	client, ctx := f.client(t), t.Context()
	for _, repo := range []forge.Repo{{}, {Owner: "..", Name: "x"}, {Owner: "a", Name: "../../user"}, {Owner: "a", Name: "b?c"}, {Owner: "a", Name: "."}} {
		_, err := client.Head(ctx, repo, "main")
		refused(t, err)
	}
	for _, branch := range []string{"", "/", "a/", "/a", "a//b", "../../x", "a/../b", "a b", "a\x00", "a~1", "a..b", "./a", strings.Repeat("a", 256)} {
		_, err := client.Head(ctx, acme, branch)
		refused(t, err)
	}
	for _, name := range []forge.SHA{"", "main", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", zero} {
		_, err := client.Blob(ctx, acme, name)
		refused(t, err)
	}
	for _, path := range []string{"", "/etc/passwd", "../x", "a/../../b", "a//b", "a/", "."} {
		_, err := client.File(ctx, acme, path, "main")
		refused(t, err)
		_, err = client.CreateCommit(ctx, acme, forge.NewCommit{Parent: shaA, Files: []forge.NewFile{{Path: path}}})
		refused(t, err)
	}
	for _, login := range []string{"", "a/b", "..", "a[bot]x"} {
		_, err := client.Permission(ctx, acme, login)
		refused(t, err)
	}
	_, err := client.CreateCommit(ctx, acme, forge.NewCommit{Parent: shaA})
	refused(t, err)
	_, err = client.CreateCommit(ctx, acme, forge.NewCommit{Parent: "main", Files: []forge.NewFile{{Path: "a"}}})
	refused(t, err)
	if sent := f.requests(); len(sent) > 0 {
		t.Fatalf("sent %q", sent)
	}
}

func refused(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, forge.ErrInvalid) {
		t.Errorf("got %v, want %v", err, forge.ErrInvalid)
	}
}
