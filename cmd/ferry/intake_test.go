package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"ferry/forge/forgetest"
	"ferry/forge/sandbox"
)

// query reads one value straight from Ferry's database.
func query[T any](h *harness, sql string, args ...any) (out T) {
	h.t.Helper()
	if err := h.svc.store.Pool().QueryRow(h.t.Context(), sql, args...).Scan(&out); err != nil {
		h.t.Fatalf("%s: %v", sql, err)
	}
	return out
}

// signature is GitHub's over the body.
func signature(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// hook sends a delivery as GitHub would, with what the test changes of its headers; an empty value takes the header away.
func (h *harness) hook(event, id string, body []byte, change map[string]string) (int, string) {
	h.t.Helper()
	headers := map[string]string{"Content-Type": "application/json", "X-GitHub-Event": event, "X-GitHub-Delivery": id, "X-Hub-Signature-256": signature(testSecret, body)}
	for name, value := range change {
		headers[name] = value
	}
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.url+"/webhooks/github", strings.NewReader(string(body)))
	if err != nil {
		h.t.Fatal(err)
	}
	for name, value := range headers {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	return h.send(req)
}

func (h *harness) send(req *http.Request) (int, string) {
	h.t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return res.StatusCode, string(answer)
}

func sha1Signature(body []byte) string {
	mac := hmac.New(sha1.New, []byte(testSecret))
	mac.Write(body)
	return "sha1=" + hex.EncodeToString(mac.Sum(nil))
}

func TestIntakeRefuses(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settle()
	before := query[int](h, `select count(*) from deliveries`)
	body := []byte(`{"zen":"x","hook_id":1}`)
	for _, c := range []struct {
		name   string
		body   []byte
		change map[string]string
		code   int
		says   string
	}{
		{"no signature", body, map[string]string{"X-Hub-Signature-256": ""}, 401, "X-Hub-Signature-256"},
		{"sha1 only", body, map[string]string{"X-Hub-Signature-256": "", "X-Hub-Signature": sha1Signature(body)}, 401, "SHA-1"},
		{"another secret", body, map[string]string{"X-Hub-Signature-256": signature("other", body)}, 401, "does not match"},
		{"the empty secret", body, map[string]string{"X-Hub-Signature-256": signature("", body)}, 401, "does not match"},
		{"half a signature", body, map[string]string{"X-Hub-Signature-256": signature(testSecret, body)[:40]}, 401, "64 hexadecimal digits"},
		{"of another body", body, map[string]string{"X-Hub-Signature-256": signature(testSecret, []byte("{}"))}, 401, "does not match"},
		{"no event", body, map[string]string{"X-GitHub-Event": ""}, 400, "X-GitHub-Event"},
		{"no id", body, map[string]string{"X-GitHub-Delivery": ""}, 400, "X-GitHub-Delivery"},
		{"an endless id", body, map[string]string{"X-GitHub-Delivery": strings.Repeat("x", 200)}, 400, "X-GitHub-Delivery"},
		{"no JSON", []byte(`{"ref":`), nil, 400, "payload"},
		{"no object", []byte(`[]`), map[string]string{"X-GitHub-Event": "push"}, 400, "payload"},
		{"a field is missing", []byte(`{"ref":"refs/heads/main"}`), map[string]string{"X-GitHub-Event": "push"}, 400, "repository"},
		{"a number too large", []byte(`{"ref":"refs/heads/main","repository":{"id":1e30,"full_name":"a/b"}}`), map[string]string{"X-GitHub-Event": "push"}, 400, "payload"},
		{"nothing", nil, nil, 400, "payload"},
	} {
		code, answer := h.hook("ping", "refused-1", c.body, c.change)
		if code != c.code || !strings.Contains(answer, c.says) {
			t.Errorf("%s: %d %s, want %d with %q", c.name, code, answer, c.code, c.says)
		}
		if strings.Contains(answer, testSecret) {
			t.Errorf("%s: the answer names the secret", c.name)
		}
	}
	if now := query[int](h, `select count(*) from deliveries`); now != before {
		t.Errorf("%d deliveries were stored", now-before)
	}
}

// zeros is a body of n bytes that takes no memory.
func zeros(n int64) io.Reader { return io.LimitReader(blank{}, n) }

type blank struct{}

func (blank) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestIntakeBoundsTheBody(t *testing.T) { // not parallel: it measures the heap
	h := newHarness(t)
	const repo = "acme/environments"
	h.environments(repo, checkoutFiles(""))
	tokens := map[string]string{"/api/v1/reports": h.token(repo, "dev"), "/api/v1/images": h.token(repo, "")}
	before := query[int](h, `select count(*) from deliveries`)
	const size = 60 << 20
	for _, c := range []struct {
		path   string
		length int64
	}{{"/webhooks/github", size}, {"/webhooks/github", -1}, {"/api/v1/reports", size}, {"/api/v1/reports", -1}, {"/api/v1/images", -1}} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url+c.path, zeros(size))
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = c.length
		req.Header.Set("X-GitHub-Event", "push")
		req.Header.Set("X-GitHub-Delivery", "large-1")
		req.Header.Set("X-Hub-Signature-256", "sha256="+strings.Repeat("0", 64))
		req.Header.Set("Authorization", "Bearer "+tokens[c.path])
		var was, is runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&was)
		code := 0
		// The server may answer and close before the whole body was sent; the client then sees either the answer or a broken pipe.
		if res, err := http.DefaultClient.Do(req); err == nil {
			code = res.StatusCode
			_ = res.Body.Close()
		}
		runtime.ReadMemStats(&is)
		if code != http.StatusRequestEntityTooLarge {
			t.Errorf("%s with length %d: %d, want 413", c.path, c.length, code)
		}
		if grown := int64(is.TotalAlloc - was.TotalAlloc); grown > 4*(25<<20) { // all that was ever allocated on the way to the limit, most of it given back at once
			t.Errorf("%s with length %d: %d MiB were allocated", c.path, c.length, grown>>20)
		}
	}
	if now := query[int](h, `select count(*) from deliveries`); now != before {
		t.Errorf("%d deliveries were stored", now-before)
	}
}

// TestIntakeTakesEveryExample sends each payload that GitHub published through the door.
func TestIntakeTakesEveryExample(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settle()
	examples, err := forgetest.Examples(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before, stored := query[int](h, `select count(*) from deliveries`), 0
	for i, example := range examples {
		code, answer := h.hook(example.Event, fmt.Sprintf("example-%d", i), example.Payload, nil)
		switch code {
		case http.StatusAccepted, http.StatusOK:
			switch example.Event {
			case "status", "check_run", "check_suite": // that no release waits for: nothing is kept of them
			default:
				stored++
			}
		default:
			t.Errorf("example %d, %s: %d %s", i, example.Event, code, answer)
		}
	}
	if now := query[int](h, `select count(*) from deliveries`); now-before != stored || stored < 300 {
		t.Errorf("%d of %d examples were stored, %d rows", stored, len(examples), now-before)
	}
	if n := query[int](h, `select count(*) from events`); n != 0 {
		t.Errorf("%d events came of examples of repositories that Ferry cannot see", n)
	}
}

func TestIntakeStoresWhatItDoesNotUse(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settle()
	for _, event := range []string{"star", "an_event_of_tomorrow"} {
		if code, answer := h.hook(event, event+"-1", []byte(`{"action":"created","repository":"not even an object"}`), nil); code != http.StatusOK {
			t.Errorf("%s: %d %s", event, code, answer)
		}
		if n := query[int](h, `select count(*) from deliveries where event = $1`, event); n != 1 {
			t.Errorf("%s: %d rows", event, n)
		}
	}
}

// TestTheSameDeliveryTwentyTimes sends one push again and again, at once: one row, one pull request.
func TestTheSameDeliveryTwentyTimes(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	const repo = "acme/environments"
	h.environments(repo, checkoutFiles(""))
	h.forge.Faults().Lose("push", 1)
	h.commit(repo, map[string]string{"apps/checkout/dev/kustomization.yaml": kustomization("checkout", "1.1.0")})
	push := h.lastDelivery("push")
	var answers sync.Map
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			code, _ := h.hook("push", push.GUID, push.Body, nil)
			answers.Store(i, code)
		})
	}
	group.Wait()
	fresh := 0
	answers.Range(func(_, code any) bool {
		switch code {
		case http.StatusAccepted:
			fresh++
		case http.StatusOK:
		default:
			t.Errorf("answered %v", code)
		}
		return true
	})
	if n := query[int](h, `select count(*) from deliveries where id = $1`, push.GUID); n != 1 || fresh != 1 {
		t.Errorf("%d rows, %d times 202", n, fresh)
	}
	h.settle()
	h.report(repo, "dev", "healthy")
	h.hook("push", push.GUID, push.Body, nil)
	h.settle()
	if open := h.openPulls(repo); len(open) != 1 {
		t.Errorf("open are %v", open)
	}
}

// TestNoAnswerBeforeItIsDurable lets storing fail: the forge must not be told that the delivery was taken.
func TestNoAnswerBeforeItIsDurable(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.settle()
	body := []byte(`{"zen":"x"}`)
	h.sql(`alter table deliveries rename to hidden`)
	if code, answer := h.hook("ping", "durable-1", body, nil); code != http.StatusServiceUnavailable || strings.Contains(answer, "hidden") || strings.Contains(answer, "SQL") {
		t.Errorf("%d %s", code, answer)
	}
	h.sql(`alter table hidden rename to deliveries`)
	tx, err := h.svc.store.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := tx.Exec(t.Context(), `lock table deliveries in exclusive mode`); err != nil {
		t.Fatal(err)
	}
	answered := make(chan int, 1)
	go func() { code, _ := h.hook("ping", "durable-1", body, nil); answered <- code }()
	h.waitBlocked()
	select {
	case code := <-answered:
		t.Fatalf("answered %d while the row could not be written", code)
	default:
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if code := <-answered; code != http.StatusOK {
		t.Errorf("answered %d", code)
	}
	if n := query[int](h, `select count(*) from deliveries where id = 'durable-1'`); n != 1 {
		t.Errorf("%d rows", n)
	}
}

// waitBlocked waits until a session of Ferry's waits for a lock.
func (h *harness) waitBlocked() {
	h.t.Helper()
	conn, err := pgx.Connect(h.t.Context(), h.db)
	if err != nil {
		h.t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(h.t.Context()))
	for n := 0; n == 0; {
		if err := conn.QueryRow(h.t.Context(), `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`).Scan(&n); err != nil {
			h.t.Fatal(err)
		}
	}
}

func (h *harness) sql(statement string, args ...any) {
	h.t.Helper()
	if _, err := h.svc.store.Pool().Exec(h.t.Context(), statement, args...); err != nil {
		h.t.Fatalf("%s: %v", statement, err)
	}
}

// lastDelivery returns the newest delivery of the event, sent or lost.
func (h *harness) lastDelivery(event string) sandbox.Delivery {
	h.t.Helper()
	list := h.forge.Deliveries()
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].Event == event {
			return list[i]
		}
	}
	h.t.Fatalf("no delivery of %s", event)
	return sandbox.Delivery{}
}
