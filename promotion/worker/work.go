package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
	"ferry/promotion/postgres"
)

// Work is what all workers share. Its steps (Observe, Decide, Act …) are plain methods: River runs them in a server, a test may call them itself.
type Work struct {
	Store   *postgres.Store
	Forges  map[forge.Kind]Connection
	Labels  imageLabels // nil: registries are not read
	Has     imageFinder // likewise
	URL     string      // Ferry's own public address
	Now     func() time.Time
	Logger  *slog.Logger
	Holder  string // names this process in leases
	Metrics Metrics
	// LeaseTime is for how long a lease stands that is not renewed; 20 seconds where it is 0.
	LeaseTime time.Duration
	// MostRevisions is how many revisions are read back after the database was lost; 300 where it is 0.
	MostRevisions int
	configs       configCache
	access        sync.Map // by signIn: the installation's access when this process signed in last
	ways          sync.Map // by usual: tried
	missed        atomic.Bool
}

// Metrics counts what the workers do. A nil function counts nothing.
type Metrics struct {
	Job  func(kind, result string)
	Lost func(result string, n int) // deliveries, by what became of them
}

// outcome is how a job ended that returned no error. What waits or was refused is written down and tried again by itself.
type outcome string

const (
	done    outcome = "done"
	putOff  outcome = "put_off" // what it works on failed or was below its floor
	refused outcome = "refused" // the forge does not take it
)

func (m Metrics) job(kind string, how outcome, err error) {
	if m.Job == nil {
		return
	}
	if err != nil {
		how = "failed"
	}
	m.Job(kind, string(how))
}

func (m Metrics) lost(result string, n int) {
	if m.Lost != nil && n > 0 {
		m.Lost(result, n)
	}
}

// connection returns the forge of a repository, or an error that says how to configure it.
func (w *Work) connection(kind forge.Kind) (Connection, error) {
	c, ok := w.Forges[kind]
	if !ok {
		return c, fmt.Errorf("no credentials for %s are configured", kind)
	}
	return c, nil
}

type signIn struct {
	forge        forge.Kind
	installation int64
}

// client returns the client for a repository, which signs in anew where what the installation may do has changed since, and asks nothing while a limit stands
// that any replica has heard of.
func (w *Work) client(c Connection, repo postgres.Repository) Client {
	w.signInAnew(c, repo.Installation, repo.Access)
	for graphql, until := range map[bool]time.Time{false: repo.HeldUntil, true: repo.GraphQLUntil} {
		if c.Hold != nil && until.After(w.Now()) {
			c.Hold(repo.Installation, until, graphql)
		}
	}
	return c.Client(repo.Installation, repo.Repo)
}

// signInAnew forgets what this process signed in with before the installation's access changed: a token carries the rights of when it was made.
func (w *Work) signInAnew(c Connection, installation, access int64) {
	if last, known := w.access.Swap(signIn{c.Kind, installation}, access); known && last != access && c.Forget != nil {
		c.Forget(installation)
	}
}

// backoff returns how long work that failed n times in a row waits: from a second up to five minutes.
func backoff(n int) time.Duration {
	return min(time.Second<<min(n, 9), 5*time.Minute)
}

// again returns when failed work of a repository, or of an installation, is tried again: where the forge said so, then, which people can read meanwhile.
func (w *Work) again(ctx context.Context, of postgres.Repository, err error, failures int) time.Time {
	var limited *forge.RateLimited
	if errors.As(err, &limited) {
		w.logged(w.Store.Throttle(context.WithoutCancel(ctx), of, promotion.Throttle{Forge: of.Forge, Until: limited.Until, Content: limited.Content, GraphQL: limited.GraphQL}))
		return limited.Until.Add(time.Second)
	}
	return w.Now().Add(backoff(failures))
}

// configCache keeps parsed configurations by their name: parsing costs as much as an app's whole decision.
type configCache struct {
	mu     sync.Mutex
	parsed map[postgres.ConfigName]*config.Config
}

// cachedConfigs bounds the cache; beyond it, it is begun anew.
const cachedConfigs = 256

func (c *configCache) get(name postgres.ConfigName, content func() (postgres.ConfigContent, error)) (*config.Config, error) {
	c.mu.Lock()
	found := c.parsed[name]
	c.mu.Unlock()
	if found != nil {
		return found, nil
	}
	data, err := content()
	if err != nil {
		return nil, fmt.Errorf("reading the stored configuration %s: %w", name.Blob.Short(), err)
	}
	parsed, err := data.Parse()
	if err != nil {
		return nil, fmt.Errorf("the stored configuration %s: %w", name.Blob.Short(), err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.parsed == nil || len(c.parsed) >= cachedConfigs {
		c.parsed = map[postgres.ConfigName]*config.Config{}
	}
	c.parsed[name] = parsed
	return parsed, nil
}

// Decide decides one unit of a repository.
func (w *Work) Decide(ctx context.Context, repository int64, unit string) (err error) {
	defer func() { w.Metrics.job("decide", done, err) }()
	repo, err := w.Store.LoadRepository(ctx, repository)
	if err != nil {
		return err
	}
	connection, err := w.connection(repo.Forge)
	if err != nil {
		return err
	}
	self, err := connection.Identity(ctx)
	if err != nil {
		return fmt.Errorf("asking %s who Ferry is there: %w", repo.Forge, err)
	}
	return w.Store.Decide(ctx, repository, unit, w.Now(), postgres.Mind{Self: self, Labels: w.Labels != nil, ForgeURL: connection.PagesURL, URL: w.URL, Config: w.configs.get})
}

// Drain does all work that is due now, one step after the other, until there is none. It is how tests and one-shot tools run Ferry without River.
func (w *Work) Drain(ctx context.Context) error {
	for range 10_000 {
		due, err := w.Store.DueWork(ctx, w.Now(), 100)
		if err != nil || due.Empty() {
			return err
		}
		w.Do(ctx, due)
	}
	return errors.New("the work does not come to an end")
}

// Do does the work that was found due, one step after the other. What fails is logged and put off.
func (w *Work) Do(ctx context.Context, due postgres.Due) {
	for _, id := range due.Repositories {
		w.logged(w.Observe(ctx, id))
	}
	for _, i := range due.Installations {
		w.logged(w.ObserveInstallation(ctx, forge.Kind(i.Forge), i.Installation))
	}
	for _, id := range due.Checks {
		w.logged(w.ReadChecks(ctx, id))
	}
	for _, id := range due.Changes {
		w.logged(w.ObserveChange(ctx, id))
	}
	for _, id := range due.Lookups {
		w.logged(w.ObserveSource(ctx, id))
	}
	for _, of := range due.Authors {
		w.logged(w.ObserveAuthors(ctx, of))
	}
	for _, u := range due.Units {
		w.logged(w.Decide(ctx, u.Repository, u.Unit))
	}
	for _, id := range due.Wishes {
		w.logged(w.Act(ctx, id))
	}
	for _, l := range due.Logs {
		w.logged(w.ReadDeliveries(ctx, forge.Kind(l.Forge)))
	}
	for _, e := range due.Examinations {
		w.logged(w.Examine(ctx, forge.Kind(e.Forge)))
	}
}

func (w *Work) logged(err error) {
	if err != nil {
		w.Logger.Warn("work is put off", "error", err)
	}
}
