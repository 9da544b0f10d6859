package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"ferry/forge"
	"ferry/forge/github"
	"ferry/migrations"
	"ferry/promotion"
	"ferry/promotion/doctor"
	"ferry/promotion/postgres"
	"ferry/promotion/worker"
	"ferry/server"
	"ferry/web"
)

// The times of a graceful stop, together below ten seconds: requests and jobs, then the database's connections.
const (
	stopRequests = 3 * time.Second
	stopJobs     = 5 * time.Second
	stopPool     = 2 * time.Second
)

// service is one `ferry serve`: doors, workers and their store.
type service struct {
	settings settings
	carrier  http.RoundTripper // nil: Go's own
	now      func() time.Time
	logger   *slog.Logger
	lease    time.Duration // 0: the workers' own
	look     time.Duration // how often for an App that another replica was given; 0: as usual
	handler  atomic.Pointer[http.Handler]
	ready    atomic.Bool
	store    *postgres.Store
	work     *worker.Work
	metrics  *metrics
	options  []postgres.Option                                                 // of the store
	labels   func(context.Context, promotion.Image) (map[string]string, error) // nil: registries are not read
	has      func(context.Context, promotion.Image) (bool, error)              // likewise
}

func newService(s settings, carrier http.RoundTripper, now func() time.Time, logger *slog.Logger) *service {
	svc := &service{settings: s, carrier: carrier, now: now, logger: logger, metrics: newMetrics()}
	starting := http.Handler(http.HandlerFunc(startingPage))
	svc.handler.Store(&starting)
	return svc
}

// startingPage answers while there is no database yet: a delivery is not taken, so that the forge shows it as failed and nothing is lost silently.
func startingPage(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/healthz" {
		w.WriteHeader(http.StatusOK)
		return
	}
	http.Error(w, "Ferry is starting", http.StatusServiceUnavailable)
}

// ServeHTTP answers with what the service is able to do by now.
func (svc *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	(*svc.handler.Load()).ServeHTTP(w, r)
}

// open migrates and opens the database and makes the doors and workers. Close ends it.
func (svc *service) open(ctx context.Context, databaseURL string) error {
	store, err := postgres.Open(ctx, databaseURL, svc.logger, svc.options...)
	if err != nil {
		return unreachableIf(err)
	}
	if err := migrations.Up(ctx, databaseURL, svc.logger); err != nil {
		store.Close()
		return err
	}
	with, err := svc.ownApp(ctx, store)
	if err != nil {
		store.Close()
		return err
	}
	svc.settings = with
	gh, err := svc.settings.github(svc.carrier, svc.metrics, svc.now, svc.logger)
	if err != nil {
		store.Close()
		return usageIf(err)
	}
	svc.store = store
	svc.work = &worker.Work{Store: store, Forges: map[forge.Kind]worker.Connection{forge.GitHub: connection(gh, svc.settings, svc.now)}, URL: svc.settings.URL, Labels: svc.labels, Has: svc.has, Now: svc.now, Logger: svc.logger,
		Holder: holderName(), LeaseTime: svc.lease, Metrics: worker.Metrics{Job: svc.metrics.job, Lost: svc.metrics.lost}}
	doors := server.New(server.Config{
		Store: doorStore{Store: store, given: svc.settings.secrets.tokens}, Ready: svc.ready.Load, Now: svc.now, Logger: svc.logger, Count: svc.counted, Metrics: svc.metrics.handler(), Page: web.New(store, svc.settings.home(), svc.settings.pagesURL(), svc.now, svc.logger),
		People: people{gh, svc.settings.pagesURL()},
		GitHub: &server.Hook{
			Signed: github.Signed,
			Verify: func(h http.Header, body []byte) error {
				return github.Verify(svc.settings.secrets.webhookSecret, h, body)
			},
			Delivery: github.Delivery,
			Glance:   github.Glance,
		},
	})
	svc.handler.Store(&doors)
	svc.ready.Store(true)
	return nil
}

// people are those of GitHub, as the doors need them.
type people struct {
	forge    *github.Forge
	pagesURL string
}

func (p people) Knows(ctx context.Context, token string) error {
	return p.forge.Person(token).Knows(ctx)
}

func (p people) CommentAs(ctx context.Context, token string, repo forge.Repo, number int, text string) (string, error) {
	id, err := p.forge.Person(token).Comment(ctx, repo, number, text)
	return fmt.Sprintf("%s/%s/issues/%d#issuecomment-%d", p.pagesURL, repo.FullName(), number, id), err
}

// close gives the database's connections back. It does not wait long for one that hangs: the process ends either way.
func (svc *service) close() {
	if svc.store == nil {
		return
	}
	closed := make(chan struct{})
	go func() {
		svc.store.Close()
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(stopPool):
		svc.logger.Warn("the database's connections are left open", "after", stopPool)
	}
}

// connection is GitHub as the workers need it.
func connection(gh *github.Forge, s settings, now func() time.Time) worker.Connection {
	c := worker.Connection{
		Kind: forge.GitHub, PagesURL: s.pagesURL(), Identity: gh.Identity, Parse: github.Parse,
		Client: func(installation int64, environment forge.Repo) worker.Client {
			return gh.ClientFor(installation, environment)
		}, Forget: gh.Forget, Hold: gh.Hold,
		Installations: gh.Installations,
		Repositories:  gh.Repositories,
	}
	c.Examine = func(ctx context.Context, patients []doctor.Patient) (doctor.Report, error) {
		return newExamination(gh, s, now).ofKnown(ctx, patients)
	}
	if s.GitHubAppID != 0 {
		c.Log = &worker.DeliveryLog{Deliveries: gh.Deliveries, Redeliver: gh.Redeliver}
	}
	return c
}

// counted counts a delivery, and remembers that one could not be stored.
func (svc *service) counted(result string) {
	svc.metrics.delivery(result)
	if result == "failed" {
		svc.work.Missed()
	}
}

func holderName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d/%d", host, os.Getpid(), time.Now().UnixNano())
}

// run serves on the listener and works until ctx ends, then stops gracefully.
func (svc *service) run(ctx context.Context, listener net.Listener, open func(context.Context) error) error {
	httpServer := &http.Server{Handler: svc, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(svc.logger.Handler(), slog.LevelDebug)}
	svc.logger.Info("listening", "address", listener.Addr().String())
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := httpServer.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serving on %s: %w", listener.Addr(), err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		svc.ready.Store(false)
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopRequests)
		defer cancel()
		if err := httpServer.Shutdown(stop); err != nil {
			return httpServer.Close()
		}
		return nil
	})
	group.Go(func() error {
		if err := open(ctx); err != nil {
			return err
		}
		svc.logger.Info("ready", "listen", listener.Addr().String())
		return svc.work.Run(ctx, stopJobs)
	})
	return group.Wait()
}

// metrics counts what the service does.
type metrics struct {
	registry   *prometheus.Registry
	deliveries *prometheus.CounterVec
	lostOnes   *prometheus.CounterVec
	jobs       *prometheus.CounterVec
	requests   *prometheus.CounterVec
	left       *prometheus.GaugeVec
	until      *prometheus.GaugeVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry:   prometheus.NewRegistry(),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ferry_deliveries_total", Help: "Webhook deliveries by what became of them."}, []string{"result"}),
		lostOnes:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ferry_lost_deliveries_total", Help: "Deliveries that the forge could not bring, from its own log: found, asked for again, given up."}, []string{"result"}),
		jobs:       prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ferry_jobs_total", Help: "Jobs by kind and result."}, []string{"kind", "result"}),
		requests:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ferry_forge_requests_total", Help: "Requests to the forge by method, route and status."}, []string{"method", "route", "status"}),
		left:       prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "ferry_forge_budget_left", Help: "Requests that the forge still grants an installation until its limit is reset, as it said last."}, []string{"installation"}),
		until:      prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "ferry_forge_throttled_until_seconds", Help: "When the forge's limits let Ferry go on for an installation, in seconds since 1970; in the past where it has gone on."}, []string{"installation"}),
	}
	m.registry.MustRegister(m.deliveries, m.lostOnes, m.jobs, m.requests, m.left, m.until, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) delivery(result string) { m.deliveries.WithLabelValues(result).Inc() }
func (m *metrics) lost(result string, n int) {
	m.lostOnes.WithLabelValues(result).Add(float64(n))
}
func (m *metrics) job(kind, result string) { m.jobs.WithLabelValues(kind, result).Inc() }
func (m *metrics) request(method, route string, status int) {
	m.requests.WithLabelValues(method, route, fmt.Sprint(status)).Inc()
}
func (m *metrics) budget(installation int64, left int) {
	m.left.WithLabelValues(strconv.FormatInt(installation, 10)).Set(float64(left))
}
func (m *metrics) throttled(installation int64, until time.Time) {
	m.until.WithLabelValues(strconv.FormatInt(installation, 10)).Set(float64(until.Unix()))
}
func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
