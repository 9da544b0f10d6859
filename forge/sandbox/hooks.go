package sandbox

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// keptDeliveries is how many deliveries can be looked at and sent again. GitHub keeps them for three days.
const keptDeliveries = 1000

// Delivery is one webhook request, as the forge's own list shows it.
type Delivery struct {
	ID     int64  // of this sending, for Redeliver
	GUID   string // X-GitHub-Delivery, the same for each sending of the same event
	Event  string
	Action string
	Repo   string // full name; empty where the event is about no repository
	App    int64
	Body   []byte
	Sent   time.Time // zero while it waits
	Status int       // the answer's; 0 where there was none
	Fault  string    // why there was none: the error, or that it was lost on purpose
	Again  bool      // somebody asked for it to be sent again
}

// hooks sends webhooks one after the other, in the order in which they became due.
type hooks struct {
	cfg    Config
	faults *Faults
	quit   context.CancelFunc
	ended  chan struct{}

	mu      sync.Mutex
	last    int64
	queue   []*dueHook
	busy    []*dueHook    // the one being sent
	held    []*dueHook    // on purpose, until released
	pending int           // queued and being sent
	idle    chan struct{} // closed while pending is 0
	wake    chan struct{}
	sent    []*Delivery
}

// dueHook is a delivery with what it takes to send it.
type dueHook struct {
	delivery *Delivery
	url      string
	secret   string
	hookID   int64
}

func newHooks(cfg Config, faults *Faults) *hooks {
	ctx, quit := context.WithCancel(context.Background())
	h := &hooks{cfg: cfg, faults: faults, quit: quit, ended: make(chan struct{}), idle: make(chan struct{}), wake: make(chan struct{}, 1)}
	close(h.idle)
	go h.work(ctx)
	return h
}

func (h *hooks) close() {
	h.quit()
	<-h.ended
}

// add queues a delivery; the faults may lose it or send it twice.
func (h *hooks) add(due *dueHook) {
	switch h.faults.delivery(due.delivery.Event) {
	case lost:
		h.mu.Lock()
		due.delivery.Fault = "lost on purpose"
		h.keep(due.delivery)
		h.mu.Unlock()
	case doubled:
		again := *due
		second := *due.delivery
		again.delivery = &second
		h.push(due)
		h.push(&again)
	case held:
		h.hold(due)
	default:
		h.push(due)
	}
}

func (h *hooks) push(due *dueHook) {
	h.mu.Lock()
	h.keep(due.delivery)
	h.mu.Unlock()
	h.enqueue(due)
}

func (h *hooks) enqueue(due *dueHook) {
	h.mu.Lock()
	due.delivery.Fault = ""
	h.queue = append(h.queue, due)
	if h.pending++; h.pending == 1 {
		h.idle = make(chan struct{})
	}
	h.mu.Unlock()
	select {
	case h.wake <- struct{}{}:
	default: // it is awake
	}
}

// keep gives a delivery its number and remembers it.
func (h *hooks) keep(d *Delivery) {
	h.last++
	d.ID = h.last
	h.sent = append(h.sent, d)
	if len(h.sent) > keptDeliveries {
		h.sent = h.sent[len(h.sent)-keptDeliveries:]
	}
}

func (h *hooks) work(ctx context.Context) {
	defer close(h.ended)
	for {
		due := h.next()
		if due == nil {
			select {
			case <-h.wake:
				continue
			case <-ctx.Done():
				return
			}
		}
		if ctx.Err() != nil {
			return
		}
		a := h.send(ctx, due)
		if ctx.Err() != nil { // cut off: it is still due
			return
		}
		h.finish(due, a)
	}
}

func (h *hooks) next() *dueHook {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.queue) == 0 {
		return nil
	}
	due := h.queue[0]
	h.queue, h.busy = h.queue[1:], []*dueHook{due}
	return due
}

// answer is how a delivery went.
type answer struct {
	status int
	fault  string
}

func (h *hooks) finish(due *dueHook, a answer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.busy = nil
	due.delivery.Sent, due.delivery.Status, due.delivery.Fault = h.cfg.Now(), a.status, a.fault
	if h.pending--; h.pending == 0 {
		close(h.idle)
	}
}

func (h *hooks) send(ctx context.Context, due *dueHook) answer {
	d := due.delivery
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, due.url, bytes.NewReader(d.Body))
	if err != nil {
		return answer{fault: err.Error()}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "GitHub-Hookshot/sandbox")
	req.Header.Set("X-GitHub-Event", d.Event)
	req.Header.Set("X-GitHub-Delivery", d.GUID)
	req.Header.Set("X-GitHub-Hook-ID", strconv.FormatInt(due.hookID, 10))
	req.Header.Set("X-GitHub-Hook-Installation-Target-Type", "integration")
	req.Header.Set("X-GitHub-Hook-Installation-Target-ID", strconv.FormatInt(d.App, 10))
	if due.secret != "" {
		req.Header.Set("X-Hub-Signature-256", sign(due.secret, d.Body))
	}
	res, err := h.cfg.HTTP.Do(req)
	if err != nil {
		h.cfg.Logger.Warn("a webhook could not be delivered", slog.String("event", d.Event), slog.String("delivery", d.GUID), slog.Any("error", err))
		return answer{fault: err.Error()}
	}
	_ = res.Body.Close()
	return answer{status: res.StatusCode}
}

// sign returns the value of X-Hub-Signature-256 (docs.github.com, "Validating webhook deliveries").
func sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func (h *hooks) flush(ctx context.Context) error {
	for {
		h.mu.Lock()
		idle, n := h.idle, h.pending
		h.mu.Unlock()
		if n == 0 {
			return nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return fmt.Errorf("wait for %d webhooks: %w", n, ctx.Err())
		}
	}
}

func (h *hooks) list() []Delivery {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]Delivery, len(h.sent))
	for i, d := range h.sent {
		all[i] = *d
	}
	return all
}

func (h *hooks) find(id int64) *Delivery {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, d := range h.sent {
		if d.ID == id {
			found := *d
			return &found
		}
	}
	return nil
}

func newGUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails: see crypto/rand
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
