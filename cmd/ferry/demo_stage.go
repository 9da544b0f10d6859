package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"ferry/forge"
	"ferry/forge/github"
	"ferry/forge/sandbox"
	"ferry/promotion/postgres/local"
)

// demoAppID is the number of Ferry's App at the demo's forge.
const demoAppID = 1

// stage is what the demo plays on: a forge with Acme's repositories, a PostgreSQL, and Ferry between them.
type stage struct {
	forge    *sandbox.Sandbox
	forgeAPI string
	server   *http.Server // of the forge
	database database
	ferry    *service
	listener net.Listener         // Ferry's
	newest   map[string]forge.SHA // the newest commit of each source repository
	app      sandbox.AppSpec
}

// database is a private PostgreSQL, or a database of the demo's own on the server that DATABASE_URL names.
type database interface {
	URL() string
	Done() <-chan struct{} // closed when it ended by itself, which Err explains
	Err() error
	Stop(ctx context.Context) error
}

// openStage starts forge and database, and makes a Ferry that is not running yet. Close ends them; also what was started before it failed.
func (d *demo) openStage(ctx context.Context) (st *stage, err error) {
	st = &stage{}
	if st.listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", d.listen); err != nil {
		return st, fmt.Errorf("--listen: %w", err)
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error { return d.openDatabase(groupCtx, st) })
	group.Go(func() error { return d.openForge(groupCtx, st) })
	var key appKey
	group.Go(func() (err error) { key, err = newAppKey(); return err })
	if err := group.Wait(); err != nil {
		return st, err
	}
	s := settings{URL: urlOf(st.listener), GitHubURL: st.forgeAPI, GitHubAppID: demoAppID, secrets: secrets{githubKey: key.private, webhookSecret: []string{key.webhookSecret}}}
	st.ferry = newService(s, nil, time.Now, d.logger)
	st.app = sandbox.AppSpec{ID: demoAppID, Slug: "ferry", PublicKey: key.public}
	_, err = st.forge.AddApp(st.app)
	st.app.WebhookURL, st.app.WebhookSecret, st.app.Events = s.URL+"/webhooks/github", key.webhookSecret, github.Events()
	return st, err
}

func (d *demo) openDatabase(ctx context.Context, st *stage) error {
	if d.databaseURL != "" {
		borrowed, err := local.Borrow(ctx, d.databaseURL)
		if err != nil {
			return unreachableIf(fmt.Errorf("DATABASE_URL: %w", err))
		}
		st.database = borrowed
		return nil
	}
	private, err := local.Start(ctx, local.Options{Bin: d.postgresBin, Logger: d.logger, Unsafe: true})
	if err == nil { // an interface that holds no server is not nil
		st.database = private
	}
	return err
}

func (d *demo) openForge(ctx context.Context, st *stage) (err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", d.demoOptions.forge)
	if err != nil {
		return fmt.Errorf("--sandbox-listen: %w", err)
	}
	if st.forge, err = sandbox.New(sandbox.Config{Dir: d.lasting, Logger: d.logger}); err != nil {
		return errors.Join(err, listener.Close())
	}
	st.forge.SetURL(urlOf(listener))
	st.forgeAPI = st.forge.URL() + "/api/v3"
	st.server = &http.Server{Handler: st.forge.Handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := st.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			d.logger.Error("the forge ended", "error", err)
		}
	}()
	st.newest, err = d.scene.found(st.forge)
	return err
}

// stopForge and stopDatabase bound the end of the stage, after Ferry's own.
const (
	stopForge    = time.Second
	stopDatabase = 2 * time.Second
)

// close ends what openStage started. Ferry has ended by then.
func (st *stage) close(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	var errs []error
	if st.listener != nil {
		_ = st.listener.Close() // closed already, if Ferry came to use it
	}
	if st.ferry != nil {
		st.ferry.close()
	}
	if st.forge != nil {
		st.forge.Close()
	}
	if st.server != nil {
		soft, cancel := context.WithTimeout(ctx, stopForge)
		defer cancel()
		if st.server.Shutdown(soft) != nil {
			errs = append(errs, st.server.Close())
		}
	}
	if st.database != nil {
		soft, cancel := context.WithTimeout(ctx, stopDatabase)
		defer cancel()
		errs = append(errs, st.database.Stop(soft))
	}
	return errors.Join(errs...)
}

// run runs Ferry until ctx ends, and fails where the database ends before that.
func (st *stage) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return st.ferry.run(ctx, st.listener, func(ctx context.Context) error { return st.ferry.open(ctx, st.database.URL()) })
	})
	group.Go(func() error {
		select {
		case <-st.database.Done():
			return st.database.Err()
		case <-ctx.Done():
			return nil
		}
	})
	return group.Wait()
}

// ready returns once Ferry takes requests.
func (st *stage) ready(ctx context.Context) error {
	return poll(ctx, func() (bool, error) { return st.ferry.ready.Load(), nil })
}

// pollPause is how often the demo looks whether something has become true.
const pollPause = 100 * time.Millisecond

// poll asks until the answer is yes. It fails with the question's error, or with ctx's.
func poll(ctx context.Context, ask func() (bool, error)) error {
	ticker := time.NewTicker(pollPause)
	defer ticker.Stop()
	for {
		if yes, err := ask(); yes || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// appKey are the secrets of the demo's App, made anew at every start.
type appKey struct {
	private, public []byte // PEM
	webhookSecret   string
}

func newAppKey() (appKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return appKey{}, fmt.Errorf("making the App's key: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return appKey{}, fmt.Errorf("writing the App's public key: %w", err)
	}
	var secret [24]byte
	_, _ = rand.Read(secret[:]) // it never fails: see crypto/rand
	return appKey{
		private:       pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
		public:        pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}),
		webhookSecret: base64.RawURLEncoding.EncodeToString(secret[:]),
	}, nil
}

// urlOf returns the address at which this machine reaches a listener.
func urlOf(l net.Listener) string {
	host, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return "http://" + l.Addr().String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}
