package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"ferry/promotion"
	"ferry/promotion/config"
)

// Reporter returns the id of a token's reporter, by which the addresses for Argo CD name it: as unguessable as the token, and of no use without it. It
// follows from the token, so that it stays the same where the database is lost and the token given again.
func Reporter(token string) string { return reporterOf(hashOf(token)) }

func reporterOf(hash []byte) string {
	sum := sha256.Sum256(append([]byte("reporter "), hash...))
	return hex.EncodeToString(sum[:12])
}

// ReportPlace is what Ferry knows of the place that an agent reports about.
type ReportPlace struct {
	Environment string   // as it is called now
	Clusters    []string // of the environment
	Apps        []string // that have a manifest there
}

// FindPlace returns the token's environment and the apps that have a manifest in it at or below one of paths; "." is every path.
func (s *Store) FindPlace(ctx context.Context, t Token, paths []string) (p ReportPlace, err error) {
	defer wrap(&err, "FindPlace(%s, %s)", t.FullName, t.Environment)
	from, to := below(paths)
	err = s.transact(ctx, pgx.ReadCommitted, func(tx pgx.Tx) error {
		now, _, err := calledNow(ctx, tx, t, []promotion.AgentReport{})
		if err != nil {
			return err
		}
		p.Environment = now.Environment
		if p.Clusters, err = clustersOf(ctx, tx, t.Repository, now.Environment); err != nil {
			return err
		}
		p.Apps, err = collectTx[string](ctx, tx, `
			select app from manifests where repository = $1 and environment = $2 and path = any($3)
			union
			select m.app from unnest($4::text[], $5::text[]) as p (low, high) join manifests m on m.repository = $1 and m.environment = $2 and m.path ~>=~ p.low and m.path ~<~ p.high
			order by 1`, t.Repository, now.Environment, paths, from, to)
		return err
	})
	return p, err
}

// below returns the ranges of names, as bytes compare, that stand below each of paths.
func below(paths []string) (from, to []string) {
	for _, path := range paths {
		if path == "." {
			from, to = append(from, ""), append(to, string(utf8.MaxRune))
		} else {
			from, to = append(from, path+"/"), append(to, path+"0") // what follows a slash
		}
	}
	return from, to
}

func clustersOf(ctx context.Context, q querier, repository int64, environment string) ([]string, error) {
	content, err := configContent(ctx, q, repository)
	if errors.Is(err, ErrNotFound) { // Ferry is off there
		return []string{config.DefaultCluster}, nil
	}
	if err != nil {
		return nil, err
	}
	c, err := content.Parse()
	if err != nil {
		return nil, err
	}
	for _, e := range c.Order() {
		if e.Name == environment {
			return e.Clusters, nil
		}
	}
	return []string{config.DefaultCluster}, nil
}
