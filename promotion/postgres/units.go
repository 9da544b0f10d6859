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

// A unit is what is decided as one, by name: an app ("app:checkout"), a hand-made pull request ("pull:7"), the pending commands of a repository,
// its configuration's status, Ferry's issue, the decisions on the branch ferry-state. Each has its own generation.
const (
	appPrefix    = "app:"
	pullPrefix   = "pull:"
	commandsUnit = "commands"
	configUnit   = "config"
	issueUnit    = "issue"
	stateUnit    = "state"
)

func appUnit(app string) string       { return appPrefix + app }
func pullUnit(number int) string      { return fmt.Sprintf("%s%d", pullPrefix, number) }
func keys(m map[string]bool) []string { return slices.Sorted(maps.Keys(m)) }

// UnitsBeforeMerge returns the units that are decided once more right before a promotion of the app is merged: what people said, then its gates.
func UnitsBeforeMerge(app string) []string { return []string{commandsUnit, appUnit(app)} }

// AppOf returns the app of a unit's name, and false for another kind of unit.
func AppOf(unit string) (string, bool) { return strings.CutPrefix(unit, appPrefix) }

// raiseUnits raises the generations of units, in a fixed order, and enqueues their decision.
func (s *Store) raiseUnits(ctx context.Context, tx pgx.Tx, repository int64, names []string) error {
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	if _, err := tx.Exec(ctx, `
		insert into units (repository, name, generation) select $1, n, 1 from unnest($2::text[]) as n order by n
		on conflict (repository, name) do update set generation = units.generation + 1`, repository, names); err != nil {
		return err
	}
	jobs := make([]river.JobArgs, len(names))
	for i, name := range names {
		jobs[i] = DecideArgs{Repository: repository, Unit: name}
	}
	return s.enqueue(ctx, tx, jobs...)
}

// lockUnit locks the unit for the decision and returns its generation and what was decided; false where there is nothing to decide.
func lockUnit(ctx context.Context, tx pgx.Tx, repository int64, unit string, now time.Time) (generation int64, ok bool, err error) {
	var decided int64
	var due *time.Time
	err = tx.QueryRow(ctx, `select generation, decided, due_at from units where repository = $1 and name = $2 for update`, repository, unit).
		Scan(&generation, &decided, &due)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, false, nil
	}
	return generation, generation != decided || due != nil && !due.After(now), err
}

// decided marks the generation as decided and sets the unit's timer.
func decided(ctx context.Context, tx pgx.Tx, repository int64, unit string, generation int64, due time.Time) error {
	_, err := tx.Exec(ctx, `update units set decided = $3, due_at = $4 where repository = $1 and name = $2`, repository, unit, generation, nullTime(due))
	return err
}
