package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// AnswerWish is the answer to a comment's commands: a reaction and one comment. It waits until the decisions it speaks of are written at the forge.
type AnswerWish struct {
	Comment  int64          `json:"comment"`
	Number   int            `json:"number"`
	Reaction forge.Reaction `json:"reaction"`
	Body     string         `json:"body"`
	After    bool           `json:"after"` // the branch ferry-state first
}

// IssueWish is what Ferry's issue should say.
type IssueWish struct {
	Title string `json:"title"`
	Body  string `json:"body"`
}

// StateWish is what the file of decisions on the branch ferry-state should say.
type StateWish struct {
	Content string `json:"content"`
}

type pendingCommand struct {
	comment    int64
	number     int
	actor      int64
	login      string
	permission forge.Permission
	teams      []string
	unknown    string
	body       string
	said       time.Time
	edited     bool
	images     []promotion.CheckedImage
}

// commands carries out what was asked in comments, in the order in which it was said.
func (d *decision) commands(ctx context.Context) error {
	pending, err := d.pendingCommands(ctx)
	if err != nil || len(pending) == 0 {
		return err
	}
	views, err := d.viewsNow(ctx)
	if err != nil {
		return err
	}
	for _, c := range pending {
		if err := d.command(ctx, c, views); err != nil {
			return fmt.Errorf("comment %d: %w", c.comment, err)
		}
		if _, err := d.tx.Exec(ctx, `update commands set done_at = $3 where repository = $1 and comment = $2`, d.repo.ID, c.comment, d.now); err != nil {
			return err
		}
	}
	return nil
}

func (d *decision) pendingCommands(ctx context.Context) (list []pendingCommand, err error) {
	rows, err := d.tx.Query(ctx, `
		select comment, number, actor, login, permission, teams, unknown, body, said_at, edited, images from commands where repository = $1 and done_at is null order by said_at, comment`, d.repo.ID)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c pendingCommand, err error) {
		var teams, images []byte
		if err := row.Scan(&c.comment, &c.number, &c.actor, &c.login, &c.permission, &teams, &c.unknown, &c.body, &c.said, &c.edited, &images); err != nil {
			return c, err
		}
		return c, errors.Join(json.Unmarshal(teams, &c.teams), json.Unmarshal(images, &c.images))
	})
}

// refusalPause is how long somebody without write access gets no second refusal.
const refusalPause = time.Hour

func (d *decision) command(ctx context.Context, c pendingCommand, views []promotion.View) error {
	commands := promotion.ParseCommands(c.body, d.prefix())
	if len(commands) == 0 || d.config == nil {
		return nil
	}
	stops, err := d.allStops(ctx)
	if err != nil {
		return err
	}
	rejections, err := d.standingRejections(ctx)
	if err != nil {
		return err
	}
	scene := promotion.CommandScene{Config: d.config, Views: views, Stops: stops, Rejections: rejections,
		Actor: c.actor, Login: c.login, Permission: c.permission, Teams: c.teams, Unknown: c.unknown, Now: d.now, Said: c.said, Edited: c.edited, Checked: c.images,
		Left: promotion.CommandsLeft(c.body, d.prefix())}
	err = d.tx.QueryRow(ctx, `select coalesce(nullif(train, ''), app), environment from promotions where repository = $1 and number = $2 limit 1`, d.repo.ID, c.number).Scan(&scene.App, &scene.Environment)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	if err := d.setScene(ctx, c, commands, &scene); err != nil {
		return err
	}
	if scene.Throttles, err = throttles(ctx, d.tx, d.repo.ID, c.said); err != nil {
		return err
	}
	out := promotion.Execute(commands, scene)
	if c.permission < forge.PermissionWrite && out.Reaction == forge.ReactionRefused && !strings.HasPrefix(c.unknown, promotion.NotLookedUp) {
		if silent, err := d.refuse(ctx, c); err != nil || silent {
			return err
		}
	}
	changed, err := d.carryOut(ctx, c, scene, out)
	if err != nil {
		return err
	}
	return d.wish(ctx, "answer", fmt.Sprint(c.comment), "", AnswerWish{Comment: c.comment, Number: c.number, Reaction: out.Reaction, Body: out.Answer, After: changed}, time.Time{})
}

// setScene reads what the commands of a comment look at, besides what all look at.
func (d *decision) setScene(ctx context.Context, c pendingCommand, commands []promotion.Command, scene *promotion.CommandScene) (err error) {
	if err := d.lookBack(ctx, commands, scene); err != nil {
		return err
	}
	if scene.Shown, err = d.shownTo(ctx, c); err != nil {
		return err
	}
	if err := d.uncounted(ctx, c, commands, scene); err != nil {
		return err
	}
	if scene.Dropped, err = d.dropped(ctx, ""); err != nil {
		return err
	}
	scene.Since, err = d.saidSince(ctx, c)
	return err
}

// mostSaidSince bounds how many later comments a late one is held against.
const mostSaidSince = 100

// saidSince returns what was said after the comment and has been obeyed already.
func (d *decision) saidSince(ctx context.Context, c pendingCommand) (list []promotion.Said, err error) {
	rows, err := d.tx.Query(ctx, `
		select c.body, coalesce(p.app, ''), coalesce(p.environment, '') from commands c
		left join lateral (select app, environment from promotions where repository = c.repository and number = c.number limit 1) p on true
		where c.repository = $1 and c.said_at > $2 and c.done_at is not null and not c.edited and c.permission >= $3 order by c.said_at desc limit $4`,
		d.repo.ID, c.said, int(forge.PermissionWrite), mostSaidSince)
	if err != nil {
		return nil, err
	}
	var body string
	var s promotion.Said
	_, err = pgx.ForEachRow(rows, []any{&body, &s.App, &s.Environment}, func() error {
		s.Commands = promotion.ParseCommands(body, d.prefix())
		list = append(list, s)
		return nil
	})
	return list, err
}

// refuse notes that somebody without write access is refused. It returns true where that was said within the last hour: then it is not said again.
func (d *decision) refuse(ctx context.Context, c pendingCommand) (silent bool, err error) {
	err = d.tx.QueryRow(ctx, `select exists (select from commands where repository = $1 and actor = $2 and refused and done_at > $3)`,
		d.repo.ID, c.actor, d.now.Add(-refusalPause)).Scan(&silent)
	if err != nil || silent {
		return silent, err
	}
	_, err = d.tx.Exec(ctx, `update commands set refused = true where repository = $1 and comment = $2`, d.repo.ID, c.comment)
	return false, err
}

// carryOut writes the decisions of one comment down. It returns whether the branch ferry-state has to say so before the answer does.
func (d *decision) carryOut(ctx context.Context, c pendingCommand, scene promotion.CommandScene, out promotion.Outcome) (decisions bool, err error) {
	cause := fmt.Sprintf("comment %d on #%d", c.comment, c.number)
	if err := d.writeStops(ctx, c, cause, out); err != nil {
		return false, err
	}
	if err := d.writeBlocks(ctx, c, cause, out); err != nil {
		return false, err
	}
	if err := d.writePeople(ctx, c, cause, scene, out); err != nil {
		return false, err
	}
	for _, app := range slices.Sorted(maps.Keys(out.Intents)) {
		for _, environment := range slices.Sorted(maps.Keys(out.Intents[app])) {
			if err := d.intend(ctx, c, cause, app, environment, out.Intents[app][environment]); err != nil {
				return false, err
			}
		}
	}
	if err := d.writeDrops(ctx, c, cause, out); err != nil {
		return false, err
	}
	if err := d.writeWaived(ctx, c, cause, out); err != nil {
		return false, err
	}
	if len(out.Retry) > 0 {
		if err := d.askAuthors(ctx); err != nil {
			return false, err
		}
	}
	for _, r := range out.Retry {
		if err := d.retry(ctx, r[0], r[1]); err != nil {
			return false, err
		}
	}
	if out.Decides() {
		d.dirty[issueUnit], d.dirty[stateUnit] = true, true
		_, err := d.state(ctx)
		return true, err
	}
	return false, nil
}

// writeStops writes down what the comment stops, and what it lifts.
func (d *decision) writeStops(ctx context.Context, c pendingCommand, cause string, out promotion.Outcome) error {
	for _, h := range out.Holds {
		if err := d.begin(ctx, c, cause, holdKind(), h); err != nil {
			return err
		}
	}
	for _, f := range out.Freezes {
		if err := d.begin(ctx, c, cause, freezeKind(), promotion.Hold(f)); err != nil {
			return err
		}
	}
	for _, id := range out.Resumed {
		if err := d.end(ctx, c, cause, holdKind(), id); err != nil {
			return err
		}
	}
	for _, id := range out.Thawed {
		if err := d.end(ctx, c, cause, freezeKind(), id); err != nil {
			return err
		}
	}
	return nil
}

// said writes an event and makes every unit due that the decision may change.
func (d *decision) said(ctx context.Context, c pendingCommand, cause, kind, environment, app, detail string, members ...string) error {
	if err := addEvent(ctx, d.tx, event{repository: d.repo.ID, environment: environment, app: app, kind: kind, actor: c.login, cause: cause, at: d.now, detail: detail}); err != nil {
		return err
	}
	rows, err := d.tx.Query(ctx, `
		select 'app:' || name from apps where repository = $1 and ($2 = '' or name = $2 or travels = $2 or name = any($3))
		union all select 'pull:' || number from pulls p where repository = $1 and open and (changes <> '[]' or `+proposesConfig+`)`, d.repo.ID, app, members)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, name := range names {
		d.dirty[name] = true
	}
	return err
}

func (d *decision) intend(ctx context.Context, c pendingCommand, cause, app, environment string, i promotion.Intent) error {
	i, err := d.askedBefore(ctx, app, environment, i)
	if err != nil {
		return err
	}
	if err := d.writeIntent(ctx, app, environment, i); err != nil {
		return err
	}
	if i.Kind != "" && i.Kind != promotion.IntentPromotion {
		d.dirty[appUnit(app)] = true
		return addEvent(ctx, d.tx, event{repository: d.repo.ID, environment: environment, app: app, kind: i.Kind, actor: c.login, cause: cause, at: d.now, detail: i.Detail()})
	}
	// Who asks for it takes back that somebody did not want it.
	if _, err := d.tx.Exec(ctx, `update rejections set lifted_at = $4 where repository = $1 and environment = $2 and app = $3 and lifted_at is null`,
		d.repo.ID, environment, app, d.now); err != nil {
		return err
	}
	if err := d.endDrop(ctx, app, environment); err != nil {
		return err
	}
	d.dirty[appUnit(app)] = true
	return addEvent(ctx, d.tx, event{repository: d.repo.ID, environment: environment, app: app, kind: "promote", actor: c.login, cause: cause, at: d.now, detail: i.Detail()})
}

// retry makes what the forge refused due again, also ferry/gates that others post over, of whichever pull request, and disowns a head that somebody else pushed, so that the promotion is made anew.
func (d *decision) retry(ctx context.Context, app, environment string) error {
	rows, err := d.tx.Query(ctx, `
		update wishes set version = version + 1, refusal = '', refused_at = null, act_at = null, attempts = 0, applied = applied || '{"anew": true}'
		where repository = $1 and (refusal <> '' and (kind = 'state' or kind = 'status' and desired -> 'status' ->> 'Context' = $4) or app in ($2, (select nullif(travels, '') from apps where repository = $1 and name = $2))
		  and kind in ('pull', 'commit', 'merge') and desired ->> 'environment' = $3) returning id`, d.repo.ID, app, environment, promotion.GatesContext)
	if err != nil {
		return err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	for _, id := range ids {
		d.acts[id] = true
	}
	d.dirty[appUnit(app)], d.dirty[issueUnit] = true, true
	return err
}

// issuePause is the least time between two edits of Ferry's issue.
const issuePause = time.Minute

// issue writes what Ferry's issue should say. It is edited at most once a minute.
// The first time it waits until every app has been decided once, and says when to look again.
func (d *decision) issue(ctx context.Context) (again time.Time, err error) {
	if d.config == nil {
		return time.Time{}, nil
	}
	if soon, err := d.tooSoon(ctx); err != nil || soon {
		return d.now.Add(time.Second), err
	}
	views, err := d.views(ctx)
	if err != nil {
		return time.Time{}, err
	}
	stops, err := d.allStops(ctx)
	if err != nil {
		return time.Time{}, err
	}
	if stops.Overposted, err = collectTx[string](ctx, d.tx, overposted, d.repo.ID, promotion.GatesContext); err != nil {
		return time.Time{}, err
	}
	var names []string
	for _, env := range d.config.Order() {
		names = append(names, env.Name)
	}
	var last *time.Time
	var raw []byte
	var findings []config.Finding
	if err := d.tx.QueryRow(ctx, `select config_findings from repositories where id = $1`, d.repo.ID).Scan(&raw); err != nil {
		return time.Time{}, err
	}
	if err := json.Unmarshal(raw, &findings); err != nil {
		return time.Time{}, err
	}
	limits, err := throttles(ctx, d.tx, d.repo.ID, time.Time{})
	if err != nil {
		return time.Time{}, err
	}
	err = d.tx.QueryRow(ctx, `select (applied ->> 'at')::timestamptz from wishes where repository = $1 and kind = 'issue'`, d.repo.ID).Scan(&last)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return time.Time{}, err
	}
	at := time.Time{}
	if last != nil && last.Add(issuePause).After(d.now) {
		at = last.Add(issuePause)
	}
	return time.Time{}, d.wish(ctx, "issue", "issue", "", IssueWish{Title: promotion.IssueTitle, Body: promotion.Prefixed(d.prefix(), promotion.IssueBody(names, views, stops, findings, limits))}, at)
}

// issueMargin is longer than any decision takes. A decision of the issue that begins within it may have begun before this one is written down.
const issueMargin = 10 * time.Second

// issueLater makes Ferry's issue due when it may be edited next, by its timer and by no job: it is about every app, and must not be written for each
// delivery that changes one. Where it will be written later anyway, its row is left alone: every app's decision would wait there for the others.
func (d *decision) issueLater(ctx context.Context) error {
	var due, last *time.Time
	var written bool
	if err := d.tx.QueryRow(ctx, `
		select u.due_at, (w.applied ->> 'at')::timestamptz, w.id is not null
		from (values (1)) one left join units u on u.repository = $1 and u.name = $2 left join wishes w on w.repository = $1 and w.kind = 'issue'`,
		d.repo.ID, issueUnit).Scan(&due, &last, &written); err != nil {
		return err
	}
	if due != nil && (!written || due.After(d.now.Add(issueMargin))) { // what was never written waits for every app
		return nil
	}
	at := d.now
	if last != nil && last.Add(issuePause).After(at) {
		at = last.Add(issuePause)
	}
	_, err := d.tx.Exec(ctx, `
		insert into units (repository, name, due_at) values ($1, $2, $3)
		on conflict (repository, name) do update set due_at = least(units.due_at, excluded.due_at)`, d.repo.ID, issueUnit, at)
	return err
}

// tooSoon says whether the issue was never written and an app is still to be decided: what it said would be half the truth, for a minute.
func (d *decision) tooSoon(ctx context.Context) (soon bool, err error) {
	err = d.tx.QueryRow(ctx, `
		select not exists (select from wishes where repository = $1 and kind = 'issue')
		   and exists (select from units where repository = $1 and (name like 'app:%' or name like 'group:%') and generation <> decided)`, d.repo.ID).Scan(&soon)
	return soon, err
}

// state writes what the file of decisions on the branch ferry-state should say. It returns when the next hold or freeze ends by itself.
func (d *decision) state(ctx context.Context) (due time.Time, err error) {
	for _, kind := range []stopKind{holdKind(), freezeKind()} {
		if err := d.endStops(ctx, kind); err != nil {
			return due, err
		}
	}
	stops, err := d.stops(ctx)
	if err != nil {
		return due, err
	}
	return stops.NextEnd(), d.writeState(ctx, stops)
}

func (d *decision) writeState(ctx context.Context, stops promotion.Stops) error {
	asked, err := d.asked(ctx)
	if err != nil {
		return err
	}
	lifts, err := d.lifts(ctx)
	if err != nil {
		return err
	}
	drops, err := d.dropped(ctx, "")
	if err != nil {
		return err
	}
	waived, err := d.allWaived(ctx, "")
	if err != nil {
		return err
	}
	if d.observing() && stops.None() && len(asked)+len(lifts)+len(drops)+len(waived) == 0 { // observe writes no baseline; what a person decided stands at the forge all the same, and so does its end
		var begun bool
		if err := d.tx.QueryRow(ctx, `select exists (select from wishes where repository = $1 and kind = 'state')`, d.repo.ID).Scan(&begun); err != nil || !begun {
			return err
		}
	}
	rows, err := d.tx.Query(ctx, `
		select app, environment, release, first_sha from deployments where repository = $1 and branch = $2 and baseline and problem = '' order by app, environment`, d.repo.ID, d.repo.DefaultBranch)
	if err != nil {
		return err
	}
	var baseline []promotion.Baseline
	var b promotion.Baseline
	var release []byte
	if _, err := pgx.ForEachRow(rows, []any{&b.App, &b.Environment, &release, &b.Revision}, func() error {
		one := b
		one.Release = nil
		if err := json.Unmarshal(release, &one.Release); err != nil {
			return err
		}
		baseline = append(baseline, one)
		return nil
	}); err != nil {
		return err
	}
	content, err := promotion.Decisions{Stops: stops, Lifts: lifts, Asked: asked, Drops: drops, Waived: waived, Baseline: baseline}.Marshal()
	if err != nil {
		return err
	}
	return d.wish(ctx, "state", "ferry-state", "", StateWish{Content: string(content)}, time.Time{})
}

// asked returns what people asked for with /promote and what has not come yet.
func (d *decision) asked(ctx context.Context) (list []promotion.Asked, err error) {
	rows, err := d.tx.Query(ctx, `select app, environment, kind, release, came_from, actor, reason, at from intents where repository = $1 order by app, environment`, d.repo.ID)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (a promotion.Asked, err error) {
		var release, from []byte
		if err := row.Scan(&a.App, &a.Environment, &a.Kind, &release, &from, &a.Actor, &a.Reason, &a.At); err != nil {
			return a, err
		}
		a.At = a.At.UTC()
		if err := json.Unmarshal(from, &a.From); err != nil {
			return a, err
		}
		return a, json.Unmarshal(release, &a.Release)
	})
}
