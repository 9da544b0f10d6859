package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// StatusWish is a commit status that should stand.
type StatusWish struct {
	Target string       `json:"target"` // owner/name of a source repository; empty: the environment repository, whatever its name becomes
	SHA    forge.SHA    `json:"sha"`
	Status forge.Status `json:"status"`
}

func (d *decision) writeContributions(ctx context.Context, app string, _ promotion.Snapshot, p promotion.Plan) error {
	return d.contribute(ctx, app, p.Contributions)
}

// observing says whether the whole repository is only observed: then nothing but Ferry's issue is written at the forge.
func (d *decision) observing() bool { return d.config != nil && d.config.Mode == config.ModeObserve }

// contribute writes one app's contributions to commit statuses and folds each status that changed anew.
func (d *decision) contribute(ctx context.Context, app string, list []promotion.Contribution) error {
	for _, c := range list {
		target := d.target(c.Target)
		c.Description = strings.ToValidUTF8(c.Description, "�")
		tag, err := d.tx.Exec(ctx, `
			insert into contributions (repository, target, sha, context, app, state, description) values ($1, $2, $3, $4, $5, $6, $7)
			on conflict (repository, target, sha, context, app) do update set state = excluded.state, description = excluded.description
			where (contributions.state, contributions.description) is distinct from (excluded.state, excluded.description)`,
			d.repo.ID, target, c.SHA, c.Context, app, c.State, c.Description)
		if err != nil {
			return err
		}
		if tag.RowsAffected() > 0 {
			if err := d.fold(ctx, target, c.SHA, c.Context); err != nil {
				return err
			}
		}
	}
	return nil
}

// fold makes one status of all apps' contributions. Two apps that contribute to one status at once meet at its row, which each of them writes:
// the later one's snapshot lacks what the earlier one contributed, and its transaction is run again.
func (d *decision) fold(ctx context.Context, target string, sha forge.SHA, statusContext string) error {
	key := statusKey(target, sha, statusContext)
	if _, err := d.tx.Exec(ctx, `update wishes set key = key where repository = $1 and kind = 'status' and key = $2`, d.repo.ID, key); err != nil {
		return err
	}
	rows, err := d.tx.Query(ctx, `select app, state, description from contributions where repository = $1 and target = $2 and sha = $3 and context = $4`,
		d.repo.ID, target, sha, statusContext)
	if err != nil {
		return err
	}
	byApp := map[string]promotion.Contribution{}
	var app string
	var c promotion.Contribution
	if _, err := pgx.ForEachRow(rows, []any{&app, &c.State, &c.Description}, func() error { byApp[app] = c; return nil }); err != nil || len(byApp) == 0 {
		return err // where nobody contributes any more, what was said stays
	}
	if app == groupContributor { // no app's wish
		app = ""
	}
	status := promotion.Fold(statusContext, d.mind.URL, byApp)
	if err := d.wish(ctx, "status", key, app, StatusWish{Target: target, SHA: sha, Status: status}, time.Time{}); err != nil || !d.repo.MergeQueue || statusContext != promotion.GatesContext {
		return err
	}
	return d.groupsOf(ctx, sha)
}

// handMade decides ferry/gates of a pull request that is not Ferry's: what stops its environments stops it too, where it changes a release.
func (d *decision) handMade(ctx context.Context) (time.Time, error) {
	number, err := strconv.Atoi(strings.TrimPrefix(d.unit, pullPrefix))
	if err != nil {
		return time.Time{}, err
	}
	if d.config == nil || d.observing() {
		return time.Time{}, nil
	}
	if err := d.withdrawHandMade(ctx); err != nil {
		return time.Time{}, err
	}
	var open bool
	var head forge.SHA
	var changes []byte
	err = d.tx.QueryRow(ctx, `select open, head_sha, changes from pulls where repository = $1 and number = $2 and base_branch = $3`, d.repo.ID, number, d.repo.DefaultBranch).
		Scan(&open, &head, &changes)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !open {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	moved, err := d.configCheck(ctx, number, head)
	if err != nil {
		return time.Time{}, err
	}
	if changes, err = promotion.WithMoves(changes, moved); err != nil {
		return time.Time{}, fmt.Errorf("reading what #%d changes: %w", number, err)
	}
	stops, err := d.stops(ctx)
	if err != nil {
		return time.Time{}, err
	}
	if err := d.mended(ctx, changes, &stops); err != nil {
		return time.Time{}, fmt.Errorf("reading what #%d changes: %w", number, err)
	}
	c, due, err := promotion.HandMadeGates(d.config, head, changes, stops, d.now)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading what #%d changes: %w", number, err)
	}
	c.Description = promotion.Prefixed(d.prefix(), c.Description)
	if err := d.disarmHandMade(ctx, number, c); err != nil {
		return time.Time{}, err
	}
	return due, d.contribute(ctx, "", []promotion.Contribution{c})
}

// withdrawHandMade takes back what hand-made pull requests contributed to commits that none open has as its head any more: such a commit may be the head
// of one of Ferry's too, whose gates nobody else would ever open again.
func (d *decision) withdrawHandMade(ctx context.Context) error {
	left, err := collectTx[forge.SHA](ctx, d.tx, `
		delete from contributions c where c.repository = $1 and c.target = '' and c.context = $2 and c.app = ''
		  and not exists (select from pulls p join units u on u.repository = p.repository and u.name = $4::text || p.number
		                    where p.repository = c.repository and p.open and p.base_branch = $3 and p.head_sha = c.sha)
		returning c.sha`, d.repo.ID, promotion.GatesContext, d.repo.DefaultBranch, pullPrefix)
	if err != nil {
		return err
	}
	for _, sha := range left {
		if err := d.fold(ctx, "", sha, promotion.GatesContext); err != nil {
			return err
		}
	}
	return nil
}

// configStatus says on the commit that changed .ferry.yaml whether it is in force.
func (d *decision) configStatus(ctx context.Context) error {
	var sha forge.SHA
	if err := d.tx.QueryRow(ctx, `select config_sha from repositories where id = $1`, d.repo.ID).Scan(&sha); err != nil || sha == "" || d.observing() {
		return err
	}
	empty, err := d.emptyEnvironments(ctx)
	if err != nil {
		return err
	}
	return d.contribute(ctx, "", []promotion.Contribution{promotion.ConfigStatus(sha, d.config, d.repo.ConfigProblem, empty)})
}

// emptyEnvironments returns the environments of the configuration that have no manifest.
func (d *decision) emptyEnvironments(ctx context.Context) (names []string, err error) {
	if d.config == nil {
		return nil, nil
	}
	found, err := collectTx[string](ctx, d.tx, `select distinct environment from manifests where repository = $1 and branch = $2 and not also`, d.repo.ID, d.repo.DefaultBranch)
	if err != nil {
		return nil, err
	}
	for _, env := range d.config.Order() {
		if !slices.Contains(found, env.Name) {
			names = append(names, env.Name)
		}
	}
	return names, nil
}
