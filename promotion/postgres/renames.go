package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// renaming is one former name that facts still have.
type renaming struct{ column, was, now string }

// renames carries everything over from the names that the configuration says apps and environments had before. Where nothing has such a name any more,
// it does nothing.
func (r *observation) renames(ctx context.Context) error {
	if r.o.Config == nil {
		return nil
	}
	apps := r.o.Config.FormerApps()
	if err := r.formerNames(ctx, map[string]map[string]string{"app": apps, "environment": r.o.Config.FormerEnvironments()}); err != nil {
		return err
	}
	for _, f := range r.o.Files { // discover finds that name again: it is another app now
		delete(apps, f.Place.App)
	}
	for _, names := range []struct {
		column string
		former map[string]string
	}{{"environment", r.o.Config.FormerEnvironments()}, {"app", apps}} {
		if len(names.former) == 0 {
			continue
		}
		standing, err := collectTx[string](ctx, r.tx, strings.ReplaceAll(`
			select distinct {column} from (
			  select {column} from deployments where repository = $1 union all select {column} from promotions where repository = $1
			  union all select {column} from holds where repository = $1 union all select {column} from freezes where repository = $1
			  union all select {column} from blocks where repository = $1 union all select {column} from intents where repository = $1
			  union all select {column} from rejections where repository = $1 union all select {column} from reports where repository = $1) known
			where {column} = any($2) order by 1`, "{column}", names.column), r.repo.ID, keysOf(names.former))
		if err != nil {
			return err
		}
		for _, was := range standing {
			if err := r.rename(ctx, renaming{names.column, was, names.former[was]}); err != nil {
				return fmt.Errorf("the %s %s, which was %s: %w", names.column, names.former[was], was, err)
			}
		}
	}
	return nil
}

// formerNames writes the former names down, for the doors: they do not read the configuration.
func (r *observation) formerNames(ctx context.Context, kinds map[string]map[string]string) error {
	if _, err := r.tx.Exec(ctx, `delete from former_names where repository = $1`, r.repo.ID); err != nil {
		return err
	}
	for kind, former := range kinds {
		was := keysOf(former)
		names := make([]string, len(was))
		for i, name := range was {
			names[i] = former[name]
		}
		if _, err := r.tx.Exec(ctx, `insert into former_names (repository, kind, was, name) select $1, $2, u.was, u.name from unnest($3::text[], $4::text[]) as u (was, name)`,
			r.repo.ID, kind, was, names); err != nil {
			return err
		}
	}
	return nil
}

func keysOf(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// rename carries over what has one former name. What stands under the new name already wins.
func (r *observation) rename(ctx context.Context, n renaming) error {
	for _, step := range []func(context.Context, renaming) error{r.renameLiving, r.renameRows, r.renameWishes, r.renameRest} {
		if err := step(ctx, n); err != nil {
			return err
		}
	}
	e := event{repository: r.repo.ID, kind: "renamed", actor: "git " + r.headSHA().Short(), cause: r.cause, at: r.now, detail: n.was + " is " + n.now + " now"}
	if e.app = n.now; n.column == "environment" {
		e.app, e.environment = "", n.now
	}
	return addEvent(ctx, r.tx, e)
}

// renameLiving ends the promotions under way: the next plan closes their pull requests and opens them anew, on the branch of the new name.
func (r *observation) renameLiving(ctx context.Context, n renaming) error {
	if _, err := r.tx.Exec(ctx, `update promotions set state = 'superseded', ended_at = $3 where repository = $1 and `+n.column+` = $2 and state in ('waiting', 'open')`,
		r.repo.ID, n.was, r.now); err != nil {
		return err
	}
	// One that was never opened, as far as Ferry knows: the act looks.
	_, err := r.tx.Exec(ctx, `
		update wishes w set version = version + 1, act_at = null, attempts = 0, refusal = '',
		       desired = jsonb_build_object('environment', m.environment, 'branch', m.branch, 'open', false, 'reason', $3::text)
		from promotions m
		where w.repository = $1 and w.kind = 'pull' and w.key = m.branch and not (w.applied ? 'number') and (w.desired ->> 'open')::boolean
		  and m.repository = w.repository and m.`+n.column+` = $2 and m.number = 0 and m.state = 'superseded'`,
		r.repo.ID, n.was, n.was+" is "+n.now+" now")
	return err
}

// renameRows renames what is kept by app and environment, where the row would not meet another one under the new name.
func (r *observation) renameRows(ctx context.Context, n renaming) error {
	other := map[string]string{"app": "environment", "environment": "app"}[n.column]
	for _, t := range []struct{ table, meets string }{
		{"deployments", "x.branch = t.branch and (x.first_seq = t.first_seq or x.last_seq is null and t.last_seq is null)"},
		{"manifests", "x.branch = t.branch and x.path = t.path"},
		{"promotions", "false"},
		{"rejections", "x.number = t.number"},
		{"intents", "true"},
		{"drops", "true"},
		{"waived", "x.gate = t.gate"},
		{"reports", "x.cluster = t.cluster"},
	} {
		sql := strings.NewReplacer("{table}", t.table, "{meets}", t.meets, "{column}", n.column, "{other}", other).Replace(`
			update {table} t set {column} = $3 where repository = $1 and {column} = $2 and not exists (
			  select from {table} x where x.repository = t.repository and x.{column} = $3 and x.{other} = t.{other} and {meets})`)
		if _, err := r.tx.Exec(ctx, sql, r.repo.ID, n.was, n.now); err != nil {
			return fmt.Errorf("%s: %w", t.table, err)
		}
	}
	for _, table := range []string{"intents", "drops", "waived", "reports", "rejections"} { // what the new name has itself counts
		if _, err := r.tx.Exec(ctx, `delete from `+table+` where repository = $1 and `+n.column+` = $2`, r.repo.ID, n.was); err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
	}
	// Who waits for a place under the old name waits under the new one as soon as it is planned again.
	if _, err := r.tx.Exec(ctx, `delete from waiting where repository = $1 and `+map[string]string{"app": "name", "environment": "environment"}[n.column]+` = $2`, r.repo.ID, n.was); err != nil {
		return err
	}
	for _, table := range []string{"holds", "freezes", "blocks"} {
		if _, err := r.tx.Exec(ctx, `update `+table+` set `+n.column+` = $3 where repository = $1 and `+n.column+` = $2`, r.repo.ID, n.was, n.now); err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
	}
	if n.column != "app" {
		return nil
	}
	for _, table := range []string{"holds", "freezes"} { // the apps of a group that was stopped
		if _, err := r.tx.Exec(ctx, `
			update `+table+` set apps = (select jsonb_agg(case when a = $2::text then $3::text else a end) from jsonb_array_elements_text(apps) a)
			where repository = $1 and apps ? $2::text`, r.repo.ID, n.was, n.now); err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
	}
	return nil
}

// renameWishes lets the wishes of the old name be the new one's. Merges and commits are wished anew, under their new keys.
func (r *observation) renameWishes(ctx context.Context, n renaming) error {
	where, set := `app = $2`, `app = $3`
	if n.column == "environment" {
		where, set = `desired ->> 'environment' = $2`, `desired = jsonb_set(desired, '{environment}', to_jsonb($3::text))`
	}
	if _, err := r.tx.Exec(ctx, `delete from wishes where repository = $1 and kind in ('merge', 'commit') and `+where, r.repo.ID, n.was); err != nil {
		return err
	}
	_, err := r.tx.Exec(ctx, `update wishes set `+set+` where repository = $1 and `+where, r.repo.ID, n.was, n.now)
	return err
}

// renameRest renames what only an app, or only an environment, has.
func (r *observation) renameRest(ctx context.Context, n renaming) error {
	field := "Environment"
	// The forge's environment keeps its name. What is there is there no more, as far as Ferry says; the next plan records it under the new one.
	statements := []string{
		`update forge_deployments set state = 'inactive' where repository = $1 and environment = $2 and $3 <> ''`,
		`update wishes set version = version + 1, act_at = null, attempts = 0, desired = jsonb_set(desired, '{status,State}', '"inactive"')
		 where repository = $1 and kind = 'deployment' and desired ->> 'at' = $2 and $3 <> '' and desired -> 'status' ->> 'State' <> 'inactive'`,
	}
	if n.column == "app" {
		field = "App"
		statements = []string{
			`update forge_deployments t set app = $3 where repository = $1 and app = $2 and not exists (
			   select from forge_deployments x where (x.repository, x.environment, x.target, x.sha) = (t.repository, t.environment, t.target, t.sha) and x.app = $3)`,
			`delete from forge_deployments where repository = $1 and app = $2 and $3 <> ''`,
			`insert into apps (repository, name) select $1, $3::text where $2 <> '' on conflict do nothing`,
			`update contributions t set app = $3 where repository = $1 and app = $2 and not exists (
			   select from contributions x where (x.repository, x.target, x.sha, x.context) = (t.repository, t.target, t.sha, t.context) and x.app = $3)`,
			`delete from contributions where repository = $1 and app = $2 and $3 <> ''`,
			`delete from apps where repository = $1 and name = $2 and $3 <> '' and not exists (select from deployments where repository = $1 and app = $2)`,
			`delete from units u where repository = $1 and name = 'app:' || $2 and $3 <> '' and not exists (select from apps where repository = $1 and name = $2)`,
		}
	}
	statements = append(statements, strings.ReplaceAll(`
		update pulls set changes = (select jsonb_agg(case when c ->> '{field}' = $2 then jsonb_set(c, '{{field}}', to_jsonb($3::text)) else c end) from jsonb_array_elements(changes) c)
		where repository = $1 and open and changes @> jsonb_build_array(jsonb_build_object('{field}', $2::text))`, "{field}", field))
	for _, sql := range statements {
		if _, err := r.tx.Exec(ctx, sql, r.repo.ID, n.was, n.now); err != nil {
			return err
		}
	}
	if n.column == "app" {
		r.dirty[appUnit(n.now)] = true
		return nil
	}
	for _, unit := range []string{issueUnit, stateUnit} {
		r.dirty[unit] = true
	}
	return nil
}
