package agent_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ferry/promotion/agent"
)

const (
	token    = "canary-5ec4e7-0f-the-env1r0nment"
	pollTime = 7 * time.Second
	beatTime = 11 * time.Second
	patience = 30 * time.Second // of a test for what must happen soon
)

// repository is an environment repository in which somebody commits.
type repository struct {
	t   *testing.T
	dir string
}

func newRepository(t *testing.T) *repository {
	t.Helper()
	r := &repository{t, t.TempDir()}
	r.git("init", "--quiet", "--initial-branch=main")
	return r
}

func (r *repository) git(args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", append([]string{"-C", r.dir, "-c", "user.name=dora", "-c", "user.email=dora@acme.test", "-c", "commit.gpgSign=false"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %v: %v %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit writes a file and returns the commit's name.
func (r *repository) commit(file, content string, more ...string) string {
	r.t.Helper()
	name := filepath.Join(r.dir, file)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		r.t.Fatal(err)
	}
	r.git("add", ".")
	r.git(append([]string{"commit", "--quiet", "--message", "change " + file}, more...)...)
	return r.git("rev-parse", "HEAD")
}

// got is a report as the server reads it.
type got struct {
	App, Cluster, Revision, Health, Message, Every string
	Images                                         []string
	ObservedAt                                     time.Time `json:"observed_at"`
	raw, token                                     string
}

// ferry is a server that takes reports, and answers as it is told.
type ferry struct {
	*httptest.Server
	t       *testing.T
	reports chan got

	mu      sync.Mutex
	answers []http.HandlerFunc // the next ones; 202 when there is none
}

func newFerry(t *testing.T, answers ...http.HandlerFunc) *ferry {
	f := &ferry{t: t, reports: make(chan got, 1000), answers: answers}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	return f
}

func (f *ferry) serve(w http.ResponseWriter, r *http.Request) {
	var body bytes.Buffer
	_, _ = body.ReadFrom(r.Body)
	one := got{raw: body.String(), token: r.Header.Get("Authorization")}
	d := json.NewDecoder(&body)
	d.DisallowUnknownFields()
	if err := d.Decode(&one); err != nil || r.Method != http.MethodPost || r.URL.Path != "/api/v1/reports" {
		f.t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	f.mu.Lock()
	answer := func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, `{"accepted":1}`)
	}
	if len(f.answers) > 0 {
		answer, f.answers = f.answers[0], f.answers[1:]
	}
	f.mu.Unlock()
	answer(w, r)
	f.reports <- one
}

// refuse answers with a code and a reason, and with more headers in pairs.
func refuse(code int, reason string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"error":%q}`, reason)
	}
}

// next returns the next report, whatever it says.
func (f *ferry) next() got {
	f.t.Helper()
	return receive(f.t, f.reports, "a report")
}

// until returns the next report with this health at this revision.
func (f *ferry) until(health, revision string) got {
	f.t.Helper()
	for {
		if r := f.next(); r.Health == health && r.Revision == revision {
			return r
		}
	}
}

func receive[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("%s did not come", what)
		panic("unreachable")
	}
}

func send[T any](t *testing.T, c chan<- T, v T, what string) {
	t.Helper()
	select {
	case c <- v:
	case <-time.After(patience):
		t.Fatalf("nobody waits for %s", what)
	}
}

// hand moves an agent's time on: nothing happens in it by itself.
type hand struct {
	t                 *testing.T
	polls, beats, due chan time.Time
	asked             chan time.Duration // what else was waited for: the next attempt of a report

	mu  sync.Mutex
	now time.Time
}

func newHand(t *testing.T) *hand {
	return &hand{t: t, polls: make(chan time.Time), beats: make(chan time.Time), due: make(chan time.Time), asked: make(chan time.Duration, 100),
		now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
}

func (h *hand) After(d time.Duration) <-chan time.Time {
	switch d {
	case pollTime:
		return h.polls
	case beatTime:
		return h.beats
	}
	h.asked <- d
	return h.due
}

func (h *hand) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hand) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// poll lets the agent look again. It returns when the agent has begun to.
func (h *hand) poll() { h.t.Helper(); send(h.t, h.polls, h.Now(), "a poll") }
func (h *hand) beat() { h.t.Helper(); send(h.t, h.beats, h.Now(), "a heartbeat") }

// log collects what an agent logs.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// world is one agent with all it deals with.
type world struct {
	*repository
	*ferry
	*hand
	log     *log
	cfg     agent.Config
	applied chan string // revisions
}

// newWorld returns an agent that is not started, and applies well.
func newWorld(t *testing.T, answers ...http.HandlerFunc) *world {
	t.Helper()
	w := &world{repository: newRepository(t), ferry: newFerry(t, answers...), hand: newHand(t), log: &log{}, applied: make(chan string, 100)}
	w.cfg = agent.Config{
		Repository: w.dir, Dir: t.TempDir(), Paths: []string{"apps/checkout/staging"}, Server: w.URL, Token: token, Every: beatTime, Poll: pollTime,
		Apply: func(_ context.Context, at agent.Checkout) error { w.applied <- string(at.Revision); return nil },
		Now:   w.Now, After: w.After, HTTP: w.Client(), Logger: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	return w
}

// start runs the agent until the test ends, or the returned function is called.
func (w *world) start() (stop func()) {
	t := w.hand.t
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- agent.Run(ctx, w.cfg) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := receive(t, done, "the agent's end"); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// once runs the agent once, while time passes by itself.
func (w *world) once(t *testing.T) error {
	t.Helper()
	w.cfg.Once = true
	w.cfg.After = func(d time.Duration) <-chan time.Time {
		w.pass(d)
		c := make(chan time.Time, 1)
		c <- w.Now()
		return c
	}
	return agent.Run(t.Context(), w.cfg)
}
