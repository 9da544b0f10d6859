package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// listDeliveries lists what was sent to the App's webhook, the newest first. Pages are told apart by a cursor: the delivery
// with which one begins (docs.github.com, "REST API endpoints for GitHub App webhooks").
func listDeliveries(c *call) (reply, error) {
	list := []object{}
	per := min(c.count("per_page", 30), 100)
	from, err := c.cursor()
	if err != nil {
		return reply{}, err
	}
	all := c.s.hooks.list()
	slices.Reverse(all)
	for _, d := range all {
		switch {
		case d.App != c.client.app.id || d.Sent.IsZero() || from > 0 && d.ID > from:
		case len(list) == per:
			c.header.Set("Link", fmt.Sprintf("<%s%s?per_page=%d&cursor=v1_%d>; rel=%q", c.s.base, c.r.URL.EscapedPath(), per, d.ID, "next"))
			return ok(list)
		default:
			list = append(list, c.s.deliveryJSON(d))
		}
	}
	return ok(list)
}

// cursor returns the number of the delivery that a page begins with, 0 for the newest.
func (c *call) cursor() (int64, error) {
	if c.query("cursor") == "" {
		return 0, nil
	}
	id, err := strconv.ParseInt(strings.TrimPrefix(c.query("cursor"), "v1_"), 10, 64)
	if err != nil || id < 1 {
		return 0, fail(http.StatusUnprocessableEntity, "Invalid cursor")
	}
	return id, nil
}

func (s *Sandbox) deliveryJSON(d Delivery) object {
	words := "OK"
	if d.Status < 200 || d.Status > 299 {
		words = "failed"
	}
	o := object{
		"id": d.ID, "guid": d.GUID, "delivered_at": stamp(d.Sent), "redelivery": d.Again, "duration": 0.01, "status": words,
		"status_code": d.Status, "event": d.Event, "action": nil, "installation_id": nil, "repository_id": nil,
	}
	if d.Action != "" {
		o["action"] = d.Action
	}
	if r := s.st.repo(d.Repo); r != nil {
		o["repository_id"] = r.id
	}
	return o
}

func redeliver(c *call) (reply, error) {
	id, err := c.number("delivery_id")
	if err != nil {
		return reply{}, err
	}
	d := c.s.hooks.find(id)
	if d == nil || d.App != c.client.app.id {
		return reply{}, notFound()
	}
	c.s.sendAgain(d)
	return reply{http.StatusAccepted, object{}}, nil
}
