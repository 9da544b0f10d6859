package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// beside names what a proposal is compared with, the configuration, and how it is read: one that was read otherwise is read anew.
func (r Repository) beside() string { return "5 " + string(r.ConfigBlob) + " " + r.ConfigSet }

// ProposalStays says whether what a pull request proposes at that head, which left the default branch at from, was read before, beside the configuration that is
// in force and, where it changes that, beside that head of the default branch.
func (s *Store) ProposalStays(ctx context.Context, r Repository, number int, head, from, base forge.SHA) (stays bool, err error) {
	defer wrap(&err, "ProposalStays(%d, %d)", r.ID, number)
	err = s.pool.QueryRow(ctx, `
		select exists (select from proposals where repository = $1 and number = $2 and head = $3 and beside = $4 and coalesce(proposal ->> 'Base', '') in ('', $5)
		                and proposal ->> 'From' = $6)`, r.ID, number, head, r.beside(), base, from).Scan(&stays)
	return stays, err
}

// ProposedConfigs returns what open pull requests make of the configuration, by their numbers; nil where it could not be read.
func (s *Store) ProposedConfigs(ctx context.Context, repository int64) (out map[int]*promotion.ProposedConfig, err error) {
	defer wrap(&err, "ProposedConfigs(%d)", repository)
	rows, err := s.pool.Query(ctx, `
		select x.number, x.proposal ->> 'Config' from proposals x join pulls p on p.repository = x.repository and p.number = x.number
		where x.repository = $1 and p.open and x.proposal ->> 'Base' <> ''`, repository)
	if err != nil {
		return nil, err
	}
	out = map[int]*promotion.ProposedConfig{}
	var number int
	var raw *string
	_, err = pgx.ForEachRow(rows, []any{&number, &raw}, func() error {
		out[number] = nil
		if raw == nil {
			return nil
		}
		out[number] = &promotion.ProposedConfig{}
		return json.Unmarshal([]byte(*raw), out[number])
	})
	return out, err
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

// configCheck says on a pull request's head what is wrong with its configuration and its manifests, and what they would do. It returns the releases that a
// configuration would change: by the one in force, the files may belong to nobody.
func (d *decision) configCheck(ctx context.Context, number int, head forge.SHA) ([]promotion.Change, error) {
	var raw []byte
	err := d.tx.QueryRow(ctx, `select proposal from proposals where repository = $1 and number = $2 and head = $3`, d.repo.ID, number, head).Scan(&raw)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var p promotion.Proposal
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, fmt.Errorf("reading what #%d proposes: %w", number, err)
	}
	s, err := d.simulate(ctx, p)
	if err != nil {
		return nil, err
	}
	return s.moved, d.wish(ctx, "config check", strconv.Itoa(number), "", promotion.CheckOf(p, s.changes, s.effects), time.Time{})
}

// proposesConfig selects the pull requests p that change the configuration, and so maybe releases of which no file tells, and those that could not be
// looked at whole.
const proposesConfig = `exists (select from proposals x where x.repository = p.repository and x.number = p.number
	and (x.proposal ->> 'Config' is not null or x.proposal ->> 'Unseen' = 'true'))`

// simulated is what the merge of a pull request makes of things.
type simulated struct {
	changes []promotion.SettingChange
	effects *promotion.Effects
	moved   []promotion.Change // releases that its configuration changes
}

// mostSimulated bounds how many apps are planned twice for one pull request.
const mostSimulated = 200

// simulate says what the merge of a pull request makes of settings and of releases, and of the promotions of every app that it touches: those are planned
// as they are, and as they would be. It only reads. Rules that come from a fork, where anybody may write them, are not evaluated.
func (d *decision) simulate(ctx context.Context, p promotion.Proposal) (out simulated, err error) {
	will := d.config
	if p.Config != nil {
		if will, err = p.Config.Parse(); err != nil { // it was read by an older version of Ferry
			return out, nil
		}
	} else if p.Removed || len(p.Files) == 0 {
		out.moved = promotion.Moves(d.config, d.config, nil, p.Unseen)
		return out, nil
	}
	paths, err := d.manifestPaths(ctx)
	if err != nil {
		return out, err
	}
	if p.Config != nil {
		if out.changes, err = d.settingsChanges(ctx, p, will, paths); err != nil {
			return out, err
		}
	}
	involved := promotion.Involved{Changed: p.Apps(will, paths)}
	if involved.Living, err = collectTx[string](ctx, d.tx, `select distinct app from promotions where repository = $1 and state in ('waiting', 'open')`, d.repo.ID); err != nil {
		return out, err
	}
	if involved.Waiting, err = collectTx[string](ctx, d.tx, `select name from waiting where repository = $1 group by name order by min(since), name limit $2`, d.repo.ID, mostSimulated); err != nil {
		return out, err
	}
	then, scope := d.try(will, p), promotion.ScopeOf(d.config, will, paths, involved, mostSimulated)
	if out.effects = (&promotion.Effects{Fork: true}); p.Config == nil || !p.Fork {
		out.effects, err = d.tryOut(ctx, then, scope)
	} else {
		_, err = then.trial(ctx, scope)
	}
	if p.Config != nil || p.Unseen {
		out.moved = promotion.Moves(d.config, will, then.tried.landings, p.Unseen || scope.Left > 0)
	}
	return out, err
}

// settingsChanges says what a configuration makes of settings, and of what people have stopped.
func (d *decision) settingsChanges(ctx context.Context, p promotion.Proposal, will *config.Config, paths map[string][]string) ([]promotion.SettingChange, error) {
	stops, err := d.stops(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.allMended(ctx, &stops); err != nil {
		return nil, err
	}
	return append(promotion.StopsChanges(d.config, will, p.Sites(paths), stops), promotion.SettingsChanges(d.config, will, paths)...), nil
}

// tryOut plans the scope as it is and as it would be, and compares.
func (d *decision) tryOut(ctx context.Context, then decision, scope promotion.Scope) (*promotion.Effects, error) {
	before, err := d.trial(ctx, scope)
	if err != nil {
		return nil, err
	}
	after, err := then.trial(ctx, scope)
	if err != nil {
		return nil, err
	}
	after.Landings = then.tried.landings
	stops, err := d.stops(ctx)
	if err != nil {
		return nil, err
	}
	for i := range after.Landings {
		l := &after.Landings[i]
		stops.Mended = nil
		if err := d.mendedOf(ctx, l.App, &stops); err != nil {
			return nil, err
		}
		l.StoppedBy(d.config, stops, d.now)
	}
	e := promotion.Compare(before, after, d.now)
	e.Left = scope.Left
	return &e, nil
}

// trial reads what the scope is planned on, as the decision's configuration has it.
func (d *decision) trial(ctx context.Context, scope promotion.Scope) (t promotion.Trial, err error) {
	members := map[string][]promotion.Snapshot{}
	for _, app := range scope.Apps {
		s, err := d.snapshot(ctx, app)
		if err != nil {
			return t, err
		}
		if s.App.Group == "" {
			t.Units = append(t.Units, promotion.Group{Apps: []promotion.Snapshot{s}})
			continue
		}
		members[s.App.Group] = append(members[s.App.Group], s)
	}
	for _, group := range scope.Groups {
		g, err := d.trainOf(ctx, group, members[group])
		if err != nil {
			return t, err
		}
		t.Units = append(t.Units, g)
	}
	return t, d.lines(ctx, &t)
}

// lines reads what is open into each environment, and who waits for a place there.
func (d *decision) lines(ctx context.Context, t *promotion.Trial) error {
	t.Open, t.Waiting = map[string]map[string]bool{}, map[string][]promotion.Waiter{}
	rows, err := d.tx.Query(ctx, `
		select environment, branch, false, null::timestamptz from promotions where repository = $1 and state in ('waiting', 'open')
		union all select environment, name, true, since from waiting where repository = $1`, d.repo.ID)
	if err != nil {
		return err
	}
	var environment, name string
	var waits bool
	var since *time.Time
	_, err = pgx.ForEachRow(rows, []any{&environment, &name, &waits, &since}, func() error {
		if now, renamed := d.tried.environment(environment); renamed && waits { // it waits anew, under the new name
			return nil
		} else if renamed {
			environment = now
		}
		if waits {
			t.Waiting[environment] = append(t.Waiting[environment], promotion.Waiter{Name: name, Since: timeOf(since)})
			return nil
		}
		if t.Open[environment] == nil {
			t.Open[environment] = map[string]bool{}
		}
		t.Open[environment][name] = true
		return nil
	})
	return err
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
