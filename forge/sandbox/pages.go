package sandbox

import (
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"ferry/forge"
)

//go:embed pages
var pageFiles embed.FS

// person is the cookie that remembers whom a browser acted as last.
const person = "sandbox_person"

// maxForm is how large a form may be; a comment has at most 65,536 characters.
const maxForm = 1 << 20

// pageRoutes are the pages for people, and the forms on them. A form that another site sends is refused.
func (s *Sandbox) pageRoutes(mux chi.Router) {
	pages := parsePages()
	show := func(name string, build func(*visit) (any, error)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { s.show(w, r, pages, name, build) }
	}
	do := func(act func(*visit) error) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { s.submit(w, r, pages, act) }
	}
	mux.Get("/style.css", pageFile("pages/style.css", "text/css; charset=utf-8"))
	mux.Get("/avatar.svg", pageFile("pages/avatar.svg", "image/svg+xml"))
	mux.Group(func(mux chi.Router) {
		mux.Use(http.NewCrossOriginProtection().Handler)
		mux.Get("/", show("index.html", indexPage))
		mux.Get("/{owner}/{repo}", show("repository.html", repositoryPage))
		mux.Get("/{owner}/{repo}/tree/*", show("files.html", filesPage))
		mux.Get("/{owner}/{repo}/blob/*", show("files.html", filesPage))
		mux.Get("/{owner}/{repo}/commit/{sha}", show("commit.html", commitPage))
		for _, kind := range []string{"pull", "issues"} {
			path := "/{owner}/{repo}/" + kind + "/{number}"
			mux.Get(path, show("thread.html", threadPage))
			mux.Post(path+"/comment", do(commentAct))
			mux.Post(path+"/close", do(stateAct("closed")))
			mux.Post(path+"/reopen", do(stateAct("open")))
		}
		mux.Post("/{owner}/{repo}/pull/{number}/merge", do(mergeAct))
		mux.Post("/{owner}/{repo}/pull/{number}/auto-merge", do(armAct))
	})
	s.manifestRoutes(mux, pages)
	mux.NotFound(func(w http.ResponseWriter, r *http.Request) {
		s.render(w, pages, "problem.html", http.StatusNotFound, page{Title: "Not found", Body: "There is no such page."})
	})
}

func pageFile(name, kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "max-age=3600")
		http.ServeFileFS(w, r, pageFiles, name)
	}
}

func parsePages() map[string]*template.Template {
	pages := map[string]*template.Template{}
	for _, name := range []string{"index.html", "repository.html", "thread.html", "commit.html", "files.html", "manifest.html", "problem.html"} {
		t := template.New("layout.html").Funcs(template.FuncMap{"markdown": markdown, "when": when, "short": func(s string) string { return forge.SHA(s).Short() }, "path": escapePath})
		pages[name] = template.Must(t.ParseFS(pageFiles, "pages/layout.html", "pages/parts.html", "pages/"+name))
	}
	return pages
}

func when(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04:05") }

// page is what the layout shows around a page's own content.
type page struct {
	Title  string
	Crumbs []crumb
	Body   any
}

type crumb struct{ Name, To string }

// visit is one request for a page, under the lock while the page is put together.
type visit struct {
	s    *Sandbox
	r    *http.Request
	repo *repository
	as   string
}

func (v *visit) param(name string) string {
	value, err := url.PathUnescape(chi.URLParam(v.r, name))
	if err != nil {
		return ""
	}
	return value
}

func (s *Sandbox) visit(r *http.Request) (*visit, error) {
	v := &visit{s: s, r: r}
	if c, err := r.Cookie(person); err == nil {
		v.as = c.Value
	}
	if owner := v.param("owner"); owner != "" {
		if v.repo = s.st.repo(owner + "/" + v.param("repo")); v.repo == nil {
			return nil, fail(http.StatusNotFound, "There is no repository %s/%s.", owner, v.param("repo"))
		}
	}
	return v, nil
}

// show answers a page.
func (s *Sandbox) show(w http.ResponseWriter, r *http.Request, pages map[string]*template.Template, name string, build func(*visit) (any, error)) {
	content, err := s.build(r, build)
	if err != nil {
		s.showProblem(w, r, pages, err)
		return
	}
	s.render(w, pages, name, http.StatusOK, content)
}

func (s *Sandbox) build(r *http.Request, build func(*visit) (any, error)) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.visit(r)
	if err != nil {
		return nil, err
	}
	return build(v)
}

func (s *Sandbox) showProblem(w http.ResponseWriter, r *http.Request, pages map[string]*template.Template, err error) {
	s.logFailure(r, err)
	p := asProblem(err)
	words := []string{p.message}
	for _, e := range p.errors {
		if text, ok := e["message"].(string); ok {
			words = append(words, text)
		}
	}
	words = append(words, p.texts...)
	s.render(w, pages, "problem.html", p.status, page{Title: "That did not work", Body: strings.Join(words, ": ")})
}

func (s *Sandbox) render(w http.ResponseWriter, pages map[string]*template.Template, name string, status int, content any) {
	s.renderLeading(w, pages, name, status, content, "")
}

// renderLeading renders a page whose forms lead on to another site.
func (s *Sandbox) renderLeading(w http.ResponseWriter, pages map[string]*template.Template, name string, status int, content any, to string) {
	var out strings.Builder
	if err := pages[name].Execute(&out, content); err != nil {
		s.cfg.Logger.Error("a page cannot be written", "page", name, "error", err)
		http.Error(w, "the page cannot be written: see the sandbox's log", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' "+to+"; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(out.String())) // a browser that is gone needs no page
}

// submit carries out a form as the person it names, and leads back to the page.
func (s *Sandbox) submit(w http.ResponseWriter, r *http.Request, pages map[string]*template.Template, act func(*visit) error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		s.showProblem(w, r, pages, fail(http.StatusBadRequest, "The form cannot be read."))
		return
	}
	as := r.PostForm.Get("as")
	v := &visit{s: s, r: r, as: as}
	if err := act(v); err != nil {
		s.showProblem(w, r, pages, err)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: person, Value: as, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	back, _, _ := strings.Cut(r.URL.EscapedPath(), "?")
	http.Redirect(w, r, back[:strings.LastIndex(back, "/")], http.StatusSeeOther)
}

func (v *visit) fullName() string { return v.param("owner") + "/" + v.param("repo") }

func (v *visit) number() int {
	n, err := strconv.Atoi(v.param("number"))
	if err != nil {
		return 0
	}
	return n
}

func commentAct(v *visit) error {
	_, err := v.s.Comment(v.fullName(), v.number(), v.as, strings.ReplaceAll(v.r.PostForm.Get("body"), "\r\n", "\n"))
	return err
}

func mergeAct(v *visit) error {
	_, err := v.s.Merge(v.fullName(), v.number(), v.as, forge.MergeMethod(v.r.PostForm.Get("method")))
	return err
}

// armAct arms native auto-merge, or disarms it.
func armAct(v *visit) error {
	if v.r.PostForm.Get("off") != "" {
		return v.s.DisableAutoMerge(v.fullName(), v.number(), v.as)
	}
	return v.s.EnableAutoMerge(v.fullName(), v.number(), v.as)
}

func stateAct(state string) func(*visit) error {
	return func(v *visit) error { return v.s.setState(v.fullName(), v.number(), v.as, state) }
}

// thread returns the issue or pull request of the page's address.
func (v *visit) thread() (*thread, error) {
	t := v.repo.thread(v.number())
	if t == nil {
		return nil, fail(http.StatusNotFound, "There is no issue or pull request %q in %s.", v.param("number"), v.repo.fullName())
	}
	return t, nil
}
