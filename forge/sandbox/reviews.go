package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox/bare"
)

// review is one person's review of a pull request.
type review struct {
	id        int64
	author    *account
	state     string // APPROVED, CHANGES_REQUESTED, COMMENTED or DISMISSED
	body      string
	sha       string // the head it was about
	submitted time.Time
}

// Approve approves a pull request as a person and returns the review's id. It fails with GitHub's reason, as for one's own.
func (s *Sandbox) Approve(repo string, number int, as string) (int64, error) {
	return s.Review(repo, number, as, "APPROVE", "")
}

// Review reviews a pull request as a person: event is APPROVE, REQUEST_CHANGES or COMMENT. It returns the review's id.
func (s *Sandbox) Review(repo string, number int, as, event, body string) (int64, error) {
	var id int64
	err := s.actOnThread(repo, number, as, forge.PermissionRead, func(r *repository, t *thread, who *account) error {
		if t.pull == nil {
			return notFound()
		}
		x, err := s.addReview(r, t, newReview{Event: event, Body: body}, who)
		if err == nil {
			id = x.id
		}
		return err
	})
	return id, wrap(err, "Review", repo, number)
}

// newReview is what a review is submitted with.
type newReview struct {
	Event    string `json:"event"`
	Body     string `json:"body"`
	CommitID string `json:"commit_id"`
}

func (s *Sandbox) addReview(r *repository, t *thread, in newReview, who *account) (*review, error) {
	state := map[string]string{"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}[in.Event]
	own := who.id == t.author.id
	switch {
	case state == "":
		return nil, unprocessable("event is APPROVE, REQUEST_CHANGES or COMMENT: the sandbox keeps no pending reviews")
	case own && state == "APPROVED":
		return nil, unprocessable("Review Can not approve your own pull request")
	case own && state == "CHANGES_REQUESTED":
		return nil, unprocessable("Review Can not request changes on your own pull request")
	case state != "APPROVED" && in.Body == "":
		return nil, unprocessable("body is missing")
	}
	if in.CommitID == "" {
		in.CommitID = t.pull.headSHA
	}
	x := &review{id: s.st.nextID(), author: who, state: state, body: in.Body, sha: in.CommitID, submitted: s.now()}
	t.pull.reviews = append(t.pull.reviews, x)
	t.updated = s.now()
	s.emitReview(r, t, x, "submitted", who)
	return x, s.mergeArmed(r)
}

// dismiss takes a review back; whoever may write can.
func (s *Sandbox) dismiss(r *repository, t *thread, x *review, who *account) error {
	if x.state != "APPROVED" && x.state != "CHANGES_REQUESTED" {
		return unprocessable("Can not dismiss a " + strings.ToLower(x.state) + " pull request review")
	}
	x.state = "DISMISSED"
	s.emitReview(r, t, x, "dismissed", who)
	return nil
}

func unprocessable(text string) *problem {
	return &problem{status: http.StatusUnprocessableEntity, message: "Unprocessable Entity", texts: []string{text}}
}

// verdicts returns the newest review of each person who may write that says yes or no. Comments change nothing.
func (r *repository) verdicts(t *thread) map[int64]string {
	list := map[int64]string{}
	for _, x := range t.pull.reviews {
		if x.state != "COMMENTED" && r.role(x.author) >= forge.PermissionWrite {
			list[x.author.id] = x.state
		}
	}
	return list
}

func (r *repository) approvals(t *thread) int  { return count(r.verdicts(t), "APPROVED") }
func (r *repository) objections(t *thread) int { return count(r.verdicts(t), "CHANGES_REQUESTED") }

func count(verdicts map[int64]string, state string) int {
	n := 0
	for _, have := range verdicts {
		if have == state {
			n++
		}
	}
	return n
}

// dismissesStale says whether a push that changes a pull request's diff takes its approvals back.
func (r *repository) dismissesStale(t *thread) bool {
	p := r.guard(t.pull.base)
	return p != nil && p.DismissStale || slices.ContainsFunc(r.ruling(t.pull.base), func(set *ruleset) bool { return set.DismissStale })
}

// dismissStale takes back the approvals of a pull request whose diff a push changed.
func (s *Sandbox) dismissStale(r *repository, t *thread, before []bare.FileChange, who *account) error {
	after, err := r.pullFiles(t, t.pull.baseSHA)
	if err != nil || slices.Equal(before, after) {
		return err
	}
	for _, x := range t.pull.reviews {
		if x.state == "APPROVED" {
			if err := s.dismiss(r, t, x, who); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Sandbox) emitReview(r *repository, t *thread, x *review, action string, who *account) {
	r.touched = true
	o := s.reviewJSON(r, t, x)
	o["state"] = strings.ToLower(x.state) // in webhooks alone
	s.emit(r, "pull_request_review", action, who, object{"review": o, "pull_request": s.pullJSON(r, t)})
}
