package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
)

// A unit is what is decided as one, by name: an app ("app:checkout"), the apps of a group ("group:platform"), a hand-made pull request ("pull:7"), a head that a pull request has left ("left:7:SHA"), the pending commands of a repository,
// its configuration's status, Ferry's issue, the decisions on the branch ferry-state, the merge groups of the merge queue. Each has its own generation.
const (
	appPrefix    = "app:"
	groupPrefix  = "group:"
	pullPrefix   = "pull:"
	leftPrefix   = "left:"
	commandsUnit = "commands"
	configUnit   = "config"
	issueUnit    = "issue"
	stateUnit    = "state"
	queueUnit    = "queue"
)

func appUnit(app string) string       { return appPrefix + app }
func groupUnit(group string) string   { return groupPrefix + group }
func pullUnit(number int) string      { return fmt.Sprintf("%s%d", pullPrefix, number) }
func keys(m map[string]bool) []string { return slices.Sorted(maps.Keys(m)) }

// UnitsBeforeMerge returns the units that are decided once more right before a promotion of the app, or of the group, is merged: what people said, then
// its gates.
func UnitsBeforeMerge(app, group string) []string {
	if group != "" {
		return []string{commandsUnit, groupUnit(group)}
	}
	return []string{commandsUnit, appUnit(app)}
}

// AppOf returns the app of a unit's name, or the group, and false for another kind of unit.
func AppOf(unit string) (string, bool) {
	if group, ok := strings.CutPrefix(unit, groupPrefix); ok {
		return group, true
	}
	return strings.CutPrefix(unit, appPrefix)
}

// unitsNamed are the units that are decided where $2 names them: an app that travels with others is decided with its group, and a group may be named as an
// app is.
const unitsNamed = `
		select distinct case when a.travels <> '' then 'group:' || a.travels when a.name is null and g.name is not null then g.name else n end as name
		from unnest($2::text[]) as n
		     left join apps a on a.repository = $1 and 'app:' || a.name = n
		     left join units g on g.repository = $1 and n like 'app:%' and g.name = 'group:' || substr(n, 5)`

// raiseUnits raises the generations of units, in a fixed order, and enqueues their decision.
func (s *Store) raiseUnits(ctx context.Context, tx pgx.Tx, repository int64, names []string) error {
	if len(names) == 0 {
		return nil
	}
	raised, err := collectTx[string](ctx, tx, `
		insert into units (repository, name, generation) select $1::bigint, n.name, 1 from (`+unitsNamed+`) n order by 2
		on conflict (repository, name) do update set generation = units.generation + 1 returning name`, repository, names)
	if err != nil {
		return err
	}
	slices.Sort(raised)
	jobs := make([]river.JobArgs, len(raised))
	for i, name := range raised {
		jobs[i] = DecideArgs{Repository: repository, Unit: name}
	}
	return s.enqueue(ctx, tx, jobs...)
}

// lockUnitOf locks the unit of an app, or of the group it travels with, before rows are written that its decision writes too: a decision that has the unit
// and wants the row would else wait for somebody who has the row and wants the unit.
func lockUnitOf(ctx context.Context, tx pgx.Tx, repository int64, app string) error {
	_, err := tx.Exec(ctx, `select from units where repository = $1 and name in (`+unitsNamed+`) order by name for update`, repository, []string{appUnit(app)})
	return err
}

// What an observation writes, decisions and agents' reports write too, or have to see; and it knows only at its end which units it has to raise, while a
// decision locks its unit first. So decisions and reports are written beside each other, and not beside an observation of their repository: none sees half of
// it, and none waits for it while it waits for them. The lock is one that is given in the order of asking: however many decisions are due, the observation
// gets it.
const repositoryLock = `x'66657272'::int, hashint8($1)`

// besideOthers waits for an observation that is being written down, or makes it wait.
func besideOthers(ctx context.Context, tx pgx.Tx, repository int64) error {
	_, err := tx.Exec(ctx, `select pg_advisory_xact_lock_shared(`+repositoryLock+`)`, repository)
	return err
}

// alone waits for the decisions and the reports that are being written down, and makes others wait.
func alone(ctx context.Context, tx pgx.Tx, repository int64) error {
	_, err := tx.Exec(ctx, `select pg_advisory_xact_lock(`+repositoryLock+`)`, repository)
	return err
}

// lockUnit locks the unit for the decision and returns its generation; false where there is nothing to decide. It returns unheard where the unit was never
// decided, as after a loss of the database, and commands wait that nobody has carried out.
func lockUnit(ctx context.Context, tx pgx.Tx, repository int64, unit string, now time.Time) (generation int64, ok, unheard bool, err error) {
	var decided int64
	var due *time.Time
	err = tx.QueryRow(ctx, `
		select generation, decided, due_at, decided = 0 and name <> $3 and exists (select from commands c where c.repository = $1 and c.done_at is null)
		from units where repository = $1 and name = $2 for update`, repository, unit, commandsUnit).
		Scan(&generation, &decided, &due, &unheard)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, false, false, nil
	}
	return generation, generation != decided || due != nil && !due.After(now), unheard, err
}

// decided marks the generation as decided and sets the unit's timer.
func decided(ctx context.Context, tx pgx.Tx, repository int64, unit string, generation int64, due time.Time) error {
	_, err := tx.Exec(ctx, `update units set decided = $3, due_at = $4 where repository = $1 and name = $2`, repository, unit, generation, nullTime(due))
	return err
}
