package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ErrNotInstalled is the error of Start where no PostgreSQL server is found. Its text says how to get one.
var ErrNotInstalled = errors.New("no PostgreSQL server is installed")

const howToInstall = "install it (Debian, Ubuntu: apt-get install postgresql; Fedora: dnf install postgresql-server; macOS: brew install postgresql), " +
	"or set FERRY_POSTGRES_BIN to the folder of initdb and postgres, or DATABASE_URL to a server that runs elsewhere"

// usualFolders are where packages put the server's binaries without putting them on PATH.
func usualFolders() []string {
	return []string{
		"/usr/lib/postgresql/*/bin",                          // Debian
		"/usr/pgsql-*/bin",                                   // PostgreSQL's own packages for Red Hat
		"/opt/homebrew/opt/postgresql*/bin",                  // Homebrew on Apple silicon,
		"/usr/local/opt/postgresql*/bin",                     // on Intel,
		"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",     // and on Linux
		"/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
	}
}

// binaries is a folder with a PostgreSQL server, and its major version.
type binaries struct {
	dir   string
	major int
}

func (b binaries) path(name string) string { return filepath.Join(b.dir, name) }

// findBinaries returns the first server that the account can run; where data is kept already, of the major version that
// wrote it (0: none is kept), because no other can read it.
func findBinaries(ctx context.Context, o Options, acc account, wanted int) (binaries, error) {
	var refused []error
	for _, dir := range candidateFolders(o) {
		bin, err := inspect(ctx, dir, acc)
		if err == nil && wanted != 0 && bin.major != wanted {
			err = fmt.Errorf("%s is PostgreSQL %d, and %s was written by %d: install that version, or move the folder away", dir, bin.major, o.Dir, wanted)
		}
		if err == nil {
			return bin, nil
		}
		refused = append(refused, err)
	}
	if len(refused) > 0 {
		return binaries{}, errors.Join(refused...)
	}
	if o.Bin != "" {
		return binaries{}, fmt.Errorf("%w in %s, given as FERRY_POSTGRES_BIN: it must hold initdb and postgres", ErrNotInstalled, o.Bin)
	}
	return binaries{}, fmt.Errorf("%w in PATH or in %s: %s", ErrNotInstalled, strings.Join(usualFolders(), ", "), howToInstall)
}

// candidateFolders returns the folders that hold both initdb and postgres, in order of preference.
func candidateFolders(o Options) []string {
	patterns := o.Search
	if o.Bin != "" {
		patterns = []string{o.Bin}
	} else if patterns == nil {
		patterns = append(filepath.SplitList(os.Getenv("PATH")), usualFolders()...)
	}
	var found []string
	for _, pattern := range patterns {
		matches, err := filepath.Glob(pattern)
		if err != nil || slices.Contains(matches, pattern) {
			matches = []string{pattern} // a folder whose name only looks like a pattern
		}
		slices.SortFunc(matches, func(a, b string) int { return versionIn(b) - versionIn(a) }) // the newest first
		for _, dir := range matches {
			if abs, err := filepath.Abs(dir); err == nil && !slices.Contains(found, abs) && holdsServer(abs) {
				found = append(found, abs)
			}
		}
	}
	return found
}

func holdsServer(dir string) bool {
	for _, name := range []string{"initdb", "postgres"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
			return false
		}
	}
	return true
}

var digits = regexp.MustCompile(`\d+`)

// versionIn returns the first number in a path such as /usr/lib/postgresql/15/bin, 0 without one.
func versionIn(path string) int {
	n, err := strconv.Atoi(digits.FindString(path))
	if err != nil {
		return 0
	}
	return n
}

var versionLine = regexp.MustCompile(`^postgres \(PostgreSQL\) (\d+)`)

// inspect runs the server for its version, as the account that will run it.
func inspect(ctx context.Context, dir string, acc account) (binaries, error) {
	bin := binaries{dir: dir}
	out, err := acc.command(ctx, bin.path("postgres"), "--version").CombinedOutput()
	if ctx.Err() != nil {
		return bin, ctx.Err()
	}
	if err != nil {
		return bin, fmt.Errorf("%s cannot be run as %s: %w %s", bin.path("postgres"), acc.name, err, strings.TrimSpace(string(out)))
	}
	found := versionLine.FindSubmatch(out)
	if found == nil {
		return bin, fmt.Errorf("%s --version answers %.80q, which is not a PostgreSQL version", bin.path("postgres"), out)
	}
	bin.major = versionIn(string(found[1]))
	return bin, nil
}
