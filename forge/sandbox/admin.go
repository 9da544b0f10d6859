package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"ferry/forge"
)

// AdminPath is below which the sandbox itself is steered: what has no page and is no part of GitHub's API. Whoever reaches
// the sandbox may do everything there, as on its pages.
const AdminPath = "/_sandbox"

// adminRoutes are the doors for whoever runs the sandbox; `ferry sandbox --help` lists them. Bodies and answers are JSON.
func (s *Sandbox) adminRoutes(mux chi.Router) {
	mux.Group(func(mux chi.Router) {
		mux.Use(http.NewCrossOriginProtection().Handler) // a form that another site sends is refused
		mux.Get(AdminPath+"/requests", admin(func(*http.Request) (any, error) { return s.Requests(), nil }))
		mux.Delete(AdminPath+"/requests", admin(func(*http.Request) (any, error) { s.ResetRequests(); return nil, nil }))
		mux.Get(AdminPath+"/deliveries", admin(func(*http.Request) (any, error) { return deliveryList(s.Deliveries()), nil }))
		mux.Get(AdminPath+"/held", admin(func(*http.Request) (any, error) { return deliveryList(s.Held()), nil }))
		mux.Delete(AdminPath+"/faults", admin(func(*http.Request) (any, error) { s.faults.Clear(); return nil, nil }))
		mux.Post(AdminPath+"/people", admin(given(s.adminPerson)))
		mux.Post(AdminPath+"/repositories", admin(given(s.adminRepository)))
		mux.Post(AdminPath+"/forks", admin(given(s.adminFork)))
		mux.Post(AdminPath+"/permissions", admin(given(s.adminPermission)))
		mux.Post(AdminPath+"/teams", admin(given(s.adminTeam)))
		mux.Post(AdminPath+"/apps", admin(given(s.adminApp)))
		mux.Post(AdminPath+"/installations", admin(given(s.adminInstallation)))
		mux.Post(AdminPath+"/check_runs", admin(given(s.adminCheckRun)))
		mux.Post(AdminPath+"/auto_merge", admin(given(s.adminAutoMerge)))
		mux.Post(AdminPath+"/protection", admin(given(s.adminProtection)))
		mux.Post(AdminPath+"/rulesets", admin(given(s.adminRuleset)))
		mux.Post(AdminPath+"/limits", admin(given(func(in Limits) (any, error) { s.SetLimits(in); return nil, nil })))
		mux.Post(AdminPath+"/lag", admin(given(s.adminLag)))
		mux.Post(AdminPath+"/faults", admin(given(s.adminFault)))
		mux.Post(AdminPath+"/deliveries", admin(given(s.adminDeliveries)))
		mux.Post(AdminPath+"/release", admin(given(func(in struct{ IDs []int64 }) (any, error) { return nil, s.Release(in.IDs...) })))
	})
}

// admin answers what do returns, and 422 with its error.
func admin(do func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
		out, err := do(r)
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		switch {
		case err != nil:
			w.WriteHeader(http.StatusUnprocessableEntity)
			out = object{"message": err.Error()}
		case out == nil:
			w.WriteHeader(http.StatusNoContent)
			return
		}
		_ = json.NewEncoder(w).Encode(out) // a client that is gone needs no answer
	}
}

// given reads a body before do. A key that nobody knows is an error.
func given[T any](do func(T) (any, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		var in T
		dec := json.NewDecoder(r.Body)
		dec.DisallowUnknownFields()
		if err := dec.Decode(&in); err != nil {
			return nil, fmt.Errorf("read the body: %w", err)
		}
		return do(in)
	}
}

// deliveryList shows deliveries without their bodies.
func deliveryList(list []Delivery) []object {
	all := []object{}
	for _, d := range list {
		all = append(all, object{
			"id": d.ID, "guid": d.GUID, "event": d.Event, "action": d.Action, "repository": d.Repo, "app": d.App, "sent": stamp(d.Sent), "status": d.Status, "fault": d.Fault,
		})
	}
	return all
}

func userOut(u User) object {
	return object{"id": u.ID, "login": u.Login, "email": u.Email, "token": u.Token}
}

func (s *Sandbox) adminPerson(in struct{ Login string }) (any, error) {
	if !nameForm.MatchString(in.Login) {
		return nil, fmt.Errorf("%q is no login", in.Login)
	}
	return userOut(s.AddUser(in.Login)), nil
}

func (s *Sandbox) adminTeam(in struct {
	Organization, Slug string
	Members            []string
}) (any, error) {
	return nil, s.SetTeam(in.Organization, in.Slug, in.Members...)
}

func (s *Sandbox) adminRepository(in struct {
	Owner, Name string
	Files       map[string]string
}) (any, error) {
	made, err := s.AddRepository(in.Owner, in.Name, in.Files)
	return object{"id": made.ID, "full_name": made.FullName()}, err
}

func (s *Sandbox) adminFork(in struct{ Repository, Owner string }) (any, error) {
	made, err := s.AddFork(in.Repository, in.Owner)
	return object{"id": made.ID, "full_name": made.FullName()}, err
}

func (s *Sandbox) adminPermission(in struct{ Repository, Login, Permission string }) (any, error) {
	for p := forge.PermissionNone; p <= forge.PermissionAdmin; p++ {
		if p.String() == in.Permission {
			return nil, s.SetPermission(in.Repository, in.Login, p)
		}
	}
	return nil, fmt.Errorf("%q is no permission: none, read, triage, write, maintain or admin", in.Permission)
}

// appOrder is an App as people write it: its key is PEM text.
type appOrder struct {
	ID            int64             `json:"id"`
	Slug          string            `json:"slug"`
	Owner         string            `json:"owner"`
	PublicKey     string            `json:"public_key"`
	WebhookURL    string            `json:"webhook_url"`
	WebhookSecret string            `json:"webhook_secret"`
	Permissions   map[string]string `json:"permissions"`
	Events        []string          `json:"events"`
}

func (s *Sandbox) adminApp(in appOrder) (any, error) {
	bot, err := s.AddApp(AppSpec{
		ID: in.ID, Slug: in.Slug, Owner: in.Owner, PublicKey: []byte(in.PublicKey), WebhookURL: in.WebhookURL, WebhookSecret: in.WebhookSecret,
		Permissions: in.Permissions, Events: in.Events,
	})
	return userOut(bot), err
}

func (s *Sandbox) adminInstallation(in struct {
	App          int64
	Owner        string
	Repositories []string
}) (any, error) {
	id, err := s.Install(in.App, in.Owner, in.Repositories...)
	return object{"id": id}, err
}

func (s *Sandbox) adminCheckRun(in struct {
	Repository, SHA, App, Name, Status, Conclusion, Title, URL string
}) (any, error) {
	return nil, s.SetCheckRun(in.Repository, forge.SHA(in.SHA), in.App, CheckRun{Name: in.Name, Status: in.Status, Conclusion: in.Conclusion, Title: in.Title, URL: in.URL})
}

// adminAutoMerge arms and disarms native auto-merge, and adds to the merge queue and takes out of it.
func (s *Sandbox) adminAutoMerge(in struct {
	Repository, As string
	Number         int
	Queue, Off     bool
}) (any, error) {
	switch {
	case in.Queue && in.Off:
		return nil, s.Dequeue(in.Repository, in.Number, in.As)
	case in.Queue:
		return nil, s.Enqueue(in.Repository, in.Number, in.As)
	case in.Off:
		return nil, s.DisableAutoMerge(in.Repository, in.Number, in.As)
	}
	return nil, s.EnableAutoMerge(in.Repository, in.Number, in.As)
}

func (s *Sandbox) adminProtection(in struct {
	Repository string `json:"repository"`
	Protection
	Remove bool `json:"remove"`
}) (any, error) {
	if in.Remove {
		return nil, s.Unprotect(in.Repository, in.Branch)
	}
	return nil, s.Protect(in.Repository, in.Protection)
}

func (s *Sandbox) adminRuleset(in struct {
	Repository string `json:"repository"`
	Ruleset
	Remove bool `json:"remove"`
}) (any, error) {
	if in.Remove {
		return nil, s.RemoveRuleset(in.Repository, in.Name)
	}
	return nil, s.SetRuleset(in.Repository, in.Ruleset)
}

// period is a time.Duration in Go's words ("1.5s").
type period time.Duration

func (p *period) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err == nil && d < 0 {
		err = errors.New("a duration below 0")
	}
	*p = period(d)
	return err
}

func (s *Sandbox) adminLag(in struct {
	For    period
	Reads  int
	Newest int
}) (any, error) {
	return nil, s.SetLag(Lag{For: time.Duration(in.For), Reads: in.Reads, Newest: in.Newest})
}

// faultOrder is a Fault as people write it.
type faultOrder struct {
	Method     string `json:"method"`
	Route      string `json:"route"`
	After      int    `json:"after"`
	Status     int    `json:"status"`
	Message    string `json:"message"`
	RetryAfter period `json:"retry_after"`
	Reset      period `json:"reset"`
	Times      int    `json:"times"`
	Done       bool   `json:"done"`
	Hang       bool   `json:"hang"`
	Drop       bool   `json:"drop"`
}

func (s *Sandbox) adminFault(in faultOrder) (any, error) {
	if in.Status != 0 && (in.Status < 400 || in.Status > 599) {
		return nil, fmt.Errorf("%d is no status of an error", in.Status)
	}
	if !falls(in.Method, in.Route) {
		return nil, fmt.Errorf("no route of the sandbox is %q: they are written as in GitHub's reference, GET /repos/{owner}/{repo}/pulls/{pull_number}", strings.TrimSpace(in.Method+" "+in.Route))
	}
	s.faults.Fail(Fault{
		Method: in.Method, Route: in.Route, After: in.After, Status: in.Status, Message: in.Message, RetryAfter: time.Duration(in.RetryAfter),
		Reset: time.Duration(in.Reset), Times: in.Times, Done: in.Done, Hang: in.Hang, Drop: in.Drop,
	})
	return nil, nil
}

// falls says whether any request can fall under a fault: one that waits for a route that is written wrongly never happens.
func falls(method, path string) bool {
	return slices.ContainsFunc(append(apiRoutes(), graphqlRow()), func(row route) bool {
		_ = row.split() // the path as a fault names it
		return (method == "" || strings.EqualFold(method, row.method)) && (path == "" || path == row.path)
	})
}

// adminDeliveries decides about the next deliveries of an event.
func (s *Sandbox) adminDeliveries(in struct {
	Event              string
	Lose, Double, Hold int
}) (any, error) {
	s.faults.Lose(in.Event, in.Lose)
	s.faults.Double(in.Event, in.Double)
	s.faults.Hold(in.Event, in.Hold)
	return nil, nil
}
