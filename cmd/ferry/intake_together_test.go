package main

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"ferry/forge"
	"ferry/forge/sandbox"
	"ferry/promotion/postgres"
)

// TestADeliveryIsOneStatement guards the way on which deliveries are fast: the database once refused every batch, and each delivery was stored by
// itself, twenty times as slowly, which no test saw.
func TestADeliveryIsOneStatement(t *testing.T) {
	t.Parallel()
	var counting atomic.Bool
	var statements atomic.Int64
	h := newCheckoutWith(t, checking("[e2e]"), postgres.Traced(func(sql string) {
		if counting.Load() && strings.Contains(sql, "into deliveries") {
			statements.Add(1)
		}
	}))
	revision := h.arrive("1.1.0")
	h.staging()
	h.posts(acmeEnv, revision, "e2e", forge.Pending)
	for i, event := range []string{"push", "status"} {
		d := h.deliveryWith(event, map[string]string{"push": string(revision), "status": `"context":"e2e"`}[event])
		statements.Store(0)
		counting.Store(true)
		code, answer := h.hook(event, fmt.Sprintf("together-%d", i), d.Body, nil)
		counting.Store(false)
		if n := query[int](h, `select count(*) from deliveries where id = $1`, fmt.Sprintf("together-%d", i)); code != http.StatusAccepted || n != 1 {
			t.Errorf("%s: %d %s, %d rows", event, code, answer, n)
		}
		if n := statements.Load(); n != 1 {
			t.Errorf("%s: stored by %d statements, want 1", event, n)
		}
	}
	if strings.Contains(h.log.String(), "refused to store") {
		t.Error("the database refused a batch")
	}
}

// deliveryWith returns a delivery of the event whose body holds the text.
func (h *harness) deliveryWith(event, text string) sandbox.Delivery {
	h.t.Helper()
	for _, d := range h.forge.Deliveries() {
		if d.Event == event && bytes.Contains(d.Body, []byte(text)) {
			return d
		}
	}
	h.t.Fatalf("no delivery of %s holds %s", event, text)
	return sandbox.Delivery{}
}
