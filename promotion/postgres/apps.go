package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/forge"
)

// RegisteredApp is the App that was registered for this Ferry at a forge, with its secrets as they were sealed by whoever stores it.
type RegisteredApp struct {
	ID     int64
	Page   string
	Sealed []byte
}

// StoreApp keeps the App of the forge at url. It fails with forge.ErrExists where there is one, which stays.
func (s *Store) StoreApp(ctx context.Context, kind forge.Kind, url string, app RegisteredApp, now time.Time) (err error) {
	defer wrap(&err, "StoreApp(%s, %d)", url, app.ID)
	tag, err := s.pool.Exec(ctx, `insert into apps_registered (forge, url, app_id, page, sealed, created_at) values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
		kind, url, app.ID, app.Page, app.Sealed, now)
	if err == nil && tag.RowsAffected() == 0 {
		err = forge.ErrExists
	}
	return err
}

// App returns the App of the forge at url, or ErrNotFound.
func (s *Store) App(ctx context.Context, kind forge.Kind, url string) (app RegisteredApp, err error) {
	defer wrap(&err, "App(%s)", url)
	err = s.pool.QueryRow(ctx, `select app_id, page, sealed from apps_registered where forge = $1 and url = $2`, kind, url).Scan(&app.ID, &app.Page, &app.Sealed)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	return app, err
}

// SealAnew replaces how the App's secrets are sealed, unless another replica has done so meanwhile.
func (s *Store) SealAnew(ctx context.Context, kind forge.Kind, url string, app RegisteredApp, sealed []byte) (err error) {
	defer wrap(&err, "SealAnew(%s, %d)", url, app.ID)
	_, err = s.pool.Exec(ctx, `update apps_registered set sealed = $5 where forge = $1 and url = $2 and app_id = $3 and sealed = $4`, kind, url, app.ID, app.Sealed, sealed)
	return err
}
