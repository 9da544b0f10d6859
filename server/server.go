// Package server is Ferry's HTTP edge: webhook intake, reports and announcements, health, metrics and the pages for people.
package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"golang.org/x/sync/semaphore"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
	"ferry/promotion/postgres"
)

// Config is what the server is made of. A hook that is nil has no route.
type Config struct {
	Store   store
	GitHub  *Hook
	People  people       // nil: they say nothing here
	Page    http.Handler // for people
	Metrics http.Handler
	Count   func(result string) // deliveries by result
	Ready   func() bool         // false while migrating or stopping
	Now     func() time.Time
	Logger  *slog.Logger
}

// Hook verifies and reads one forge's deliveries.
type Hook struct {
	Signed   func(h http.Header) error // whether it may be signed at all, before its body is read
	Verify   func(h http.Header, body []byte) error
	Delivery func(h http.Header, body []byte) (forge.Delivery, error)
	Glance   func(event string, body []byte) (forge.Event, error) // as far as storing needs it
}

// store is what the handlers ask of the database.
type store interface {
	StoreDelivery(ctx context.Context, d forge.Delivery, e forge.Event, now time.Time) (fresh bool, err error)
	FindToken(ctx context.Context, token string) (postgres.Token, error)
	StoreReports(ctx context.Context, t postgres.Token, reports []promotion.AgentReport, now time.Time) error
	FindPlace(ctx context.Context, t postgres.Token, paths []string) (postgres.ReportPlace, error)
	Announce(ctx context.Context, t postgres.Token, a promotion.Announced, now time.Time) (apps []string, err error)
	CommandPlace(ctx context.Context, kind forge.Kind, repo forge.Repo, number int) (postgres.CommandPlace, error)
	Ping(ctx context.Context) error
}

type server struct {
	Config
	memory *semaphore.Weighted // for bodies whose sender is not known yet
	guard  *guard              // of the forge's, from strangers' tokens
}

// New returns the handler of every door. This function is the list of who may call what.
func New(cfg Config) http.Handler {
	s := &server{cfg, semaphore.NewWeighted(unprovenMemory), newGuard()}
	r := chi.NewRouter()
	r.Use(middleware.Recoverer, securityHeaders)
	if s.GitHub != nil {
		r.Post("/webhooks/github", s.handle(s.webhook(s.GitHub))) // GitHub, for every event of the App: signature over the raw body
	}
	r.Post("/api/v1/reports", s.handle(s.reports)) // agents, with a token of an environment
	r.Post("/api/v1/images", s.handle(s.images))   // CI, with a token of kind ci
	if s.People != nil {
		r.Post("/api/v1/commands", s.handle(s.commands)) // people and their scripts, with their own token of the forge
	}
	r.Post("/webhooks/argocd/{reporter}", s.handle(s.argoCD))       // Argo CD's notifications, with a token of an environment
	r.Get("/healthz", s.healthz)                                    // the supervisor: is the process alive?
	r.Get("/readyz", s.handle(s.readyz))                            // the load balancer: may requests be sent here?
	r.Get("/schema/ferry.json", schema(config.Schema()))            // editors, for .ferry.yaml
	r.Get("/schema/included.json", schema(config.IncludedSchema())) // editors, for the files it includes
	if s.Metrics != nil {
		r.Method(http.MethodGet, "/metrics", s.Metrics) // Prometheus
	}
	if s.Page != nil {
		r.Method(http.MethodGet, "/", s.Page) // people
		r.Method(http.MethodGet, "/health", s.Page)
		r.Method(http.MethodGet, "/health.json", s.Page) // monitoring
		r.Method(http.MethodGet, "/assets/*", s.Page)
	}
	return r
}

func securityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}

func (s *server) healthz(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"status": "ok"})
}

// readyPatience bounds how long the database may take to say that it is there.
const readyPatience = 2 * time.Second

func (s *server) readyz(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), readyPatience)
	defer cancel()
	if !s.Ready() {
		return &problem{http.StatusServiceUnavailable, "Ferry is starting or stopping"}
	}
	if err := s.Store.Ping(ctx); err != nil {
		s.Logger.Warn("not ready", "error", err)
		if errors.Is(err, postgres.ErrNoSchema) {
			return &problem{http.StatusServiceUnavailable, postgres.ErrNoSchema.Error()}
		}
		return &problem{http.StatusServiceUnavailable, "the database does not answer"}
	}
	answer(w, http.StatusOK, map[string]any{"status": "ready"})
	return nil
}
