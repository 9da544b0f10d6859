package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/forge"
	"ferry/promotion"
)

// beside names the configuration that a proposal is compared with.
func (r Repository) beside() string { return string(r.ConfigBlob) + " " + r.ConfigSet }

// ProposalStays says whether what a pull request proposes at that head was read before, beside the configuration that is in force.
func (s *Store) ProposalStays(ctx context.Context, r Repository, number int, head forge.SHA) (stays bool, err error) {
	defer wrap(&err, "ProposalStays(%d, %d)", r.ID, number)
	err = s.pool.QueryRow(ctx, `select exists (select from proposals where repository = $1 and number = $2 and head = $3 and beside = $4)`, r.ID, number, head, r.beside()).Scan(&stays)
	return stays, err
}

// proposals writes down what people's pull requests propose.
func (r *observation) proposals(ctx context.Context) error {
	for _, p := range r.o.Pulls {
		var err error
		switch {
		case p.Proposal != nil:
			_, err = r.tx.Exec(ctx, `
				insert into proposals (repository, number, head, beside, proposal) values ($1, $2, $3, $4, $5)
				on conflict (repository, number) do update set head = excluded.head, beside = excluded.beside, proposal = excluded.proposal`,
				r.repo.ID, p.Number, p.Proposal.Head, r.repo.beside(), toJSON(p.Proposal))
		case !p.ProposalStays:
			_, err = r.tx.Exec(ctx, `delete from proposals where repository = $1 and number = $2`, r.repo.ID, p.Number)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// configCheck says on a pull request's head what is wrong with its configuration and its manifests, and what they would do.
func (d *decision) configCheck(ctx context.Context, number int, head forge.SHA) error {
	var raw []byte
	err := d.tx.QueryRow(ctx, `select proposal from proposals where repository = $1 and number = $2 and head = $3`, d.repo.ID, number, head).Scan(&raw)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	var p promotion.Proposal
	if err := json.Unmarshal(raw, &p); err != nil {
		return fmt.Errorf("reading what #%d proposes: %w", number, err)
	}
	var changes []string
	var effects *promotion.Effects
	if p.Config != nil {
		if changes, effects, err = d.simulate(ctx, *p.Config); err != nil {
			return err
		}
	}
	return d.wish(ctx, "config check", strconv.Itoa(number), "", promotion.CheckOf(p, changes, effects), time.Time{})
}

// mostSimulated bounds how many apps are planned twice for one pull request.
const mostSimulated = 200

// simulate plans every app that the proposed configuration means otherwise: as it is, and as it would be.
func (d *decision) simulate(ctx context.Context, proposed promotion.ProposedConfig) (changes []string, effects *promotion.Effects, err error) {
	will, err := proposed.Parse()
	if err != nil { // it was read by an older version of Ferry
		return nil, nil, nil
	}
	paths, err := d.manifestPaths(ctx)
	if err != nil {
		return nil, nil, err
	}
	then := *d
	then.config = will
	effects = &promotion.Effects{}
	simulated := 0
	for _, app := range slices.Sorted(maps.Keys(paths)) {
		if promotion.SameSettings(d.config, will, app, paths[app]) {
			continue
		}
		if simulated++; simulated > mostSimulated {
			effects.Left++
			continue
		}
		before, err := d.snapshot(ctx, app)
		if err != nil {
			return nil, nil, err
		}
		after, err := then.snapshot(ctx, app)
		if err != nil {
			return nil, nil, err
		}
		effects.Add(before, after, d.now)
	}
	return promotion.SettingsChanges(d.config, will), effects, nil
}

// manifestPaths returns the manifests of every app.
func (d *decision) manifestPaths(ctx context.Context) (map[string][]string, error) {
	rows, err := d.tx.Query(ctx, `select app, path from manifests where repository = $1 and branch = $2 and not also order by app, path`, d.repo.ID, d.repo.DefaultBranch)
	if err != nil {
		return nil, err
	}
	out := map[string][]string{}
	var app, path string
	_, err = pgx.ForEachRow(rows, []any{&app, &path}, func() error {
		if list := out[app]; len(list) == 0 || list[len(list)-1] != path {
			out[app] = append(list, path)
		}
		return nil
	})
	return out, err
}
