// Package setup serves the pages on which the person who starts Ferry for the first time has GitHub register its App, by GitHub's App manifest flow.
package setup

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"ferry/forge"
)

//go:embed setup.html
var files embed.FS

// Config is what the pages are made of.
type Config struct {
	URL      string // Ferry's public address: all ways lead there, whatever a request says of its host
	Home     string // its path, which a proxy has taken off what comes here; empty for none
	PagesURL string // GitHub's pages
	Manifest func(name, redirect string) ([]byte, error)
	Finish   func(ctx context.Context, code string) (Made, error) // exchanges GitHub's code for the App, and keeps it
	Metrics  http.Handler
	Now      func() time.Time
	Logger   *slog.Logger
}

// Made is the App that came of it.
type Made struct {
	Page   string // at GitHub
	Unkept string // why Ferry could not keep the secrets; empty where it did
	Values []Value
}

// Value is a setting that Ferry could not keep, for the person to keep.
type Value struct{ Name, Text string }

type pages struct {
	Config
	guard  *guard
	html   *template.Template
	secure bool // the cookie goes over TLS only
}

// New returns the pages and the code that opens them, for Ferry's log.
func New(cfg Config) (http.Handler, string) {
	p := &pages{Config: cfg, guard: &guard{now: cfg.Now}, html: template.Must(template.ParseFS(files, "setup.html")), secure: strings.HasPrefix(cfg.URL, "https:")}
	code := p.guard.issue(&p.guard.code)
	fine := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("waits for /setup\n")) } // who has gone needs no answer
	r := chi.NewRouter()
	r.Get("/healthz", fine) // the supervisor
	r.Get("/readyz", fine)  // the load balancer: it has to let the person through
	r.Method(http.MethodGet, "/metrics", cfg.Metrics)
	r.Get("/", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, p.URL+"/setup", http.StatusSeeOther) })
	r.Group(func(r chi.Router) {
		r.Use(p.sameOrigin)
		r.Get("/setup", p.begin)         // the person: asks for the code, then for whom the App is
		r.Post("/setup/code", p.enter)   // the code from the log
		r.Post("/setup/app", p.leave)    // for whom the App is: the page that leads on to GitHub
		r.Get("/setup/done", p.comeBack) // GitHub leads here
	})
	r.NotFound(func(w http.ResponseWriter, _ *http.Request) { // a delivery is not taken: the forge shows it as failed
		http.Error(w, "Ferry waits for its GitHub App: "+p.URL+"/setup", http.StatusServiceUnavailable)
	})
	return r, code
}

// sameOrigin refuses forms of other sites, also where a proxy gives requests another host than the one people see.
func (p *pages) sameOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	if u, err := url.Parse(p.URL); err == nil {
		_ = protection.AddTrustedOrigin(u.Scheme + "://" + u.Host) // it fails on what FERRY_URL's check has refused
	}
	return protection.Handler(next)
}

// view is what a page shows.
type view struct {
	Step    string // code, choose, go, done or problem
	Problem string
	Home    string // Ferry's path
	Host    string // GitHub's
	Name    string // that is proposed for the App
	To      string // GitHub's form
	JSON    string // the manifest
	Made    Made
}

const cookieName = "ferry_setup"

func (p *pages) begin(w http.ResponseWriter, r *http.Request) {
	if p.entered(r) {
		p.show(w, http.StatusOK, view{Step: "choose", Name: p.proposed()})
		return
	}
	p.show(w, http.StatusOK, view{Step: "code"})
}

func (p *pages) entered(r *http.Request) bool {
	cookie, err := r.Cookie(cookieName)
	return err == nil && p.guard.inside(cookie.Value)
}

// proposed is a name for the App that nobody else at GitHub has: names of Apps are unique there.
func (p *pages) proposed() string {
	if u, err := url.Parse(p.URL); err == nil {
		return "ferry-" + strings.NewReplacer(".", "-", ":", "-").Replace(u.Host)
	}
	return "ferry"
}

// maxForm is how large a form may be.
const maxForm = 16 << 10

func (p *pages) enter(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	session, refused := p.guard.enter(strings.TrimSpace(r.PostFormValue("code")))
	if refused != "" {
		p.Logger.Warn("setup: a code was refused", "from", r.RemoteAddr, "reason", refused)
		p.show(w, http.StatusForbidden, view{Step: "code", Problem: refused})
		return
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: session, Path: p.Home + "/setup", MaxAge: int(codeLife.Seconds()), HttpOnly: true, Secure: p.secure, SameSite: http.SameSiteLaxMode}) // lax: GitHub leads back here
	http.Redirect(w, r, p.URL+"/setup", http.StatusSeeOther)
}

// loginForm is an organization's name as GitHub takes it.
var loginForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-_]{0,98}[A-Za-z0-9])?$`)

// leave shows the form whose button leads to GitHub. A page without scripts needs that second step: where the form goes depends on the first.
func (p *pages) leave(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	organization, name := strings.TrimSpace(r.PostFormValue("organization")), strings.TrimSpace(r.PostFormValue("name"))
	switch {
	case !p.entered(r):
		p.show(w, http.StatusForbidden, view{Step: "code", Problem: "Give the code in Ferry's log first."})
		return
	case organization != "" && !loginForm.MatchString(organization):
		p.show(w, http.StatusBadRequest, view{Step: "choose", Name: name, Problem: "That is not the name of an organization at GitHub: it stands in its address, " + p.PagesURL + "/NAME."})
		return
	case name == "":
		name = p.proposed()
	}
	manifest, err := p.Manifest(name, p.URL+"/setup/done")
	if err != nil {
		p.Logger.Error("setup: the manifest", "error", err)
		p.show(w, http.StatusInternalServerError, view{Step: "problem", Problem: "The manifest cannot be made: see Ferry's log."})
		return
	}
	to := p.PagesURL + "/settings/apps/new"
	if organization != "" {
		to = p.PagesURL + "/organizations/" + organization + "/settings/apps/new"
	}
	p.show(w, http.StatusOK, view{Step: "go", To: to + "?state=" + p.guard.leave(), JSON: string(manifest)})
}

// comeBack is where GitHub leads with the code for the new App.
func (p *pages) comeBack(w http.ResponseWriter, r *http.Request) {
	if !p.entered(r) {
		p.show(w, http.StatusForbidden, view{Step: "problem", Problem: "This browser did not begin the setup, or it is over. Begin at " + p.URL + "/setup."})
		return
	}
	ok, again := p.guard.back(r.URL.Query().Get("state"))
	if !ok {
		p.show(w, http.StatusForbidden, view{Step: "problem", Problem: "This way was not begun here, or has ended already: nothing was changed. Begin again at " + p.URL + "/setup; an App that nobody uses can be deleted on its page at GitHub."})
		return
	}
	made, err := p.Finish(r.Context(), r.URL.Query().Get("code"))
	if err != nil {
		p.Logger.Error("setup: the App was not taken over", "error", err)
		if errors.Is(err, forge.ErrUnavailable) {
			again()
		}
		p.show(w, http.StatusBadGateway, view{Step: "problem", Problem: p.problemOf(err)})
		return
	}
	p.guard.close()
	p.show(w, http.StatusOK, view{Step: "done", Made: made})
}

func (p *pages) problemOf(err error) string {
	switch {
	case errors.Is(err, forge.ErrExists):
		return err.Error()
	case errors.Is(err, forge.ErrNotFound):
		return "GitHub does not know the code with which it led you here: it is older than an hour, or was used already. Delete the App on its page at GitHub, and begin again at " + p.URL + "/setup."
	case errors.Is(err, forge.ErrUnavailable):
		return "GitHub does not answer Ferry. Load this page again within the hour; Ferry's log says more."
	}
	return "The App was not taken over; Ferry's log says why. Begin again at " + p.URL + "/setup."
}

func (p *pages) show(w http.ResponseWriter, code int, v view) {
	v.Host, v.Home = p.PagesURL, p.Home
	var b bytes.Buffer
	if err := p.html.Execute(&b, v); err != nil {
		p.Logger.Error("setup: a page cannot be shown", "error", err)
		http.Error(w, "The page cannot be shown.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self' "+p.PagesURL+"; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "strict-origin") // with none, forms would be sent without the origin that they are checked by
	w.WriteHeader(code)
	_, _ = b.WriteTo(w) // who has gone needs no answer
}
