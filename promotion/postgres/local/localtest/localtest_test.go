package localtest_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"ferry/promotion/postgres/local/localtest"
)

func TestMain(m *testing.M) {
	os.Exit(localtest.Main(m, func(ctx context.Context, url string) error {
		return exec(ctx, url, "create table template_row (n int); insert into template_row values (1)")
	}))
}

func TestEachTestHasItsOwnCopyOfTheTemplate(t *testing.T) {
	t.Parallel()
	for i := range 8 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			url := localtest.Database(t)
			if err := exec(t.Context(), url, "insert into template_row values (2)"); err != nil {
				t.Fatal(err)
			}
			if n := count(t, url); n != 2 {
				t.Errorf("%d rows, want the template's one and this test's", n)
			}
		})
	}
}

func TestADatabaseIsGoneAfterItsTest(t *testing.T) {
	t.Parallel()
	var url string
	t.Run("uses it, and leaves a connection open", func(t *testing.T) {
		url = localtest.Database(t)
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close(context.Background()) }) // the server has closed it when this runs last
	})
	if err := exec(t.Context(), url, "select 1"); err == nil {
		t.Error("the database is still there")
	}
}

func BenchmarkDatabase(b *testing.B) {
	for b.Loop() {
		localtest.Database(b)
	}
}

func count(t *testing.T, url string) int {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var n int
	if err := conn.QueryRow(t.Context(), "select count(*) from template_row").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func exec(ctx context.Context, url, sql string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	return err
}
