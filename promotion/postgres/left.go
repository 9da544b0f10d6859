package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/forge"
	"ferry/promotion"
)

// A head that its pull request leaves, unmerged, may be its head once more at any time: a person reopens it, or moves the branch back, and merges before
// Ferry can have looked again. So no green ferry/gates stays on it.

// leftUnit names the unit that decides ferry/gates of the head that a pull request has left.
func leftUnit(number int, head forge.SHA) string {
	return fmt.Sprintf("%s%d:%s", leftPrefix, number, head)
}

// leaves returns the unit of the head that a pull request leaves by what is to be written down of it; "" where it leaves none.
func leaves(ctx context.Context, tx pgx.Tx, repository int64, p promotion.PullFacts) (unit string, err error) {
	var open bool
	var head forge.SHA
	var base string
	err = tx.QueryRow(ctx, `select open, head_sha, base_branch from pulls where repository = $1 and number = $2`, repository, p.Number).Scan(&open, &head, &base)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	ends := !p.Open && !p.Merged
	if err != nil || !open || !ends && p.HeadSHA == head && p.BaseBranch == base {
		return "", err
	}
	return leftUnit(p.Number, head), nil
}

// leftHead shuts ferry/gates where it is green on a head that a pull request has left, and no other one to the default branch has it, or was merged with it.
// What was contributed to it is forgotten, so that whoever has that head again contributes anew. The pull request is locked: one that takes the head up again
// meanwhile is seen, and its next decision sees this one.
func (d *decision) leftHead(ctx context.Context) error {
	if d.config == nil || d.observing() {
		return nil
	}
	number, name, _ := strings.Cut(strings.TrimPrefix(d.unit, leftPrefix), ":")
	head := forge.SHA(name)
	if _, err := d.tx.Exec(ctx, `select from pulls where repository = $1 and number = $2::int for share`, d.repo.ID, number); err != nil {
		return err
	}
	key := statusKey("", head, promotion.GatesContext)
	var green bool
	err := d.tx.QueryRow(ctx, `
		select exists (select from wishes where repository = $1 and kind = 'status' and key = $2 and desired -> 'status' ->> 'State' = $3)
		   and not exists (select from pulls where repository = $1 and head_sha = $4 and (merged or open and base_branch = $5))
		   and not exists (select from merge_groups where repository = $1 and sha = $4)`,
		d.repo.ID, key, forge.Success, head, d.repo.DefaultBranch).Scan(&green)
	if err != nil || !green {
		return err
	}
	if _, err := d.tx.Exec(ctx, `delete from contributions where repository = $1 and target = '' and sha = $2 and context = $3`, d.repo.ID, head, promotion.GatesContext); err != nil {
		return err
	}
	c := promotion.LeftGates(head)
	status := promotion.Fold(c.Context, d.mind.URL, map[string]promotion.Contribution{"": c})
	return d.wish(ctx, "status", key, "", StatusWish{SHA: head, Status: status}, time.Time{})
}
