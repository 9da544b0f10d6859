package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"ferry/forge"
	"ferry/promotion"
)

// Repository is what Ferry knows of a repository.
type Repository struct {
	ID            int64
	Forge         forge.Kind
	Repo          forge.Repo
	DefaultBranch string
	Installation  int64
	Access        int64 // how often what the installation may do has changed
	Accessible    bool  // false: the forge does not show it to Ferry any more
	Generation    int64
	Observed      int64
	ObserveAt     time.Time
	WaitingSince  time.Time // since when observing it has failed, or found only old truth
	Failures      int       // of observe, in a row
	Sweep         bool
	SweptAt       time.Time // when everything was read last
	ConfigBlob    forge.SHA
	ConfigSet     string    // names the files that it includes
	ConfigTried   forge.SHA // of the .ferry.yaml at the head, where that is not in force
	ConfigProblem string
	Head          forge.SHA // as observed last
	HeadTree      forge.SHA
	Issue         int
	MergeQueue    bool      // the default branch has one
	HeldUntil     time.Time // by a limit that the forge told some replica of; the zero time where it told of none
	GraphQLUntil  time.Time // by one on GraphQL's requests alone
}

// StoredDelivery is a delivery that has not been worked off.
type StoredDelivery struct {
	ID    string
	Event string
	Body  []byte
}

// LoadRepository returns a repository, or ErrNotFound.
func (s *Store) LoadRepository(ctx context.Context, id int64) (r Repository, err error) {
	defer wrap(&err, "LoadRepository(%d)", id)
	var at, since, swept, held, graphql *time.Time
	err = s.pool.QueryRow(ctx, `
		select r.id, r.forge, r.forge_id, r.owner, r.name, r.default_branch, r.installation, coalesce(i.access, 0), r.accessible, r.generation, r.observed, r.observe_at, r.failing_since, r.failures, r.sweep, r.swept_at,
		       r.config_blob, r.config_set, r.config_tried, r.config_problem, coalesce(b.head, ''), coalesce(b.tree, ''), r.issue, r.merge_queue, t.until, g.until
		from repositories r left join branches b on b.repository = r.id and b.branch = r.default_branch left join installations i on i.forge = r.forge and i.id = r.installation
		     left join throttles t on t.forge = r.forge and t.installation = r.installation and t.repository = 0
		     left join throttles g on g.forge = r.forge and g.installation = r.installation and g.repository = -1
		where r.id = $1`, id).
		Scan(&r.ID, &r.Forge, &r.Repo.ID, &r.Repo.Owner, &r.Repo.Name, &r.DefaultBranch, &r.Installation, &r.Access, &r.Accessible, &r.Generation, &r.Observed, &at, &since, &r.Failures, &r.Sweep, &swept,
			&r.ConfigBlob, &r.ConfigSet, &r.ConfigTried, &r.ConfigProblem, &r.Head, &r.HeadTree, &r.Issue, &r.MergeQueue, &held, &graphql)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	r.ObserveAt, r.WaitingSince, r.SweptAt, r.HeldUntil, r.GraphQLUntil = timeOf(at), timeOf(since), timeOf(swept), timeOf(held), timeOf(graphql)
	return r, err
}

// pendingDeliveries bounds what one observation works off; the rest is the next one's.
const pendingDeliveries = 500

// PendingDeliveries returns the repository's deliveries that have not been worked off, in the order of their arrival.
func (s *Store) PendingDeliveries(ctx context.Context, repository int64) (list []StoredDelivery, err error) {
	defer wrap(&err, "PendingDeliveries(%d)", repository)
	rows, err := s.pool.Query(ctx, `
		select id, event, body from deliveries where repository = $1 and processed_at is null order by received_at limit $2`, repository, pendingDeliveries)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[StoredDelivery])
}

// KnownManifests returns which of paths are manifests of the branch, by path; all of them where paths is nil.
func (s *Store) KnownManifests(ctx context.Context, repository int64, branch string, paths []string) (blobs map[string]forge.SHA, err error) {
	defer wrap(&err, "KnownManifests(%d)", repository)
	rows, err := s.pool.Query(ctx, `
		select distinct path, blob from manifests where repository = $1 and branch = $2 and ($3::text[] is null or path = any($3))`, repository, branch, paths)
	if err != nil {
		return nil, err
	}
	blobs = map[string]forge.SHA{}
	var path string
	var blob forge.SHA
	_, err = pgx.ForEachRow(rows, []any{&path, &blob}, func() error { blobs[path] = blob; return nil })
	return blobs, err
}

// Blobs returns the contents of those of shas that are stored.
func (s *Store) Blobs(ctx context.Context, repository int64, shas []forge.SHA) (contents map[forge.SHA][]byte, err error) {
	defer wrap(&err, "Blobs(%d)", repository)
	contents = map[forge.SHA][]byte{}
	if len(shas) == 0 {
		return contents, nil
	}
	rows, err := s.pool.Query(ctx, `select sha, content from blobs where repository = $1 and sha = any($2)`, repository, shas)
	if err != nil {
		return nil, err
	}
	var sha forge.SHA
	var content []byte
	_, err = pgx.ForEachRow(rows, []any{&sha, &content}, func() error { contents[sha] = append([]byte(nil), content...); return nil })
	return contents, err
}

// KnownRevisions returns how many of shas are revisions of the branch.
func (s *Store) KnownRevisions(ctx context.Context, repository int64, branch string, shas []forge.SHA) (n int, err error) {
	defer wrap(&err, "KnownRevisions(%d)", repository)
	err = s.pool.QueryRow(ctx, `select count(*) from revisions where repository = $1 and branch = $2 and sha = any($3)`, repository, branch, shas).Scan(&n)
	return n, err
}

// OpenPulls returns the numbers of the pull requests that are open as far as Ferry knows.
func (s *Store) OpenPulls(ctx context.Context, repository int64) (numbers []int, err error) {
	defer wrap(&err, "OpenPulls(%d)", repository)
	rows, err := s.pool.Query(ctx, `select number from pulls where repository = $1 and open order by number`, repository)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int])
}

// HandMade returns the numbers of the pull requests to the default branch that are open as far as Ferry knows, and not its own.
func (s *Store) HandMade(ctx context.Context, r Repository) (numbers []int, err error) {
	defer wrap(&err, "HandMade(%d)", r.ID)
	rows, err := s.pool.Query(ctx, `
		select number from pulls p where repository = $1 and open and base_branch = $2
		   and not exists (select from promotions m where m.repository = p.repository and m.number = p.number) order by number`, r.ID, r.DefaultBranch)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int])
}

// Sharing returns the numbers of the open pull requests by hand that have any of the commits, and more than those: one whose head is among them is merged.
func (s *Store) Sharing(ctx context.Context, r Repository, commits []forge.SHA) (numbers []int, err error) {
	defer wrap(&err, "Sharing(%d)", r.ID)
	rows, err := s.pool.Query(ctx, `
		select number from pulls where repository = $1 and open and base_branch = $2 and commits && $3 and not head_sha = any($3) order by number`, r.ID, r.DefaultBranch, commits)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int])
}

// OpenPromotionOn returns the number of Ferry's pull request on the branch that is open as far as Ferry knows, or ErrNotFound.
func (s *Store) OpenPromotionOn(ctx context.Context, repository int64, branch string) (number int, err error) {
	defer wrap(&err, "OpenPromotionOn(%d, %s)", repository, branch)
	err = s.pool.QueryRow(ctx, `
		select p.number from pulls p join promotions m on m.repository = p.repository and m.number = p.number
		where p.repository = $1 and p.head_branch = $2 and p.open and m.state = 'open' limit 1`, repository, branch).Scan(&number)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	return number, err
}

// KnownPull is what Ferry knows of a pull request.
type KnownPull struct {
	Open, Merged bool
	HeadSHA      forge.SHA
	Ferrys       bool // one of Ferry's promotions
}

// LoadPull returns what is known of a pull request; ErrNotFound where nothing is.
func (s *Store) LoadPull(ctx context.Context, repository int64, number int) (p KnownPull, err error) {
	defer wrap(&err, "LoadPull(%d, %d)", repository, number)
	err = s.pool.QueryRow(ctx, `
		select open, merged, head_sha, exists (select from promotions where repository = $1 and number = $2)
		from pulls where repository = $1 and number = $2`, repository, number).Scan(&p.Open, &p.Merged, &p.HeadSHA, &p.Ferrys)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	return p, err
}

// IsFerrysPage says whether commands are taken under that number: it is a promotion pull request or Ferry's issue.
func (s *Store) IsFerrysPage(ctx context.Context, repository int64, number int) (ours bool, err error) {
	defer wrap(&err, "IsFerrysPage(%d, %d)", repository, number)
	err = s.pool.QueryRow(ctx, `
		select exists (select from promotions where repository = $1 and number = $2)
		    or exists (select from repositories where id = $1 and issue = $2)`, repository, number).Scan(&ours)
	return ours, err
}

// KnownCommands returns the comments with commands that Ferry has seen, of those said since then.
func (s *Store) KnownCommands(ctx context.Context, repository int64, since time.Time) (known map[int64]bool, err error) {
	defer wrap(&err, "KnownCommands(%d)", repository)
	list, err := collect[int64](ctx, s, `select comment from commands where repository = $1 and said_at >= $2`, repository, since)
	known = map[int64]bool{}
	for _, id := range list {
		known[id] = true
	}
	return known, err
}

// PutOffObservation writes down that an observation failed and when it is tried again, unless somebody else observes by now. Nothing is lost: its
// deliveries stay pending.
func (s *Store) PutOffObservation(ctx context.Context, lease Lease, repository int64, until time.Time, reason string, now time.Time) (err error) {
	defer wrap(&err, "PutOffObservation(%d)", repository)
	_, err = s.pool.Exec(ctx, `update repositories set observe_at = $2, failures = failures + 1, failure = $3, failing_since = coalesce(failing_since, $4)
		where id = $1 and exists (select from leases where name = $5 and holder = $6 and fence = $7)`, repository, until, reason, now, lease.Name, lease.Holder, lease.Fence)
	return err
}

// observation is the transaction in which one observation is written down.
type observation struct {
	*Store
	tx    pgx.Tx
	repo  Repository
	o     promotion.Observation
	self  forge.User
	cause string
	now   time.Time
	seqs  map[forge.SHA]int64
	seq   int64
	dirty map[string]bool
	left  map[string]bool // environments in which a promotion is not open any more
}

// RecordObservation writes down what an observation found, marks its deliveries as worked off and the generation as observed, and makes the
// units it touches due. It fails with ErrFenced, and writes nothing, where the lease was taken over.
func (s *Store) RecordObservation(ctx context.Context, lease Lease, repo Repository, o promotion.Observation, deliveries []string, self forge.User, now time.Time) (err error) {
	defer wrap(&err, "RecordObservation(%s)", repo.Repo.FullName())
	return s.transact(ctx, pgx.ReadCommitted, func(tx pgx.Tx) error {
		if err := checkFence(ctx, tx, lease); err != nil {
			return err
		}
		if err := alone(ctx, tx, repo.ID); err != nil {
			return err
		}
		r := observation{Store: s, tx: tx, repo: repo, o: o, self: self, cause: causeOf(deliveries), now: now, seqs: map[forge.SHA]int64{}, dirty: map[string]bool{}, left: map[string]bool{}}
		if err := r.record(ctx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update deliveries set processed_at = $2, result = 'done' where repository = $1 and id = any($3)`, repo.ID, now, deliveries); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `
			update repositories set observed = $2, sweep = sweep and generation <> $2, failures = 0, failure = '', failing_since = null, observe_at = null,
			       swept_at = case when $3 then $4 else swept_at end, self = $5
			where id = $1`, repo.ID, repo.Generation, repo.Sweep, now, self.ID); err != nil {
			return err
		}
		if err := s.raiseUnits(ctx, tx, repo.ID, keys(r.dirty)); err != nil {
			return err
		}
		if err := s.leftRoom(ctx, tx, repo.ID, keys(r.left)...); err != nil {
			return err
		}
		return s.releaseMerges(ctx, tx, repo.ID)
	})
}

// releaseMerges makes the merges due that waited until everything heard is read, or for another merge, which has been read of by now. What was put
// off because it failed keeps its time, and what is being planned anew is made due by that.
func (s *Store) releaseMerges(ctx context.Context, tx pgx.Tx, repository int64) error {
	ids, err := collectTx[int64](ctx, tx, `
		update wishes set act_at = null where id in (
		  select w.id from wishes w join repositories r on r.id = w.repository and r.generation = r.observed
		  where r.id = $1 and w.kind = 'merge' and w.version <> w.applied_version and w.act_at is not null and w.attempts = 0 and w.refusal = ''
		  for update of w skip locked)
		returning id`, repository)
	if err != nil {
		return err
	}
	jobs := make([]river.JobArgs, len(ids))
	for i, id := range ids {
		jobs[i] = ActArgs{Wish: id}
	}
	return s.enqueue(ctx, tx, jobs...)
}

func causeOf(deliveries []string) string {
	if len(deliveries) == 0 {
		return "sweep"
	}
	return "delivery " + deliveries[len(deliveries)-1]
}

func (r *observation) record(ctx context.Context) error {
	for _, step := range []func(context.Context) error{r.repository, r.head, r.blobs, r.config, r.findings, r.decisions, r.recovery, r.files, r.pulls, r.people, r.armings, r.queue, r.proposals, r.overwritten, r.bodies, r.commands, r.cleanBlobs, r.sweepChecks} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (r *observation) repository(ctx context.Context) error {
	if r.o.Inaccessible {
		_, err := r.tx.Exec(ctx, `update repositories set accessible = false where id = $1`, r.repo.ID)
		return err
	}
	if r.o.Issue != 0 {
		if _, err := r.tx.Exec(ctx, `update repositories set issue = $2 where id = $1`, r.repo.ID, r.o.Issue); err != nil {
			return err
		}
	}
	if r.o.Repository == nil {
		return nil
	}
	if err := r.branchRenamed(ctx); err != nil {
		return err
	}
	_, err := r.tx.Exec(ctx, `update repositories set owner = $2, name = $3, default_branch = $4, accessible = true where id = $1`,
		r.repo.ID, r.o.Repository.Owner, r.o.Repository.Name, r.o.Repository.DefaultBranch)
	return err
}

// branchRenamed lets what is known of the default branch stand under the name that it has by now. What was once known of another branch of that name is gone,
// as that one is.
func (r *observation) branchRenamed(ctx context.Context) error {
	if r.o.BranchBefore == "" {
		return nil
	}
	for _, table := range []string{"branches", "revisions", "manifests", "deployments"} {
		if _, err := r.tx.Exec(ctx, `delete from `+table+` where repository = $1 and branch = $2`, r.repo.ID, r.branch()); err != nil {
			return err
		}
		if _, err := r.tx.Exec(ctx, `update `+table+` set branch = $2 where repository = $1 and branch = $3`, r.repo.ID, r.branch(), r.o.BranchBefore); err != nil {
			return err
		}
	}
	return addEvent(ctx, r.tx, event{repository: r.repo.ID, kind: "branch renamed", actor: "forge", cause: r.cause, at: r.now, detail: r.o.BranchBefore + " → " + r.branch()})
}

// head gives every new revision its place in the branch's order.
func (r *observation) head(ctx context.Context) error {
	h := r.o.Head
	if h == nil {
		return nil
	}
	if h.Reset {
		if _, err := r.tx.Exec(ctx, `delete from revisions where repository = $1 and branch = $2`, r.repo.ID, h.Branch); err != nil {
			return err
		}
	}
	if err := r.tx.QueryRow(ctx, `select coalesce(max(seq), 0) from branches where repository = $1 and branch = $2`, r.repo.ID, h.Branch).Scan(&r.seq); err != nil {
		return err
	}
	for _, sha := range h.Revisions {
		r.seq++
		r.seqs[sha] = r.seq
	}
	if _, err := r.tx.Exec(ctx, `
		insert into revisions (repository, branch, sha, seq) select $1, $2, u.sha, u.seq from unnest($3::text[], $4::bigint[]) as u (sha, seq)
		on conflict (repository, branch, sha) do update set seq = excluded.seq`,
		r.repo.ID, h.Branch, h.Revisions, seqList(h.Revisions, r.seqs)); err != nil {
		return err
	}
	_, err := r.tx.Exec(ctx, `
		insert into branches (repository, branch, head, tree, seq, observed_at) values ($1, $2, $3, $4, $5, $6)
		on conflict (repository, branch) do update set head = excluded.head, tree = excluded.tree, seq = excluded.seq, observed_at = excluded.observed_at`,
		r.repo.ID, h.Branch, h.SHA, h.Tree, r.seq, r.now)
	if err != nil {
		return err
	}
	return r.reportedBefore(ctx, h.Revisions)
}

// reportedBefore makes due what agents reported at a revision before Ferry knew it: what has not arrived may have.
func (r *observation) reportedBefore(ctx context.Context, revisions []forge.SHA) error {
	apps, err := collectTx[string](ctx, r.tx, `
		select distinct d.app from reports p join deployments d on d.repository = p.repository and d.environment = p.environment and p.app in ('', d.app)
		where p.repository = $1 and p.revision = any($2) and d.last_seq is null and d.state <> 'converged'`, r.repo.ID, revisions)
	for _, app := range apps {
		r.dirty[appUnit(app)] = true
	}
	return err
}

func seqList(revisions []forge.SHA, seqs map[forge.SHA]int64) []int64 {
	out := make([]int64, len(revisions))
	for i, sha := range revisions {
		out[i] = seqs[sha]
	}
	return out
}

func (r *observation) blobs(ctx context.Context) error {
	shas, contents := make([]string, 0, len(r.o.Blobs)), make([][]byte, 0, len(r.o.Blobs))
	for sha, content := range r.o.Blobs {
		shas, contents = append(shas, string(sha)), append(contents, content)
	}
	if len(shas) == 0 {
		return nil
	}
	_, err := r.tx.Exec(ctx, `
		insert into blobs (repository, sha, content) select $1, u.sha, u.content from unnest($2::text[], $3::bytea[]) as u (sha, content) on conflict do nothing`,
		r.repo.ID, shas, contents)
	return err
}

func (r *observation) commands(ctx context.Context) error {
	for _, c := range r.o.Commands {
		var done *time.Time
		if c.Answered {
			done = &r.now
		}
		tag, err := r.tx.Exec(ctx, `
			insert into commands (repository, comment, number, actor, login, permission, teams, unknown, body, said_at, done_at, edited, images) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
			on conflict do nothing`, r.repo.ID, c.Comment, c.Number, c.Author.ID, c.Author.Login, int(c.Permission), toJSON(emptyNotNull(c.Teams)), c.Unknown, c.Body, c.At, done, c.Edited, toJSON(c.Images))
		if err != nil {
			return err
		}
		if tag.RowsAffected() > 0 && !c.Answered {
			r.dirty[commandsUnit] = true
		}
	}
	return nil
}

func toJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil { // only Ferry's own plain types come here
		panic("postgres: " + err.Error())
	}
	return b
}
