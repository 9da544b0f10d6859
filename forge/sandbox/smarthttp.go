package sandbox

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cgi"
	"path/filepath"
	"slices"
	"strings"

	"ferry/forge/sandbox/bare"
)

// maxPush is how large a push may be.
const maxPush = 256 << 20

// gitRequest is a request of a git client, taken apart.
type gitRequest struct {
	repo    string // owner/name
	service string // below the repository: /info/refs
	push    bool
}

func parseGit(r *http.Request) (gitRequest, bool) {
	head, service, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), ".git/")
	if !ok || strings.Count(head, "/") != 1 {
		return gitRequest{}, false
	}
	g := gitRequest{repo: head, service: "/" + service}
	g.push = g.service == "/git-receive-pack" || r.URL.Query().Get("service") == "git-receive-pack"
	switch g.service {
	case "/info/refs", "/git-upload-pack", "/git-receive-pack":
		return g, true
	}
	return gitRequest{}, false
}

func isGit(r *http.Request) bool {
	_, ok := parseGit(r)
	return ok
}

// serveGit answers a git client. Reading is free; pushing takes a token, as at GitHub given as the password.
func (s *Sandbox) serveGit(w http.ResponseWriter, r *http.Request) {
	g, _ := parseGit(r)
	repo, who, err := s.admitGit(g, r)
	if err != nil {
		p := asProblem(err)
		if p.status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Basic realm="GitHub"`)
		}
		http.Error(w, p.message, p.status)
		return
	}
	// git http-backend answers 400 to a body over 1 MiB that comes in chunks, so it is read first and its length named.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPush))
	if err != nil {
		http.Error(w, fmt.Sprintf("a push may have %d MiB", maxPush>>20), http.StatusRequestEntityTooLarge)
		return
	}
	r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	if g.service != "/git-receive-pack" {
		s.backend(repo, g, "").ServeHTTP(w, r)
		return
	}
	s.servePush(w, r, pushRequest{g, repo, who, body})
}

// admitGit finds the repository and who asks, who for reading may be nobody.
func (s *Sandbox) admitGit(g gitRequest, r *http.Request) (*repository, *account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	repo := s.st.repo(g.repo)
	if repo == nil {
		return nil, nil, fail(http.StatusNotFound, "Repository not found.")
	}
	who, err := s.identify(r)
	if err != nil {
		return nil, nil, err
	}
	if !g.push {
		return repo, who.who, nil
	}
	switch {
	case who.who == nil:
		return nil, nil, fail(http.StatusUnauthorized, "A push needs a token as the password.")
	case !who.sees(repo):
		return nil, nil, fail(http.StatusNotFound, "Repository not found.")
	}
	if err := who.may(repo, "contents:write"); err != nil || who.app != nil {
		return nil, nil, fail(http.StatusForbidden, "Permission to %s.git denied to %s.", g.repo, who.who.login)
	}
	return repo, who.who, nil
}

// pushRequest is a push that somebody may make.
type pushRequest struct {
	git  gitRequest
	repo *repository
	who  *account
	body []byte
}

// servePush takes a push under the lock, so that what it changed is known and nothing else came between. The answer is
// written after that: a slow client holds up nobody.
func (s *Sandbox) servePush(w http.ResponseWriter, r *http.Request, p pushRequest) {
	out := &buffered{header: http.Header{}, code: http.StatusOK}
	if err := s.push(out, r, p); err != nil {
		s.cfg.Logger.Error("a push failed", "repo", p.git.repo, "error", err)
		http.Error(w, "the push failed: see the sandbox's log", http.StatusInternalServerError)
		return
	}
	maps.Copy(w.Header(), out.header)
	w.WriteHeader(out.code)
	_, _ = w.Write(out.body.Bytes()) // a client that is gone needs no answer
}

// buffered is an answer that is held back.
type buffered struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

func (b *buffered) Header() http.Header         { return b.header }
func (b *buffered) WriteHeader(code int)        { b.code = code }
func (b *buffered) Write(p []byte) (int, error) { return b.body.Write(p) }

func (s *Sandbox) push(w http.ResponseWriter, r *http.Request, p pushRequest) error {
	s.mu.Lock()
	defer s.settle()
	before, err := p.repo.refs()
	if err != nil {
		return err
	}
	in, err := parsePush(p.body)
	passes := err != nil // what git cannot read either, it says itself
	if err == nil {
		if passes, err = s.screen(p.repo, in, p.who); err != nil {
			return err
		}
	}
	if passes {
		s.backend(p.repo, p.git, p.who.login).ServeHTTP(w, r)
	} else {
		s.receive(w, p.repo, in)
	}
	after, err := p.repo.refs()
	if err != nil {
		return err
	}
	return s.tellChanges(p.repo, before, after, p.who)
}

// tellChanges does what follows from each reference that a push moved. Deletions come last: who pushes a merge and deletes
// the merged branch at once has merged.
func (s *Sandbox) tellChanges(repo *repository, before, after map[string]string, who *account) error {
	for _, ref := range slices.Sorted(maps.Keys(after)) {
		from, known := before[ref]
		if !known {
			from = bare.Zero
		}
		if from == after[ref] {
			continue
		}
		if err := s.refMoved(repo, ref, from, after[ref], who); err != nil {
			return err
		}
	}
	for _, ref := range slices.Sorted(maps.Keys(before)) {
		if _, stays := after[ref]; stays {
			continue
		}
		if err := s.refMoved(repo, ref, before[ref], bare.Zero, who); err != nil {
			return err
		}
	}
	return nil
}

func (r *repository) refs() (map[string]string, error) {
	list, err := r.git.Refs("")
	if err != nil {
		return nil, err
	}
	refs := map[string]string{}
	for _, ref := range list {
		refs[ref.Name] = ref.SHA
	}
	return refs, nil
}

// backend is Git's own smart HTTP server for one repository.
func (s *Sandbox) backend(repo *repository, g gitRequest, user string) http.Handler {
	env := append(s.git.Env(), "GIT_PROJECT_ROOT="+filepath.Dir(repo.git.Dir()), "GIT_HTTP_EXPORT_ALL=1", "PATH_INFO=/"+filepath.Base(repo.git.Dir())+g.service)
	if user != "" {
		env = append(env, "REMOTE_USER="+user)
	}
	return &cgi.Handler{Path: s.git.Path(), Args: []string{"http-backend"}, Dir: repo.git.Dir(), Env: env, Stderr: io.Discard}
}
