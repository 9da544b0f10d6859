package web

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"ferry/promotion/doctor"
	"ferry/promotion/postgres"
)

// health is how the forges are set up, and what they hold up just now. Programs read the same as people.
type health struct {
	Now    time.Time              `json:"as_of"`
	HeldUp []heldUp               `json:"held_up"`
	Forges []postgres.Examination `json:"forges"`
}

type heldUp struct {
	Repository string    `json:"repository"`
	Until      time.Time `json:"until"`
	Says       string    `json:"says"`
}

func (p *pages) health(ctx context.Context) (health, error) {
	h := health{Now: p.now(), HeldUp: []heldUp{}, Forges: []postgres.Examination{}}
	list, err := p.store.HeldUp(ctx, h.Now)
	if err != nil {
		return h, err
	}
	for _, x := range list {
		h.HeldUp = append(h.HeldUp, heldUp{x.Repository, x.Until, x.String()})
	}
	found, err := p.store.Examinations(ctx)
	h.Forges = append(h.Forges, found...)
	return h, err
}

func (p *pages) healthJSON(w http.ResponseWriter, r *http.Request) {
	h, err := p.health(r.Context())
	if err != nil {
		p.unread(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(h) // the client is gone: there is nobody left to tell
}

func problems(list []postgres.Examination) (n int) {
	for _, e := range list {
		for _, f := range e.Findings {
			if f.Severity == doctor.Problem {
				n++
			}
		}
	}
	return n
}
