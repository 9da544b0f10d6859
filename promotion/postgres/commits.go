package postgres

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/forge"
	"ferry/promotion"
)

// OwnCommit is a commit that Ferry made.
type OwnCommit struct {
	SHA    forge.SHA
	Tree   forge.SHA
	Branch string
	Files  []forge.NewFile     // as Ferry wrote them
	Shows  *promotion.PullWish // what a pull request with it as its head shows; nil on a branch that is no promotion's
}

// OwnFile is a file as it stands in the tree of a commit of Ferry's own.
type OwnFile struct {
	Path       string    `json:"path"`
	Blob       forge.SHA `json:"blob"`
	Executable bool      `json:"executable,omitempty"`
}

// blobOf is the name Git gives to a content (gitformat-pack(5), gitglossary(7): the hash of its kind, length and bytes).
func blobOf(content []byte) forge.SHA {
	h := sha1.New()
	fmt.Fprintf(h, "blob %d\x00", len(content))
	h.Write(content)
	return forge.SHA(hex.EncodeToString(h.Sum(nil)))
}

// RecordCommit remembers a commit that Ferry is about to put on a branch, before it does, and what it wrote: where the branch's tree is the commit's
// one day, these files need not be read.
func (s *Store) RecordCommit(ctx context.Context, repository int64, c OwnCommit, now time.Time) (err error) {
	defer wrap(&err, "RecordCommit(%s)", c.SHA)
	files, shas, contents := []OwnFile{}, []forge.SHA{}, [][]byte{}
	for _, f := range c.Files {
		blob := blobOf(f.Content)
		files = append(files, OwnFile{Path: f.Path, Blob: blob, Executable: f.Executable})
		shas, contents = append(shas, blob), append(contents, f.Content)
	}
	var shows []byte
	if c.Shows != nil {
		shown := *c.Shows
		shown.Files, shown.Blobs = nil, nil // they are in files
		shows = toJSON(shown)
	}
	_, err = s.pool.Exec(ctx, `
		with content as (
		  insert into blobs (repository, sha, content) select $1, u.sha, u.content from unnest($7::text[], $8::bytea[]) as u (sha, content) on conflict do nothing
		)
		insert into commits (repository, sha, branch, made_at, tree, files, shows) values ($1, $2, $3, $4, $5, $6, $9) on conflict do nothing`,
		repository, c.SHA, c.Branch, now, c.Tree, toJSON(files), shas, contents, shows)
	return err
}

// ProposedOn stands for the name of the commit on a branch that Ferry has asked for together with its pull request, until the forge has said the name.
func ProposedOn(branch string) forge.SHA { return forge.SHA("proposed on " + branch) }

// RecordProposal remembers a commit without a name yet that Ferry is about to ask for together with its pull request.
func (s *Store) RecordProposal(ctx context.Context, repository int64, c OwnCommit, now time.Time) (err error) {
	defer wrap(&err, "RecordProposal(%s)", c.Branch)
	c.SHA = ProposedOn(c.Branch)
	if _, err := s.pool.Exec(ctx, `delete from commits where repository = $1 and sha = $2`, repository, c.SHA); err != nil { // an earlier one that failed
		return err
	}
	return s.RecordCommit(ctx, repository, c, now)
}

// NameProposal gives the commit that Ferry has asked for on the branch its name, once the forge has said it: in its answer, or by showing the pull request.
func (s *Store) NameProposal(ctx context.Context, repository int64, branch string, c forge.Commit) (err error) {
	defer wrap(&err, "NameProposal(%s)", branch)
	_, err = s.pool.Exec(ctx, `
		update commits set sha = $3, tree = $4 where repository = $1 and sha = $2 and not exists (select from commits where repository = $1 and sha = $3)`,
		repository, ProposedOn(branch), c.SHA, c.Tree)
	return err
}

// recoveredEdit begins the name of an edit of which, after the database was lost, nothing is known but that several commits are it.
const recoveredEdit = "recovered:"

// RecordShown remembers what the commits of a branch show of which that was not known: they were read back after the database was lost.
func (s *Store) RecordShown(ctx context.Context, repository int64, app string, shows promotion.PullWish) (err error) {
	defer wrap(&err, "RecordShown(%s)", shows.Branch)
	shows.Files, shows.Blobs = nil, nil
	return s.transact(ctx, pgx.ReadCommitted, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `update commits set shows = $3 where repository = $1 and branch = $2 and (shows is null or starts_with(shows ->> 'edit', $4))`,
			repository, shows.Branch, toJSON(shows), recoveredEdit)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		return s.raiseUnits(ctx, tx, repository, []string{appUnit(app)}) // what people approved may be just that
	})
}

// OwnFiles returns what Ferry wrote in a commit of its own with exactly that tree, by path; nothing where it made none.
func (s *Store) OwnFiles(ctx context.Context, repository int64, tree forge.SHA) (files map[string]OwnFile, err error) {
	defer wrap(&err, "OwnFiles(%d, %s)", repository, tree)
	var raw []byte
	err = s.pool.QueryRow(ctx, `select files from commits where repository = $1 and tree = $2 and tree <> '' order by made_at desc limit 1`, repository, tree).Scan(&raw)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []OwnFile
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	files = map[string]OwnFile{}
	for _, f := range list {
		files[f.Path] = f
	}
	return files, nil
}

// ShownBy returns what a pull request with that commit of Ferry's own as its head shows, without its files; ErrNotFound where none does.
func (s *Store) ShownBy(ctx context.Context, repository int64, sha forge.SHA) (wish promotion.PullWish, err error) {
	defer wrap(&err, "ShownBy(%s)", sha)
	var raw []byte
	err = s.pool.QueryRow(ctx, `select shows from commits where repository = $1 and sha = $2 and shows is not null`, repository, sha).Scan(&raw)
	if errors.Is(err, pgx.ErrNoRows) {
		return wish, ErrNotFound
	}
	if err == nil {
		err = json.Unmarshal(raw, &wish)
	}
	return wish, err
}

// IsOwnCommit says whether Ferry made the commit.
func (s *Store) IsOwnCommit(ctx context.Context, repository int64, sha forge.SHA) (own bool, err error) {
	defer wrap(&err, "IsOwnCommit(%s)", sha)
	err = s.pool.QueryRow(ctx, `select exists (select from commits where repository = $1 and sha = $2)`, repository, sha).Scan(&own)
	return own, err
}
