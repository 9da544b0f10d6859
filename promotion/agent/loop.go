package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"ferry/promotion"
)

const (
	firstRetry = 10 * time.Second // after an apply that failed; doubled each time
	lastRetry  = 5 * time.Minute
	settling   = 10 * time.Minute // how long an agent that runs once waits for the end of progressing
)

// agent is what one agent knows. One goroutine uses it; the sender has another.
type agent struct {
	Config
	repo    *clone
	secrets *secrets
	sender  *sender

	at      Checkout // what the checkout holds; no revision before the first look
	content string   // what identifies what stands below the paths there
	fetched bool     // at and content are of one revision

	applied  string    // the content that was applied last, and well; empty while one is being applied
	tried    string    // the content whose apply failed last
	failure  string    // why it did; empty where it did not
	attempts int       // how often it did
	retryAt  time.Time // when it is applied again

	observed time.Time // of the newest report
	gitLine  string    // the last trouble with git that was logged
	seenLine string    // the last trouble with images that was logged
}

// forever looks, applies and reports at every poll until ctx ends.
func (a *agent) forever(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.sender.run(ctx)
	}()
	for ctx.Err() == nil {
		a.noteGit(ctx, a.look(ctx))
		a.tick(ctx)
		select {
		case <-ctx.Done():
		case <-a.After(a.Poll):
		}
	}
	<-done
}

// tick applies what is due and tells the sender how things are.
func (a *agent) tick(ctx context.Context) {
	if a.at.Revision == "" {
		return // nothing is known that could be reported: a report needs a revision
	}
	if a.due() {
		if !a.failing() { // a retry is not news: what failed stays failed until it succeeds
			a.sender.set(a.report(promotion.HealthProgressing, "applying "+a.at.Revision.Short(), nil))
		}
		a.apply(ctx)
	}
	if r := a.observe(ctx); ctx.Err() == nil {
		a.sender.set(r)
	}
}

// look fetches the head of the branch where it moved. Where it fails, the agent goes on with what it has.
func (a *agent) look(ctx context.Context) error {
	head, err := a.repo.head(ctx)
	if err != nil || head == a.at.Revision && a.fetched && !a.repo.broken {
		return err
	}
	a.fetched = false
	revision, err := a.repo.update(ctx)
	if err != nil {
		return err
	}
	content, err := a.repo.content(ctx, revision, a.Paths)
	if err != nil {
		return err
	}
	a.at = Checkout{Dir: a.repo.checkout, Revision: revision, Branch: a.Branch, Environment: a.Environment, Cluster: a.Cluster, App: a.App, Paths: a.Paths, secrets: a.secrets}
	a.content, a.fetched = content, true
	a.Logger.Info("a new revision", "revision", revision.Short(), "apply", content != a.applied)
	return nil
}

func (a *agent) noteGit(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil:
	case err == nil && a.gitLine != "":
		a.gitLine = ""
		a.Logger.Info("the environment repository can be read again")
	case err != nil && err.Error() != a.gitLine:
		a.gitLine = err.Error()
		a.Logger.Warn("the environment repository cannot be read, what was applied last stays; trying again at every poll", "error", err)
	}
}

// failing reports whether what the checkout says is what could not be applied last.
func (a *agent) failing() bool { return a.failure != "" && a.content == a.tried }

// due reports whether what the checkout says is to be applied now.
func (a *agent) due() bool {
	switch {
	case !a.fetched: // the checkout may be halfway to another revision
		return false
	case a.failing():
		return !a.Now().Before(a.retryAt)
	}
	return a.content != a.applied
}

// apply makes the environment what the checkout says, and remembers how that went.
func (a *agent) apply(ctx context.Context) {
	if !a.failing() {
		a.attempts = 0
	}
	start := a.Now()
	a.applied, a.tried = "", a.content // half of it may be applied from here on
	err := fmt.Errorf("nothing stands at %s in revision %s: is the path right?", strings.Join(a.Paths, ", "), a.at.Revision.Short())
	if a.content != nothing {
		err = a.Apply(ctx, a.at)
	}
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		a.fail(err)
		return
	}
	a.applied, a.failure = a.content, ""
	a.Logger.Info("applied", "revision", a.at.Revision.Short(), "took", a.Now().Sub(start).Round(time.Millisecond))
}

const failed = "apply failed: "

func (a *agent) fail(err error) {
	a.failure = failed + lastLines(a.secrets.hide(err.Error()), maxMessage-len(failed))
	wait := doubled(firstRetry, lastRetry, a.attempts)
	a.attempts, a.retryAt = a.attempts+1, a.Now().Add(wait)
	if a.Once {
		return // it is returned
	}
	a.Logger.Error("applying failed; it is tried again, or with the next change", "revision", a.at.Revision.Short(), "wait", wait, "reason", a.failure)
}

// doubled returns first, doubled n times, and at most last.
func doubled(first, last time.Duration, n int) time.Duration {
	for ; n > 0 && first < last; n-- {
		first *= 2
	}
	return min(first, last)
}

// observe returns the report of how things are now.
func (a *agent) observe(ctx context.Context) report {
	if a.failure != "" {
		return a.report(promotion.HealthFailed, a.failure, nil)
	}
	health, message := promotion.HealthHealthy, ""
	if a.Health != nil {
		health, message = a.Health(ctx, a.at)
	}
	return a.report(health, message, a.images(ctx))
}

func (a *agent) images(ctx context.Context) []string {
	if a.Images == nil {
		return nil
	}
	images, err := a.Images(ctx, a.at)
	if err == nil {
		images, err = cleanImages(images)
	}
	line := ""
	if err != nil {
		line = a.secrets.hide(err.Error())
	}
	if line != "" && line != a.seenLine && ctx.Err() == nil {
		a.Logger.Warn("the images that run are not all known, the report is without the rest", "error", line)
	}
	a.seenLine = line
	return images
}

// report puts a report together. Its time is later than that of the report before, whatever the clock does: the newest one counts.
func (a *agent) report(health promotion.Health, message string, images []string) report {
	now := a.Now()
	if !now.After(a.observed) {
		now = a.observed.Add(time.Microsecond)
	}
	a.observed = now
	r := report{App: a.App, Cluster: a.Cluster, Revision: a.at.Revision, Health: health, Images: images, ObservedAt: now.UTC(),
		Message: lastLines(a.secrets.hide(message), maxMessage)}
	if !a.Once { // who runs once promises no heartbeat
		r.Every = a.Every.String()
	}
	return r
}

// once looks, applies, and reports until the health is no longer progressing.
func (a *agent) once(ctx context.Context) error {
	if err := a.look(ctx); err != nil {
		return fmt.Errorf("the environment repository %w: %w", ErrUnreachable, err)
	}
	err := a.sender.deliver(ctx, a.report(promotion.HealthProgressing, "applying "+a.at.Revision.Short(), nil))
	if errors.Is(err, ErrRefused) || ctx.Err() != nil {
		return err
	}
	a.apply(ctx)
	r := a.observe(ctx)
	for end := a.Now().Add(settling); r.Health == promotion.HealthProgressing && a.Now().Before(end) && ctx.Err() == nil; r = a.observe(ctx) {
		select {
		case <-ctx.Done():
		case <-a.After(a.Poll):
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := a.sender.deliver(ctx, r); err != nil {
		return err
	}
	if r.Health != promotion.HealthHealthy {
		return fmt.Errorf("%w at %s: it is %s: %s", ErrUnhealthy, r.Revision.Short(), r.Health, r.Message)
	}
	return nil
}
