package github

import (
	"bytes"
	"container/list"
	"io"
	"net/http"
	"sync"
)

// What is kept of answers: so much in all, and none that is larger than a part of that.
const (
	maxKept    = 8 << 20
	maxOneKept = 2 << 20 // about a hundred pull requests of GitHub's
)

// conditional asks for what it has read before only if that has changed: GitHub answers 304 to that, which does not count against the limit
// (docs.github.com, "Best practices for using the REST API", conditional requests). Nothing is used without asking, and what one token has read no other one
// is given: each has a conditional of its own. At GitHub an ETag holds for the token that it was given to, so that an hour later it is read anew.
type conditional struct {
	base http.RoundTripper
	kept *answers
}

// RoundTrip answers as the base does, except that a 304 becomes what was read before.
func (c *conditional) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodGet {
		return c.base.RoundTrip(req)
	}
	key := answerKey{c, req.URL.String(), req.Header.Get("Accept")}
	before := c.kept.get(key)
	if before != nil {
		req = req.Clone(req.Context())
		req.Header.Set("If-None-Match", before.tag)
	}
	resp, err := c.base.RoundTrip(req)
	switch {
	case err != nil:
		return nil, err
	case before != nil && resp.StatusCode == http.StatusNotModified:
		return before.again(resp), nil
	case resp.StatusCode == http.StatusOK && resp.Header.Get("ETag") != "":
		return c.kept.keep(key, resp)
	}
	return resp, nil
}

// answerKey is who read what, and in which form.
type answerKey struct {
	by          *conditional
	url, accept string
}

// answer is what was read.
type answer struct {
	key             answerKey
	tag, link, kind string // of its header
	body            []byte
}

// again turns a 304 into the answer that stands, under what its own header says of the limit.
func (a *answer) again(resp *http.Response) *http.Response {
	_ = resp.Body.Close()
	for name, value := range map[string]string{"ETag": a.tag, "Link": a.link, "Content-Type": a.kind} {
		if value != "" {
			resp.Header.Set(name, value)
		}
	}
	resp.Status, resp.StatusCode = "200 OK", http.StatusOK
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(a.body)), int64(len(a.body))
	return resp
}

// size is about what it takes in memory.
func (a *answer) size() int { return len(a.body) + len(a.key.url) + len(a.tag) + len(a.link) + 256 }

// answers keeps what was read, the least recently used of which goes where they become too many.
type answers struct {
	mu    sync.Mutex
	found map[answerKey]*list.Element
	order *list.List // of *answer, the last used first
	size  int
}

func newAnswers() *answers { return &answers{found: map[answerKey]*list.Element{}, order: list.New()} }

func (a *answers) get(key answerKey) *answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := a.found[key]
	if at == nil {
		return nil
	}
	a.order.MoveToFront(at)
	return at.Value.(*answer)
}

// keep reads the answer's body and keeps it, unless it is too large.
func (a *answers) keep(key answerKey, resp *http.Response) (*http.Response, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxOneKept+1))
	if err != nil {
		_ = resp.Body.Close()
		return nil, err
	}
	if len(body) > maxOneKept {
		resp.Body = joined{io.MultiReader(bytes.NewReader(body), resp.Body), resp.Body}
		return resp, nil
	}
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	a.put(&answer{key: key, tag: resp.Header.Get("ETag"), link: resp.Header.Get("Link"), kind: resp.Header.Get("Content-Type"), body: body})
	return resp, nil
}

// joined is a body of which something was read already.
type joined struct {
	io.Reader
	io.Closer
}

func (a *answers) put(one *answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if at := a.found[one.key]; at != nil {
		a.drop(at)
	}
	a.found[one.key], a.size = a.order.PushFront(one), a.size+one.size()
	for a.size > maxKept {
		a.drop(a.order.Back())
	}
}

func (a *answers) drop(at *list.Element) {
	old := a.order.Remove(at).(*answer)
	delete(a.found, old.key)
	a.size -= old.size()
}
