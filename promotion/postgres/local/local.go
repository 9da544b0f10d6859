// Package local starts a private PostgreSQL from the binaries installed on the machine, for the demo, first steps and tests.
package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	role     = "ferry" // the cluster's only role, a superuser; who may connect is decided by the folder's mode 0700
	database = "ferry"
	port     = "5432" // only a part of the socket's name: the server listens on no network
)

// Options say where a private server keeps its data and which binaries it runs. The zero value is a fresh server that is gone after Stop.
type Options struct {
	Dir    string       // data that is kept between starts; "" is a fresh temporary folder, removed by Stop
	Bin    string       // the folder of initdb and postgres (FERRY_POSTGRES_BIN); "" looks for them
	Search []string     // where to look without Bin, as glob patterns; nil is PATH, then the usual folders of Debian, Red Hat and Homebrew
	Logger *slog.Logger // nil is silence
	Unsafe bool         // faster, in memory where that has room, and a crash of the machine loses the data: for tests and the demo only
}

// Server is a running private PostgreSQL.
type Server struct {
	logger   *slog.Logger
	home     *folder
	socket   *folder // the same as home, unless home's path is too long for a socket
	process  *process
	stopping atomic.Bool
	stop     sync.Once
	stopped  error
}

// Start returns a server that accepts connections and has the database "ferry". Left-over servers and temporary folders of
// killed processes are ended and removed first. ctx bounds the start only; the server lives until Stop, or until this process ends.
//
// It fails with ErrNotInstalled where no PostgreSQL is found, with ErrInUse where another process runs a server in
// Options.Dir, and where the folder cannot be used by the account that the server runs as.
func Start(ctx context.Context, o Options) (*Server, error) {
	s := &Server{logger: o.Logger}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	began := time.Now()
	if err := s.start(ctx, o); err != nil {
		return nil, errors.Join(fmt.Errorf("starting a private PostgreSQL: %w", err), s.Stop(ctx))
	}
	s.logger.Info("private PostgreSQL started", "folder", s.home.path, "took", time.Since(began).Round(time.Millisecond))
	go s.watch()
	return s, nil
}

func (s *Server) start(ctx context.Context, o Options) error {
	acc, err := serverAccount()
	if err != nil {
		return err
	}
	sweep(ctx, acc, s.logger)
	if s.home, acc, err = openHome(o, acc); err != nil {
		return err
	}
	bin, err := findBinaries(ctx, o, acc, s.home.version())
	if err != nil {
		return err
	}
	if err := acc.mustEnter(ctx, bin, s.home.path); err != nil {
		return err
	}
	if s.socket, err = s.home.socketFolder(acc); err != nil {
		return err
	}
	if err := endLeft(ctx, s.home.data(), s.logger); err != nil {
		return err
	}
	if err := s.home.initialize(ctx, bin, acc, o.Unsafe); err != nil {
		return err
	}
	return s.serveWhenFree(ctx, bin, acc, o.Unsafe)
}

// What PostgreSQL says while a process of a killed server is not quite gone: it is in no list of processes any more, and has its memory still. That takes
// milliseconds, on a busy machine longer.
const (
	stillHeld   = "pre-existing shared memory block"
	mostHeld    = 5 * time.Second
	heldBetween = 50 * time.Millisecond
)

// serveWhenFree is serve, again for a while where the memory of a killed server is in use still.
func (s *Server) serveWhenFree(ctx context.Context, bin binaries, acc account, unsafe bool) error {
	over := time.After(mostHeld)
	for {
		err := s.serve(ctx, bin, acc, unsafe)
		if err == nil || !strings.Contains(err.Error(), stillHeld) {
			return err
		}
		select {
		case <-time.After(heldBetween):
		case <-over:
			return err
		case <-ctx.Done():
			return err
		}
	}
}

// serve runs the server and returns when it accepts connections and has its database.
func (s *Server) serve(ctx context.Context, bin binaries, acc account, unsafe bool) error {
	log, err := s.home.createLog(acc)
	if err != nil {
		return err
	}
	defer log.Close() // the server has its own copy
	// No context: ctx bounds the start, and the server outlives it.
	cmd := acc.command(context.Background(), bin.path("postgres"), settings(s.home.data(), s.socket.path, unsafe)...)
	cmd.Stdout, cmd.Stderr = log, log
	// A fast shutdown, should this process be killed.
	if s.process, err = launch(cmd, syscall.SIGINT); err != nil {
		return fmt.Errorf("running %s: %w", cmd.Path, err)
	}
	if err := s.await(ctx); err != nil {
		return err
	}
	return s.createDatabase(ctx)
}

// URL returns the address of the database "ferry". It holds no secret: the socket stands in a folder that only the
// server's account and root can enter.
func (s *Server) URL() string { return s.DatabaseURL(database) }

// DatabaseURL returns the address of the database of that name, which need not exist.
func (s *Server) DatabaseURL(name string) string {
	u := url.URL{
		Scheme: "postgres",
		User:   url.User(role),
		Path:   "/" + name,
		// The port is said, because PGPORT in the environment would otherwise be taken.
		RawQuery: url.Values{"host": {s.socket.path}, "port": {port}}.Encode(),
	}
	return u.String()
}

// Done returns a channel that is closed when the server has ended, by Stop or by itself.
func (s *Server) Done() <-chan struct{} { return s.process.done }

// Err returns nil while the server runs and after Stop, and otherwise why it ended, with the last lines of its log.
func (s *Server) Err() error {
	select {
	case <-s.process.done:
	default:
		return nil
	}
	if s.stopping.Load() {
		return nil
	}
	return fmt.Errorf("the private PostgreSQL in %s ended by itself (%v); its log ends with:\n%s", s.home.path, s.process.err, s.home.logTail())
}

// watch says in the log when the server ends without being asked to.
func (s *Server) watch() {
	<-s.Done()
	if err := s.Err(); err != nil {
		s.logger.Error("private PostgreSQL ended", "error", err)
	}
}

// Stop ends the server and removes its temporary folder. It asks for a fast shutdown (open transactions are rolled back);
// once ctx is done, for an immediate one. It returns when the server is gone, and fails only where the
// temporary folder cannot be removed. Stopping again returns the same.
func (s *Server) Stop(ctx context.Context) error {
	s.stop.Do(func() {
		s.stopping.Store(true)
		if s.process != nil {
			s.process.end(ctx)
			s.logger.Debug("private PostgreSQL stopped", "folder", s.home.path)
		}
		if s.socket != nil && s.socket != s.home {
			s.stopped = s.socket.close()
		}
		if s.home != nil {
			s.stopped = errors.Join(s.stopped, s.home.close())
		}
	})
	return s.stopped
}

// settings returns the server's command line. Everything is said here and nothing in postgresql.conf, so that a kept
// folder follows the Ferry that starts it.
func settings(data, socket string, unsafe bool) []string {
	set := []string{
		"listen_addresses=",
		"unix_socket_directories=" + socket,
		"unix_socket_permissions=0700",
		"port=" + port,
		"cluster_name=" + clusterName(data), // so that processes without a parent are recognised
		"max_connections=200",
		"timezone=UTC",
		"log_timezone=UTC",
		// Above ERROR stand only the server's own affairs: no statement and no row of Ferry's gets into the log.
		"log_min_messages=log",
		"log_min_error_statement=panic",
		"log_checkpoints=off",
		"logging_collector=off",
	}
	if unsafe {
		set = append(set, "shared_buffers=16MB", "fsync=off", "synchronous_commit=off", "full_page_writes=off",
			"wal_level=minimal", "max_wal_senders=0", "autovacuum=off")
	} else {
		set = append(set, "shared_buffers=64MB")
	}
	args := []string{"-D", data}
	for _, s := range set {
		args = append(args, "-c", s)
	}
	return args
}

// longestSocket is the length that a socket's path stays below. Linux allows 107 bytes, macOS 103.
const longestSocket = 100

func socketPath(dir string) string { return filepath.Join(dir, ".s.PGSQL."+port) }
