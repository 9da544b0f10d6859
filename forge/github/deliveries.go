package github

import (
	"context"
	"errors"
	"fmt"
	"time"

	gh "github.com/google/go-github/v60/github"

	"ferry/forge"
)

// Deliveries returns what GitHub has sent to the App's webhook since then, the newest first and at most so many tries, and whether these are all. GitHub
// remembers three days (docs.github.com, "Viewing webhook deliveries"). Where little was answered with success, the webhook is not reached. A plain token
// has no such log: then it fails with forge.ErrForbidden.
func (f *Forge) Deliveries(ctx context.Context, since time.Time, most int) (log []forge.SentDelivery, complete bool, err error) {
	if f.key == nil {
		return nil, false, fmt.Errorf("reading the log of deliveries: %w (a token instead of an App has none)", forge.ErrForbidden)
	}
	page := &gh.ListCursorOptions{PerPage: perPage}
	for {
		some, resp, err := f.app.api.Apps.ListHookDeliveries(ctx, page)
		if err != nil {
			return nil, false, f.app.failed("reading the log of deliveries", err)
		}
		for _, d := range some {
			if d.GetDeliveredAt().Before(since) {
				return log, true, nil
			}
			if len(log) == most {
				return log, false, nil
			}
			log = append(log, forge.SentDelivery{ID: d.GetID(), GUID: d.GetGUID(), Event: d.GetEvent(), At: d.GetDeliveredAt().Time, Status: d.GetStatusCode()})
		}
		if resp.Cursor == "" || resp.Cursor == page.Cursor {
			return log, true, nil
		}
		page.Cursor = resp.Cursor
	}
}

// Redeliver asks GitHub to send a delivery of that log once more, with the same GUID.
func (f *Forge) Redeliver(ctx context.Context, id int64) error {
	_, _, err := f.app.api.Apps.RedeliverHookDelivery(ctx, id)
	var later *gh.AcceptedError
	if errors.As(err, &later) { // GitHub does it afterwards, and go-github takes every 202 for an error
		return nil
	}
	return f.app.failed(fmt.Sprintf("asking for delivery %d again", id), err)
}
