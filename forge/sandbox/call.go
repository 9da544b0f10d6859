package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"
)

// maxRequest is how much of a request's body the API reads.
const maxRequest = 64 << 20

// call is one request to the API.
type call struct {
	s      *Sandbox
	r      *http.Request
	body   []byte
	client *client
	repo   *repository // of routes below /repos
	params map[string]string
	header http.Header // of the answer
}

// reply is an answer: a body that is nil is none at all.
type reply struct {
	status int
	body   any
}

// text is a body that is not JSON.
type text struct {
	kind string
	body string
}

func ok(body any) (reply, error)      { return reply{http.StatusOK, body}, nil }
func created(body any) (reply, error) { return reply{http.StatusCreated, body}, nil }
func noContent() (reply, error)       { return reply{status: http.StatusNoContent}, nil }

// serve answers a request that belongs to one of rows, which share their pattern up to a wildcard.
func (s *Sandbox) serve(w http.ResponseWriter, r *http.Request, rows []route) {
	w.Header().Set("Date", s.cfg.AuthNow().UTC().Format(http.TimeFormat)) // of the clock that credentials are judged by
	row, params := choose(rows, r)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		answerProblem(w, fail(http.StatusRequestEntityTooLarge, "Payload too big"))
		return
	}
	c := &call{s: s, r: r, body: body, params: params, header: http.Header{}}
	fault := s.faults.call(r.Method, row.path)
	if fault != nil && !fault.Done {
		s.counts.add(s.nameOf(r), r.Method+" "+row.path)
		s.goWrong(w, r, row, fault)
		return
	}
	out, err := c.do(row)
	if fault != nil && fault.Late {
		fault.Then()
		fault = nil
	}
	switch {
	case fault != nil:
		s.goWrong(w, r, row, fault)
	case err != nil:
		s.logFailure(r, err)
		c.refuse(w, asProblem(err))
	default:
		c.answer(w, out)
	}
}

// nameOf returns how requests of the client are counted.
func (s *Sandbox) nameOf(r *http.Request) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, err := s.identify(r); err == nil {
		return c.name
	}
	return "unknown"
}

// do carries a request out under the lock: everything it sees and does belongs together.
func (c *call) do(row route) (reply, error) {
	c.s.mu.Lock()
	if c.r.Method == http.MethodGet {
		defer c.s.mu.Unlock()
	} else {
		defer c.s.settle()
	}
	var err error
	if c.client, err = c.s.identify(c.r); err != nil {
		c.s.counts.add("unknown", c.r.Method+" "+row.path)
		return reply{}, err
	}
	c.s.counts.add(c.client.name, c.counted(row))
	if err := c.s.meters.admit(c, row); err != nil {
		return reply{}, err
	}
	if err := c.admit(row); err != nil {
		return reply{}, err
	}
	if c.repo != nil && row.lags() {
		c.repo = c.s.past(c.repo)
	}
	return row.handle(c)
}

// admit checks that the client may use a route, and finds the repository it is about.
func (c *call) admit(row route) error {
	switch row.by {
	case byApp:
		if c.client.app == nil {
			return fail(http.StatusUnauthorized, "A JSON web token could not be decoded")
		}
	case byInstallation:
		if c.client.grant == nil {
			return fail(http.StatusForbidden, "You must authenticate with an installation access token in order to list repositories for an installation.")
		}
	case byPerson:
		if c.client.grant != nil || c.client.app != nil {
			return forbidden()
		}
		if c.client.who == nil {
			return fail(http.StatusUnauthorized, "Requires authentication")
		}
	case byTokens:
		if c.client.app != nil {
			return fail(http.StatusForbidden, "Resource not accessible by integration")
		}
	}
	if !strings.HasPrefix(row.path, "/repos/{owner}/{repo}") {
		return nil
	}
	c.repo = c.s.st.repo(c.params["owner"] + "/" + c.params["repo"])
	if c.repo == nil || !c.client.sees(c.repo) {
		return notFound()
	}
	return c.client.may(c.repo, row.need)
}

func (s *Sandbox) logFailure(r *http.Request, err error) {
	var p *problem
	if !errors.As(err, &p) {
		s.cfg.Logger.Error("the sandbox failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
}

// choose finds the row whose ending fits what a wildcard took, and all parameters, unescaped.
func choose(rows []route, r *http.Request) (route, map[string]string) {
	ctx := chi.RouteContext(r.Context())
	params := map[string]string{}
	rest := ""
	for i, key := range ctx.URLParams.Keys {
		value, err := url.PathUnescape(ctx.URLParams.Values[i])
		if err != nil {
			value = ctx.URLParams.Values[i]
		}
		if key == "*" {
			rest = value
			continue
		}
		params[key] = value
	}
	found := rows[0]
	for _, row := range rows {
		if row.tail != "" && strings.HasSuffix(rest, row.tail) && len(row.tail) > len(found.tail) || found.tail != "" && row.tail == "" && !strings.HasSuffix(rest, found.tail) {
			found = row
		}
	}
	if found.wild != "" {
		params[found.wild] = strings.TrimSuffix(rest, found.tail)
	}
	return found, params
}

// number returns a parameter that must be a number; what is none is not found.
func (c *call) number(name string) (int64, error) {
	n, err := strconv.ParseInt(c.params[name], 10, 64)
	if err != nil {
		return 0, notFound()
	}
	return n, nil
}

// decode reads the body into v. A missing body is an empty object.
func (c *call) decode(v any) error {
	if len(bytes.TrimSpace(c.body)) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.body, v); err != nil {
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) {
			return fail(http.StatusUnprocessableEntity, "Invalid request.\n\nFor '%s', %s was given.", kind.Field, kind.Value)
		}
		return fail(http.StatusBadRequest, "Problems parsing JSON")
	}
	return nil
}

func (c *call) query(name string) string { return c.r.URL.Query().Get(name) }

// window returns which part of a list of n was asked for, and writes the Link header to the others.
func (c *call) window(n, usual, most int) (from, to int) {
	per, page := c.count("per_page", usual), c.count("page", 1)
	per = min(per, most)
	last := max(1, (n+per-1)/per)
	c.link(page, last)
	return min(n, (page-1)*per), min(n, page*per)
}

func (c *call) count(name string, usual int) int {
	n, err := strconv.Atoi(c.query(name))
	if err != nil || n < 1 || n > 1_000_000 {
		return usual
	}
	return n
}

func (c *call) link(page, last int) {
	var links []string
	add := func(rel string, to int) {
		q := c.r.URL.Query()
		q.Set("page", strconv.Itoa(to))
		links = append(links, fmt.Sprintf("<%s%s?%s>; rel=%q", c.s.base, c.r.URL.EscapedPath(), q.Encode(), rel))
	}
	if page > 1 {
		add("prev", min(page-1, last))
	}
	if page < last {
		add("next", page+1)
		add("last", last)
	}
	if page > 1 {
		add("first", 1)
	}
	if len(links) > 0 {
		c.header.Set("Link", strings.Join(links, ", "))
	}
}

// paged returns the part of a list that was asked for, in GitHub's pages of 30, at most 100.
func paged[T any](c *call, list []T) []T {
	from, to := c.window(len(list), 30, 100)
	return list[from:to]
}

// answer writes a reply, with an ETag on what can be asked for again.
func (c *call) answer(w http.ResponseWriter, out reply) {
	maps.Copy(w.Header(), c.header)
	if out.body == nil {
		c.s.meters.charge(c, w.Header())
		w.WriteHeader(out.status)
		return
	}
	if t, isText := out.body.(text); isText {
		c.s.meters.charge(c, w.Header())
		w.Header().Set("Content-Type", t.kind)
		w.WriteHeader(out.status)
		_, _ = io.WriteString(w, t.body) // a client that is gone needs no answer
		return
	}
	raw, err := json.Marshal(out.body)
	if err != nil { // everything in it was made here
		c.refuse(w, fail(http.StatusInternalServerError, "Server Error"))
		return
	}
	if c.r.Method == http.MethodGet && out.status == http.StatusOK && c.unchanged(w.Header(), raw) {
		if c.client.name == anonymous {
			c.s.meters.charge(c, w.Header())
		} else {
			c.s.meters.show(c, w.Header()) // such an answer costs nothing, where the client says who it is
		}
		w.WriteHeader(http.StatusNotModified)
		return
	}
	c.s.meters.charge(c, w.Header())
	writeJSON(w, out.status, raw)
}

// unchanged gives an answer its ETag, and says whether the client has that already.
func (c *call) unchanged(header http.Header, raw []byte) bool {
	sum := sha256.Sum256(append(raw, c.header.Get("Link")...))
	tag := `"` + hex.EncodeToString(sum[:16]) + `"`
	header.Set("ETag", "W/"+tag)
	header.Set("Cache-Control", "private, max-age=60, s-maxage=60")
	for one := range strings.SplitSeq(c.r.Header.Get("If-None-Match"), ",") {
		if strings.TrimPrefix(strings.TrimSpace(one), "W/") == tag {
			return true
		}
	}
	return false
}

// refuse answers a problem to a client, whom it costs as much as another answer.
func (c *call) refuse(w http.ResponseWriter, p *problem) {
	if c.client != nil && !p.free {
		c.s.meters.charge(c, w.Header())
	}
	answerProblem(w, p)
}

func answerProblem(w http.ResponseWriter, p *problem) {
	for k, v := range p.header {
		w.Header().Set(k, v)
	}
	raw, err := json.Marshal(p.body())
	if err != nil {
		raw = []byte(`{"message":"Server Error"}`)
	}
	writeJSON(w, p.status, raw)
}

func writeJSON(w http.ResponseWriter, status int, raw []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-GitHub-Request-Id", newGUID())
	w.Header().Set("X-GitHub-Media-Type", "github.v3; format=json")
	w.WriteHeader(status)
	_, _ = w.Write(raw) // a client that is gone needs no answer
}
