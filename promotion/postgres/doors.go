package postgres

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/forge"
	"ferry/promotion"
)

// Token is whom a bearer token speaks for.
type Token struct {
	ID          int64
	Kind        string // agent or ci
	Repository  int64
	FullName    string
	Environment string // empty for ci
	Reporter    string // its id in the addresses for Argo CD (see Reporter)
}

// The kinds of tokens.
const (
	TokenAgent = "agent"
	TokenCI    = "ci"
)

func hashOf(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// CreateToken makes a token for an environment repository's agents (environment given) or its CI, and returns it: only its hash is kept.
// It returns ErrNotFound, naming the repositories Ferry knows, where it does not know that one.
func (s *Store) CreateToken(ctx context.Context, kind forge.Kind, repo forge.Repo, environment, tokenKind, name string, now time.Time) (token string, err error) {
	defer wrap(&err, "CreateToken(%s)", repo.FullName())
	id, err := s.RepositoryNamed(ctx, kind, repo)
	if errors.Is(err, ErrNotFound) {
		known, listErr := collect[string](ctx, s, `select owner || '/' || name from repositories where forge = $1 and config_blob <> '' order by 1 limit 20`, kind)
		if listErr != nil {
			return "", listErr
		}
		return "", fmt.Errorf("%w: Ferry has not seen that repository yet (it knows %v); install the App on it, or push to it, and try again", ErrNotFound, known)
	}
	if err != nil {
		return "", err
	}
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		return "", err
	}
	token = "ferry_" + tokenKind + "_" + base64.RawURLEncoding.EncodeToString(raw)
	_, err = s.pool.Exec(ctx, `insert into tokens (repository, environment, kind, hash, name, created_at) values ($1, $2, $3, $4, $5, $6)`,
		id, environment, tokenKind, hashOf(token), name, now)
	return token, err
}

// RepositoryNamed returns the id of the repository of that name, in either case as at the forge, or ErrNotFound.
func (s *Store) RepositoryNamed(ctx context.Context, kind forge.Kind, repo forge.Repo) (id int64, err error) {
	err = s.pool.QueryRow(ctx, `
		select id from repositories where forge = $1 and lower(owner) = lower($2) and lower(name) = lower($3) order by accessible desc, id desc limit 1`,
		kind, repo.Owner, repo.Name).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, ErrNotFound
	}
	if err != nil {
		err = fmt.Errorf("RepositoryNamed(%s): %w", repo.FullName(), err)
	}
	return id, err
}

// Environments returns the names of the environments of the repository's configuration in force; none where Ferry is off there.
func (s *Store) Environments(ctx context.Context, repository int64) (names []string, err error) {
	defer wrap(&err, "Environments(%d)", repository)
	content, err := s.ConfigContent(ctx, repository)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c, err := content.Parse()
	if err != nil {
		return nil, err
	}
	for _, env := range c.Order() {
		names = append(names, env.Name)
	}
	return names, nil
}

// CommandPlace is where a person's commands may stand.
type CommandPlace struct {
	Repo   forge.Repo
	Number int    // of a promotion pull request, or of Ferry's issue
	Prefix string // see config.Config
}

// CommandPlace returns where commands for an environment repository stand: under number, or on Ferry's issue for 0. It returns ErrNotFound where Ferry
// knows no repository of that name, is off there, or takes no commands there.
func (s *Store) CommandPlace(ctx context.Context, kind forge.Kind, repo forge.Repo, number int) (p CommandPlace, err error) {
	id, err := s.RepositoryNamed(ctx, kind, repo)
	if err != nil {
		return p, err
	}
	content, err := s.ConfigContent(ctx, id)
	if err != nil {
		return p, err
	}
	c, err := content.Parse()
	if err != nil {
		return p, err
	}
	found, err := s.LoadRepository(ctx, id)
	if err != nil {
		return p, err
	}
	number = cmp.Or(number, found.Issue)
	if ours, err := s.IsFerrysPage(ctx, id, number); err != nil || !ours || number == 0 {
		return p, cmp.Or(err, ErrNotFound)
	}
	return CommandPlace{found.Repo, number, c.CommandPrefix}, nil
}

// FindToken returns whom a token speaks for, or ErrNotFound.
func (s *Store) FindToken(ctx context.Context, token string) (t Token, err error) {
	err = s.pool.QueryRow(ctx, `
		select t.id, t.kind, t.repository, r.owner || '/' || r.name, t.environment
		from tokens t join repositories r on r.id = t.repository where t.hash = $1 and t.revoked_at is null`, hashOf(token)).
		Scan(&t.ID, &t.Kind, &t.Repository, &t.FullName, &t.Environment)
	if errors.Is(err, pgx.ErrNoRows) {
		return t, ErrNotFound
	}
	if err != nil {
		err = fmt.Errorf("FindToken: %w", err)
	}
	t.Reporter = Reporter(token)
	return t, err
}

// StoreReports stores what an agent said of its environment, all of it or nothing, and makes due the apps it may change. A report that says
// nothing new only says that the agent is alive.
func (s *Store) StoreReports(ctx context.Context, t Token, reports []promotion.AgentReport, now time.Time) (err error) {
	defer wrap(&err, "StoreReports(%s, %s)", t.FullName, t.Environment)
	return s.transact(ctx, pgx.ReadCommitted, func(tx pgx.Tx) error {
		if err := besideOthers(ctx, tx, t.Repository); err != nil {
			return err
		}
		if t, reports, err = calledNow(ctx, tx, t, reports); err != nil {
			return err
		}
		order := make([]int, len(reports)) // rows are locked in a fixed order
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int {
			return cmp.Or(cmp.Compare(reports[a].App, reports[b].App), cmp.Compare(reports[a].Cluster, reports[b].Cluster))
		})
		var units []string
		for _, i := range order {
			names, err := s.storeReport(ctx, tx, t, reports[i], now)
			var unknown *UnknownAppError
			if errors.As(err, &unknown) && len(reports) > 1 {
				unknown.Index = &i
			}
			if err != nil {
				return err
			}
			units = append(units, names...)
		}
		slices.Sort(units)
		return s.raiseUnits(ctx, tx, t.Repository, slices.Compact(units))
	})
}

// calledNow returns the token and its reports with the names of now, where the agent still uses former ones.
func calledNow(ctx context.Context, tx pgx.Tx, t Token, reports []promotion.AgentReport) (Token, []promotion.AgentReport, error) {
	apps := make([]string, 0, len(reports))
	for _, r := range reports {
		apps = append(apps, r.App)
	}
	rows, err := tx.Query(ctx, `
		select kind, was, name from former_names where repository = $1 and (kind = 'environment' and was = $2 or kind = 'app' and was = any($3))`, t.Repository, t.Environment, apps)
	if err != nil {
		return t, nil, err
	}
	reports = slices.Clone(reports)
	var kind, was, name string
	_, err = pgx.ForEachRow(rows, []any{&kind, &was, &name}, func() error {
		if kind == "environment" {
			t.Environment = name
		}
		for i := range reports {
			if kind == "app" && reports[i].App == was {
				reports[i].App = name
			}
		}
		return nil
	})
	return t, reports, err
}

// awake is how long an agent may say nothing before its next report, even of the same, is something new.
const awake = time.Minute

func (s *Store) storeReport(ctx context.Context, tx pgx.Tx, t Token, r promotion.AgentReport, now time.Time) ([]string, error) {
	observed := r.ObservedAt
	if observed.IsZero() || observed.After(now) {
		observed = now
	}
	var oldRevision, oldHealth string
	var oldImages []byte
	var oldMessage string
	var heard *time.Time
	var every time.Duration
	err := tx.QueryRow(ctx, `
		select revision, health, images, message, received_at, every_ns from reports where repository = $1 and environment = $2 and app = $3 and cluster = $4 for update`,
		t.Repository, t.Environment, r.App, r.Cluster).Scan(&oldRevision, &oldHealth, &oldImages, &oldMessage, &heard, &every)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return nil, err
	}
	bad := r.Health == promotion.HealthDegraded || r.Health == promotion.HealthFailed
	images := r.Images
	if images == nil {
		images = []string{}
	}
	tag, err := tx.Exec(ctx, `
		insert into reports (repository, environment, app, cluster, revision, health, images, message, observed_at, received_at, every_ns, degraded_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, case when $12 then $10::timestamptz end)
		on conflict (repository, environment, app, cluster) do update
		set revision = excluded.revision, health = excluded.health, images = excluded.images, message = excluded.message, observed_at = excluded.observed_at,
		    received_at = excluded.received_at, every_ns = excluded.every_ns, degraded_at = coalesce(excluded.degraded_at, reports.degraded_at)
		where reports.observed_at <= excluded.observed_at`,
		t.Repository, t.Environment, r.App, r.Cluster, r.Revision, r.Health, toJSON(images), r.Message, observed, now, r.Every, bad)
	if err != nil || tag.RowsAffected() == 0 {
		return nil, err
	}
	var had []string
	if oldImages != nil {
		if err := json.Unmarshal(oldImages, &had); err != nil {
			return nil, err
		}
	}
	same := heard != nil && oldRevision == string(r.Revision) && oldHealth == string(r.Health) && oldMessage == r.Message && slices.Equal(had, images)
	woke := heard != nil && now.Sub(*heard) > max(awake, 3*every) // its silence may have been told, and may have stopped a soak
	if same && !woke {
		return nil, nil
	}
	if r.App != "" {
		return []string{appUnit(r.App)}, s.mustKnow(ctx, tx, t, r.App)
	}
	// The health of the whole environment changed, or only how far it has come: then only what has not arrived can change.
	return collectTx[string](ctx, tx, `
		select 'app:' || app from deployments where repository = $1 and environment = $2 and last_seq is null and (state <> 'converged' or $3) order by app`,
		t.Repository, t.Environment, oldHealth != string(r.Health) || woke && every > 0)
}

// mustKnow fails with ErrUnknownApp where the app is not in the token's environment.
func (s *Store) mustKnow(ctx context.Context, tx pgx.Tx, t Token, app string) error {
	var known bool
	err := tx.QueryRow(ctx, `select exists (select from deployments where repository = $1 and environment = $2 and app = $3)`, t.Repository, t.Environment, app).Scan(&known)
	if err == nil && !known {
		return &UnknownAppError{App: app, Environment: t.Environment}
	}
	return err
}

// UnknownAppError is the error of a report about an app that is not in the environment.
type UnknownAppError struct {
	App, Environment string
	Index            *int // in the list; nil where there was only one report
}

// Error says which app is not known where.
func (e *UnknownAppError) Error() string {
	where := ""
	if e.Index != nil {
		where = fmt.Sprintf("report %d: ", *e.Index)
	}
	return fmt.Sprintf("%sapp: %q has no manifest in %q, as far as Ferry has read", where, e.App, e.Environment)
}

func collectTx[T any](ctx context.Context, tx pgx.Tx, sql string, args ...any) ([]T, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[T])
}
