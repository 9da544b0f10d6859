// Package web renders Ferry's page for people: apps × environments, with release, state and pull request.
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

//go:embed page.html
var files embed.FS

// store is what the page asks of the database.
type store interface {
	Overview(ctx context.Context) ([]postgres.Overview, error)
	Events(ctx context.Context, repository int64, limit int) ([]postgres.Event, error)
}

type page struct {
	store    store
	pagesURL string
	now      func() time.Time
	logger   *slog.Logger
	page     *template.Template
}

// content is what the page shows.
type content struct {
	Now          time.Time
	Repositories []repositoryView
}

// New returns the handler of the page. pagesURL is where people look at repositories.
func New(s store, pagesURL string, now func() time.Time, logger *slog.Logger) http.Handler {
	functions := template.FuncMap{"instant": instant, "machine": machine, "short": short, "mark": mark}
	return &page{store: s, pagesURL: pagesURL, now: now, logger: logger, page: template.Must(template.New("page.html").Funcs(functions).ParseFS(files, "page.html"))}
}

type repositoryView struct {
	postgres.Overview
	URL    string
	Rows   []row
	Rooms  []string // how many wait for a place, by environment
	Events []postgres.Event
}

type row struct {
	App   string
	Cells []*promotion.EnvironmentView // nil where the app is not in the environment
}

func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	repositories, err := p.read(r.Context())
	if err != nil {
		p.logger.Error("page failed", "error", err)
		http.Error(w, "Ferry cannot read its database now.", http.StatusServiceUnavailable)
		return
	}
	var b bytes.Buffer
	if err := p.page.Execute(&b, content{p.now(), repositories}); err != nil {
		p.logger.Error("page failed", "error", err)
		http.Error(w, "The page cannot be shown.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = b.WriteTo(w) // the client is gone: there is nobody left to tell
}

// recentEvents is how many events the page shows of each repository.
const recentEvents = 30

func (p *page) read(ctx context.Context) ([]repositoryView, error) {
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
