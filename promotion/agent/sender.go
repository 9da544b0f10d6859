package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	postLimit    = 30 * time.Second
	firstBackoff = time.Second
	lastBackoff  = time.Minute
	maxPause     = 10 * time.Minute // of what a server may ask for with Retry-After
	onceAttempts = 5
	maxAnswer    = 4 << 10
)

// sender brings the newest report to the server, at once where it says something new and otherwise as a heartbeat.
type sender struct {
	url     string
	http    *http.Client
	secrets *secrets
	every   time.Duration
	after   func(time.Duration) <-chan time.Time
	logger  *slog.Logger
	changed chan struct{} // has room for one

	mu     sync.Mutex
	newest *report
}

func newSender(cfg Config, known *secrets) *sender {
	client := *cfg.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // the token goes where it was meant to, and nowhere else
	return &sender{url: cfg.Server + "/api/v1/reports", http: &client, secrets: known, every: cfg.Every, after: cfg.After, logger: cfg.Logger, changed: make(chan struct{}, 1)}
}

// set makes r the newest report, and has it sent soon if it says something new.
func (s *sender) set(r report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	same := s.newest != nil && s.newest.says(r)
	s.newest = &r
	if same {
		return
	}
	select {
	case s.changed <- struct{}{}:
	default: // it will be found
	}
}

func (s *sender) get() report {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *s.newest
}

// run sends until ctx ends. A report that could not be delivered is not kept: the next attempt is with the newest one.
func (s *sender) run(ctx context.Context) {
	var timer <-chan time.Time
	var delivered *report
	failures := 0
	for {
		news := false
		select {
		case <-ctx.Done():
			return
		case <-timer:
		case <-s.changed:
			news = true
		}
		r := s.get()
		if news && (failures > 0 || delivered != nil && delivered.says(r)) {
			continue // the next attempt has its time and will find it, or the attempt before has found it already
		}
		err := s.post(ctx, r)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			delivered = &r
		}
		failures = s.note(r, err, failures)
		timer = s.after(s.pause(err, failures))
	}
}

// note logs how an attempt went and returns how many failed in a row.
func (s *sender) note(r report, err error, failures int) int {
	switch {
	case errors.Is(err, ErrRefused):
		s.logger.Error("a report was not taken; trying again, in case the token is being changed", "error", err)
		return failures + 1
	case err != nil:
		s.logger.Warn("a report was not delivered; trying again with the newest", "failures", failures+1, "error", err)
		return failures + 1
	}
	s.logger.Debug("reported", "revision", r.Revision.Short(), "health", string(r.Health), "message", r.Message)
	if failures > 0 {
		s.logger.Info("reports are delivered again", "failures", failures)
	}
	return 0
}

// pause returns how long to wait: for the heartbeat, or for the next attempt, which is spread so that a server that comes back is not run over.
func (s *sender) pause(err error, failures int) time.Duration {
	if err == nil {
		return s.every
	}
	wait := doubled(firstBackoff, lastBackoff, failures-1)
	wait -= rand.N(wait / 2)
	var answered *answerError
	if errors.As(err, &answered) {
		wait = max(wait, answered.retryAfter)
	}
	return wait
}

// deliver is run for one report and a bounded number of attempts. It fails with ErrRefused at once and with ErrUnreachable in the end.
func (s *sender) deliver(ctx context.Context, r report) error {
	for failures := 0; ; {
		err := s.post(ctx, r)
		switch {
		case err == nil || errors.Is(err, ErrRefused):
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		}
		if failures = s.note(r, err, failures); failures == onceAttempts {
			return fmt.Errorf("the server %s %w: %w", s.url, ErrUnreachable, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.after(s.pause(err, failures)):
		}
	}
}

// post makes one attempt.
func (s *sender) post(ctx context.Context, r report) error {
	token, err := s.secrets.token()
	if err != nil {
		return err
	}
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("post(%s): %w", s.url, err)
	}
	ctx, cancel := context.WithTimeout(ctx, postLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return s.secrets.hideIn(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "ferry-agent")
	resp, err := s.http.Do(req)
	if err != nil {
		return s.secrets.hideIn(err)
	}
	defer func() { _ = resp.Body.Close() }() // it was only read
	return s.secrets.hideIn(judge(resp))
}

// answerError is the error of an answer that is no success.
type answerError struct {
	code       int
	said       string
	location   string
	retryAfter time.Duration
}

func (e *answerError) Error() string {
	text := fmt.Sprintf("the server answered %d: %s", e.code, e.said)
	if e.location != "" {
		text += fmt.Sprintf(" (it redirects to %s; give the agent that server's address)", e.location)
	}
	return text
}

// judge returns nil for an answer of success, else an *answerError, with ErrRefused before it where the token is what is wrong.
func judge(resp *http.Response) error {
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // the code says enough where the body breaks off
	if resp.StatusCode/100 == 2 {
		return nil
	}
	e := &answerError{code: resp.StatusCode, said: http.StatusText(resp.StatusCode), location: resp.Header.Get("Location")}
	var body struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(raw, &body) == nil && body.Error != "" {
		e.said = body.Error
	}
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 {
		e.retryAfter = time.Duration(min(seconds, int(maxPause/time.Second))) * time.Second
	}
	if resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden {
		return fmt.Errorf("%w: %w", ErrRefused, e)
	}
	return e
}
