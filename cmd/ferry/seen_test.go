package main

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/postgres"
)

// TestPeopleSeeWhatTheDatabaseSays: titles, bodies and statuses at the forge are those that the last plans wished, and each status fits.
func TestPeopleSeeWhatTheDatabaseSays(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	mia := h.maintainer()
	h.arrive("1.1.0")
	h.merge(acmeEnv, h.staging().Number)
	h.report(acmeEnv, "staging", "healthy")
	h.arrive("1.2.0")
	h.ask(h.staging().Number, mia, "/freeze staging "+strings.Repeat("a very long reason & ", 20))
	h.ask(h.staging().Number, mia, "/hold prod until the audit is over")
	rows, err := h.svc.store.Pool().Query(t.Context(), `select kind, desired, (applied ->> 'number')::int from wishes where kind in ('pull', 'status') and version = applied_version order by id`)
	if err != nil {
		t.Fatal(err)
	}
	var kind string
	var desired []byte
	var number *int
	pulls, statuses := 0, 0
	_, err = pgx.ForEachRow(rows, []any{&kind, &desired, &number}, func() error {
		if kind == "status" {
			var wish postgres.StatusWish
			if err := json.Unmarshal(desired, &wish); err != nil || wish.Target != "" {
				return err
			}
			statuses++
			got := h.statuses(acmeEnv, wish.SHA)[wish.Status.Context]
			if got.State != string(wish.Status.State) || got.Description != wish.Status.Description || utf8.RuneCountInString(got.Description) > forge.MaxStatusDescription || wish.Status.URL == "" {
				t.Errorf("%s on %s is %+v, the database says %+v", wish.Status.Context, wish.SHA.Short(), got, wish.Status)
			}
			return nil
		}
		var wish promotion.PullWish
		if err := json.Unmarshal(desired, &wish); err != nil || !wish.Open || number == nil {
			return err
		}
		pulls++
		if got := h.pull(*number); got.Title != wish.Title || got.Body != wish.Body || got.Head.Ref != wish.Branch {
			t.Errorf("#%d is %+v, the database says %+v", *number, got, wish)
		}
		return nil
	})
	if err != nil || pulls != 2 || statuses < 5 {
		t.Errorf("%d pull requests, %d statuses: %v", pulls, statuses, err)
	}
}
