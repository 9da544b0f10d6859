// Package web renders Ferry's pages for people: what is where, apps × environments with release, state and pull request; and how the forge is set up.
package web

import (
	"bytes"
	"context"
	"embed"
	"html/template"
	"log/slog"
	"net/http"
	"time"

	"ferry/promotion"
	"ferry/promotion/postgres"
)

//go:embed page.html health.html style.html
var files embed.FS

// store is what the page asks of the database.
type store interface {
	Overview(ctx context.Context) ([]postgres.Overview, error)
	Events(ctx context.Context, repository int64, limit int) ([]postgres.Event, error)
	Examinations(ctx context.Context) ([]postgres.Examination, error)
	HeldUp(ctx context.Context, now time.Time) ([]postgres.HeldUp, error)
}

type pages struct {
	store    store
	pagesURL string
	now      func() time.Time
	logger   *slog.Logger
	all      *template.Template
}

// content is what the page shows.
type content struct {
	Now          time.Time
	Repositories []repositoryView
	Problems     int // in how the forge is set up
}

// New returns the handler of the pages. home is the path below which people see them, and pagesURL where people look at repositories.
func New(s store, home, pagesURL string, now func() time.Time, logger *slog.Logger) http.Handler {
	functions := template.FuncMap{"instant": instant, "machine": machine, "short": short, "mark": mark, "below": func(path string) string { return home + path }}
	p := &pages{store: s, pagesURL: pagesURL, now: now, logger: logger, all: template.Must(template.New("").Funcs(functions).ParseFS(files, "*.html"))}
	mux := http.NewServeMux()
	mux.HandleFunc("/", shown(p, "page.html", p.whatIsWhere))
	mux.HandleFunc("/health", shown(p, "health.html", p.health))
	mux.HandleFunc("/health.json", p.healthJSON)
	return mux
}

type repositoryView struct {
	postgres.Overview
	URL    string
	Rows   []row
	Limits []promotion.Throttle // of the forge's, that stand now
	Rooms  []string             // how many wait for a place, by environment
	Events []postgres.Event
}

type row struct {
	App   string
	Cells []*promotion.EnvironmentView // nil where the app is not in the environment
}

// shown returns the handler of one page, which read returns the content of.
func shown[T any](p *pages, name string, read func(context.Context) (T, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := read(r.Context())
		if err != nil {
			p.unread(w, err)
			return
		}
		var b bytes.Buffer
		if err := p.all.ExecuteTemplate(&b, name, c); err != nil {
			p.logger.Error("page failed", "page", name, "error", err)
			http.Error(w, "The page cannot be shown.", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = b.WriteTo(w) // the client is gone: there is nobody left to tell
	}
}

// unread answers where the database does not: what it said is for the log.
func (p *pages) unread(w http.ResponseWriter, err error) {
	p.logger.Error("page failed", "error", err)
	http.Error(w, "Ferry cannot read its database now.", http.StatusServiceUnavailable)
}

// recentEvents is how many events the page shows of each repository.
const recentEvents = 30

func (p *pages) whatIsWhere(ctx context.Context) (content, error) {
	repositories, err := p.repositories(ctx)
	if err != nil {
		return content{}, err
	}
	found, err := p.store.Examinations(ctx)
	return content{p.now(), repositories, problems(found)}, err
}

func (p *pages) repositories(ctx context.Context) ([]repositoryView, error) {
	list, err := p.store.Overview(ctx)
	if err != nil {
		return nil, err
	}
	var out []repositoryView
	for _, o := range list {
		v := repositoryView{Overview: o, URL: p.pagesURL + "/" + o.FullName}
		if v.Events, err = p.store.Events(ctx, o.ID, recentEvents); err != nil {
			return nil, err
		}
		for i := range o.Views {
			cells := make([]*promotion.EnvironmentView, len(o.Environments))
			for j, name := range o.Environments {
				cells[j] = o.Views[i].Find(name)
			}
			v.Rows = append(v.Rows, row{o.Views[i].App, cells})
		}
		for _, t := range o.Throttles {
			if t.Until.After(p.now()) {
				v.Limits = append(v.Limits, t)
			}
		}
		v.Rooms = promotion.RoomWords(o.Environments, o.Views)
		out = append(out, v)
	}
	return out, nil
}

func instant(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
func machine(t time.Time) string { return t.UTC().Format(time.RFC3339) }
func short(t time.Time) string   { return t.UTC().Format("2 Jan 15:04:05") }

func mark(s promotion.DeploymentState) string {
	switch s {
	case promotion.DeploymentConverged:
		return "good"
	case promotion.DeploymentDegraded, promotion.DeploymentFailed:
		return "bad"
	}
	return "waiting"
}
