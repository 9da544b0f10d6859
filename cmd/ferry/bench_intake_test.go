package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"ferry/forge/forgetest"
	"ferry/promotion/postgres/local"
)

// The intake is measured in pairs of runs, one of them pgbench's, so that what else the machine does hits both alike.
const (
	intakeConnections = 32
	intakePairs       = 5
	intakeRun         = 4 * time.Second
	intakeBytes       = 8 << 10
	leastIntake       = 0.4 // of what pgbench inserts
)

// BenchmarkIntake measures how many webhooks per second are stored and answered, beside pgbench inserting the same bytes into the same table.
func BenchmarkIntake(b *testing.B) {
	server, err := local.Start(b.Context(), local.Options{Bin: os.Getenv("FERRY_POSTGRES_BIN")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = server.Stop(context.WithoutCancel(b.Context())) })
	in := newIntakeBench(b, server.URL())
	in.run(b, time.Second) // connections, plans, and the repository's row
	bench := newPgbench(b, server.URL(), in.order.Push)
	for b.Loop() {
		var rates, limits, ratios []float64
		for range intakePairs {
			limit, rate := bench.run(b, intakeRun), in.run(b, intakeRun)
			limits, rates, ratios = append(limits, limit), append(rates, rate), append(ratios, rate/limit)
			in.clear(b)
		}
		figureWithin("intake_per_second", median(rates), "deliveries/s", median(limits), median(ratios))
		if median(ratios) < leastIntake {
			b.Errorf("the intake stores %.3f of what pgbench does, want at least %g", median(ratios), leastIntake)
		}
	}
}

func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

// intakeBench is a Ferry whose workers are stopped, and clients that send it signed pushes.
type intakeBench struct {
	svc   *service
	order sendOrder
}

func newIntakeBench(b *testing.B, databaseURL string) *intakeBench {
	b.Helper()
	log, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = log.Close() })
	in := &intakeBench{}
	in.svc = newService(settings{GitHubURL: "https://127.0.0.1/api/v3", secrets: secrets{githubToken: "none", webhookSecret: []string{testSecret}}}, nil, time.Now, newLogger("text", log))
	if err := in.svc.open(b.Context(), databaseURL); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(in.svc.close)
	front := httptest.NewServer(in.svc)
	b.Cleanup(front.Close)
	in.order = sendOrder{Addr: front.Listener.Addr().String(), Push: examplePush(b)}
	return in
}

// examplePush is the push event that GitHub publishes as an example, as compact as GitHub sends it, padded with text that does not compress.
func examplePush(b *testing.B) []byte {
	b.Helper()
	examples, err := forgetest.Examples(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	var push bytes.Buffer
	for _, e := range examples {
		if e.Event == "push" && bytes.Contains(e.Payload, []byte(`"refs/heads/`)) && push.Len() == 0 {
			if err := json.Compact(&push, e.Payload); err != nil {
				b.Fatal(err)
			}
		}
	}
	push.Truncate(push.Len() - 1)
	push.WriteString(`,"padding":"`)
	noise := make([]byte, intakeBytes)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	push.WriteString(hex.EncodeToString(noise)[:intakeBytes-push.Len()-2])
	push.WriteString(`"}`)
	return push.Bytes()
}

// run lets the sender send for a while. It returns how many deliveries were stored and answered with 202 in each second.
func (in *intakeBench) run(b *testing.B, d time.Duration) float64 {
	b.Helper()
	in.order.Run++
	in.order.For = d
	order, err := json.Marshal(in.order)
	if err != nil {
		b.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	sender := exec.CommandContext(b.Context(), self)
	sender.Env, sender.Stdin, sender.Stderr = append(os.Environ(), asSender+"=1"), bytes.NewReader(order), os.Stderr
	out, err := sender.Output()
	if err != nil {
		b.Fatalf("sending: %v", err)
	}
	var sent struct {
		Stored int64
		Took   time.Duration
	}
	if err := json.Unmarshal(out, &sent); err != nil {
		b.Fatal(err)
	}
	var rows int64
	err = in.svc.store.Pool().QueryRow(b.Context(), `select count(*) from deliveries where id like $1`, fmt.Sprintf("intake-%d-%%", in.order.Run)).Scan(&rows)
	if err != nil || rows != sent.Stored {
		b.Fatalf("%d deliveries were answered and %d are stored: %v", sent.Stored, rows, err)
	}
	return float64(sent.Stored) / sent.Took.Seconds()
}

// asSender in the environment makes the test binary the intake's clients: in a process of their own, as GitHub is.
const asSender = "FERRY_TEST_AS_SENDER"

// sendOrder is what the clients are to send.
type sendOrder struct {
	Addr string
	Push []byte
	Run  int
	For  time.Duration

	signatures []string // of the first ones
}

// signedEachSecond is more than a machine of few cores stores in a second.
const signedEachSecond = 10_000

// sign signs before the clock starts what is going to be sent: that is the forge's work, which has machines of its own for it.
func (o *sendOrder) sign() {
	body := slices.Clone(o.Push)
	o.signatures = make([]string, int(o.For.Seconds()*signedEachSecond))
	for i := range o.signatures {
		o.signatures[i] = signature(testSecret, o.body(body, int64(i)+1))
	}
}

// body makes the nth body of the run: as long as the others and like none.
func (o *sendOrder) body(body []byte, n int64) []byte {
	copy(body[len(body)-18:], fmt.Sprintf("%08x%08x", o.Run, n))
	return body
}

func (o *sendOrder) signed(body []byte, n int64) string {
	if n <= int64(len(o.signatures)) {
		return o.signatures[n-1]
	}
	return signature(testSecret, body)
}

// sendPushes sends signed pushes on every connection for a while, and says how many were answered with 202. It returns its exit status.
func sendPushes(in io.Reader, out io.Writer) int {
	var order sendOrder
	if err := json.NewDecoder(in).Decode(&order); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var sent, stored atomic.Int64
	var group errgroup.Group
	order.sign()
	began := time.Now()
	for range intakeConnections {
		group.Go(func() error { return order.send(began.Add(order.For), &sent, &stored) })
	}
	if err := group.Wait(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Fprintf(out, `{"Stored": %d, "Took": %d}`, stored.Load(), time.Since(began))
	return 0
}

// send speaks HTTP by hand: on a machine of few cores a client library would take the server's time.
func (o *sendOrder) send(until time.Time, sent, stored *atomic.Int64) error {
	conn, err := net.Dial("tcp", o.Addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	answers, request, body := bufio.NewReader(conn), bytes.Buffer{}, slices.Clone(o.Push)
	for time.Now().Before(until) {
		n := sent.Add(1)
		o.body(body, n)
		request.Reset()
		fmt.Fprintf(&request, "POST /webhooks/github HTTP/1.1\r\nHost: %s\r\nUser-Agent: GitHub-Hookshot/bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"+
			"X-GitHub-Event: push\r\nX-GitHub-Delivery: intake-%d-%d\r\nX-Hub-Signature-256: %s\r\n\r\n", o.Addr, len(body), o.Run, n, o.signed(body, n))
		request.Write(body)
		if _, err := conn.Write(request.Bytes()); err != nil {
			return err
		}
		if err := answered(answers); err != nil {
			return err
		}
		stored.Add(1)
	}
	return nil
}

// answered reads one answer, which must be 202.
func answered(r *bufio.Reader) error {
	lines := textproto.NewReader(r)
	status, err := lines.ReadLine()
	if err != nil {
		return err
	}
	header, err := lines.ReadMIMEHeader()
	if err != nil {
		return err
	}
	length, err := strconv.Atoi(header.Get("Content-Length"))
	if err != nil {
		return err
	}
	answer := make([]byte, length)
	if _, err := io.ReadFull(r, answer); err != nil {
		return err
	}
	if !strings.HasPrefix(status, "HTTP/1.1 202 ") {
		return fmt.Errorf("%s %s", status, answer)
	}
	return nil
}

// clear empties what a pair of runs has left, so that each pair finds the same tables.
func (in *intakeBench) clear(b *testing.B) {
	b.Helper()
	for _, statement := range []string{`truncate deliveries`, `truncate river_job`, `checkpoint`} {
		if _, err := in.svc.store.Pool().Exec(b.Context(), statement); err != nil {
			b.Fatal(err)
		}
	}
}

// pgbench is PostgreSQL's own benchmark, inserting one delivery in each transaction.
type pgbench struct {
	binary, script, socket string
}

func newPgbench(b *testing.B, databaseURL string, body []byte) *pgbench {
	b.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		b.Fatal(err)
	}
	p := &pgbench{binary: findPgbench(b), script: filepath.Join(b.TempDir(), "insert.sql"), socket: u.Query().Get("host")}
	insert := fmt.Sprintf("insert into deliveries (forge, id, event, repository, installation, received_at, body) values ('github', gen_random_uuid()::text, 'push', (select min(id) from repositories), 0, now(), '\\x%x');\n", body)
	if err := os.WriteFile(p.script, []byte(insert), 0o600); err != nil {
		b.Fatal(err)
	}
	return p
}

func findPgbench(b *testing.B) string {
	b.Helper()
	if dir := os.Getenv("FERRY_POSTGRES_BIN"); dir != "" {
		return filepath.Join(dir, "pgbench")
	}
	if path, err := exec.LookPath("pgbench"); err == nil {
		return path
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench")
	if err != nil || len(found) == 0 {
		b.Fatal("no pgbench is found: it comes with PostgreSQL's server or its contrib package")
	}
	return found[len(found)-1]
}

// run returns how many deliveries per second pgbench inserts.
func (p *pgbench) run(b *testing.B, d time.Duration) float64 {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), p.binary, "-n", "-M", "prepared", "-c", strconv.Itoa(intakeConnections), "-j", "2", "-T", strconv.Itoa(int(d.Seconds())),
		"-f", p.script, "-h", p.socket, "-p", "5432", "-U", "ferry", "ferry")
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.Fatalf("pgbench: %v %s", err, out)
	}
	tps := regexp.MustCompile(`tps = ([0-9.]+) \(without`).FindSubmatch(out)
	if tps == nil {
		b.Fatalf("pgbench said no rate: %s", out)
	}
	rate, err := strconv.ParseFloat(string(tps[1]), 64)
	if err != nil {
		b.Fatal(err)
	}
	return rate
}
