package promotion

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"ferry/forge"
	"ferry/promotion/config"
)

// Verdict is what somebody says of a pull request.
type Verdict string

// The verdicts. A dismissed one says nothing any more, and takes back what the same person said before.
const (
	VerdictApproved  Verdict = "approved"
	VerdictChanges   Verdict = "changes"
	VerdictDismissed Verdict = "dismissed"
)

// Review is what one person says of the living pull request: by the forge's review, or by /approve.
type Review struct {
	Person
	Verdict Verdict
	SHA     forge.SHA // the head it is about
	Edit    string    // what that head shows, where Ferry knows; see PullWish
	At      time.Time
	Comment int64 // that said /approve; 0 for the forge's own review
}

// Author is who made a source commit.
type Author struct {
	Source string // owner/name
	Commit forge.SHA
	forge.User
	With []string // logins of the co-authors
}

// NeedsReviews says whether anything in the environment depends on who has approved: only there are reviews read.
func NeedsReviews(env config.Environment) bool {
	return env.Approvals > 0 || slices.ContainsFunc(env.Policies, func(p config.Policy) bool { return p.Rule.AsksApprovals() })
}

// approvalsGate is open once as many people as the environment asks for approve exactly what the pull request shows. It is closed while somebody who
// may approve wants changes.
func approvalsGate(s *Snapshot, env *Environment, release Release, _ time.Time) Gate {
	gate := Gate{Name: "approvals", State: GateOpen}
	role := approvers(env)
	switch {
	case env.Approvals == 0:
		gate.Reason = noneAskedFor
		return gate
	case !env.shownNow(release):
		gate.State, gate.Reason = GateWaiting, fmt.Sprintf("%s by %s, once a pull request shows it", approvalCount(env.Approvals), roleWords(role))
		return gate
	}
	approved, void, against := s.said(env)
	if gate.Reason = approvalWords(approved, env.Approvals); len(approved) < env.Approvals {
		gate.State = GateWaiting
		gate.Reason = strings.Join(append([]string{fmt.Sprintf("%s, %d more by %s", gate.Reason, env.Approvals-len(approved), roleWords(role))}, void...), "; ")
	}
	if why := s.untold(env, release); why != "" {
		gate.State, gate.Reason = GateWaiting, why+"; "+gate.Reason
	}
	if len(against) > 0 {
		gate.State = GateClosed
		gate.Reason = fmt.Sprintf("%s wants changes (an approving review by the same person, or dismissing theirs, lifts that); %s", strings.Join(against, " and "), gate.Reason)
	}
	return gate
}

// shownNow says whether a pull request shows the release.
func (e *Environment) shownNow(release Release) bool {
	return e.Pull != nil && e.Promotion != nil && e.Promotion.Release.Same(release)
}

// said returns who approves what the living pull request shows, whose approvals do not count and why, and who wants changes.
func (s *Snapshot) said(env *Environment) (approved, void, against []string) {
	role := approvers(env)
	for _, r := range newestVerdicts(env.Reviews) {
		switch {
		case r.Verdict == VerdictChanges && !r.Bot && r.plays(role):
			against = append(against, r.Login)
		case r.Verdict != VerdictApproved:
		case !env.Pull.shows(r):
			void = append(void, r.Login+" approved what it showed before")
		default:
			switch why := s.mayNotApprove(env, r.Person); why {
			case "":
				approved = append(approved, r.Login)
			case s.untold(env, env.Promotion.Release):
				void = append(void, r.Login+"'s does not count yet")
			default:
				void = append(void, r.Login+"'s does not count: "+why)
			}
		}
	}
	return approved, void, against
}

func approvalCount(n int) string {
	if n == 1 {
		return "1 approval"
	}
	return fmt.Sprintf("%d approvals", n)
}

func approvalWords(by []string, need int) string {
	if len(by) == 0 {
		return fmt.Sprintf("0 of %s", approvalCount(need))
	}
	return fmt.Sprintf("%d of %s, by %s", len(by), approvalCount(need), strings.Join(by, " and "))
}

// shows says whether what was reviewed is exactly what the pull request shows now. Ferry may have made the same edit anew meanwhile.
func (p *Pull) shows(r Review) bool { return p.is(r.SHA, r.Edit) }

func (p *Pull) is(head forge.SHA, edit string) bool {
	return p.Known && (head == p.HeadSHA || edit != "" && edit == p.Edit)
}

// newestVerdicts returns what each person said last, the earliest first. Of what was said in the same moment, a wish for changes counts.
func newestVerdicts(reviews []Review) []Review {
	weight := map[Verdict]int{VerdictDismissed: 0, VerdictApproved: 1, VerdictChanges: 2}
	ordered := slices.Clone(reviews)
	slices.SortStableFunc(ordered, func(a, b Review) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(weight[a.Verdict], weight[b.Verdict]), cmp.Compare(a.ID, b.ID))
	})
	var out []Review
	for i, r := range ordered {
		if !slices.ContainsFunc(ordered[i+1:], func(later Review) bool { return later.ID == r.ID }) {
			out = append(out, r)
		}
	}
	return out
}

// Uncounted says why the person's approval of what is open into the environment does not count; "" where it does, or nothing is open.
func (s *Snapshot) Uncounted(environment string, p Person) string {
	env := s.Find(environment)
	if env == nil || env.Promotion == nil || env.Pull == nil {
		return ""
	}
	return s.mayNotApprove(env, p)
}

// mayNotApprove says why the person's approval does not count, or "".
func (s *Snapshot) mayNotApprove(env *Environment, p Person) string {
	switch {
	case p.ID == s.Self.ID || p.Bot:
		return "only people's do"
	case s.wrote(env, env.Promotion.Release, p.User):
		return "they wrote the change"
	case p.Login != "" && s.broughtUnknown(env, env.Promotion.Release, func(d *Deployment) bool { return d.broughtBy(p.Login) }):
		return "they brought it, and of which source commit it is nobody knows"
	case env.Promotion.Intent != IntentUpdate && askedBy(env.Promotion.Asker, p.Login):
		return "they asked for this promotion"
	case p.plays(approvers(env)):
		return s.untold(env, env.Promotion.Release)
	case p.Unknown != "":
		return p.Unknown
	}
	return fmt.Sprintf("they have %s permission", p.Permission)
}

// broughtUnknown says whether one of those deployments brought an image that the release changes in the environment, and whose source is unknown, to any
// environment: who had a hand in that may have written it.
func (s *Snapshot) broughtUnknown(env *Environment, release Release, those func(*Deployment) bool) bool {
	var stands Release
	if current := env.Current(); current != nil {
		stands = current.Release
	}
	return slices.ContainsFunc(release, func(image Image) bool {
		from, known := s.source(image)
		return (!known || from.Commit == "") && !stands.has(image) && s.broughtImage(image, those)
	})
}

// broughtImage says whether one of those deployments brought the image to an environment in which it did not stand just before. What Ferry promoted
// from one to the next is nobody's: who merged that brought nothing.
func (s *Snapshot) broughtImage(image Image, those func(*Deployment) bool) bool {
	return slices.ContainsFunc(s.Environments, func(e Environment) bool {
		for i, d := range e.History {
			before := i+1 < len(e.History) && e.History[i+1].Release.has(image)
			if !before && d.Release.has(image) && those(&d) && !d.Promoted.has(image) {
				return true
			}
		}
		return false
	})
}

func (d *Deployment) broughtBy(login string) bool {
	return strings.EqualFold(d.BroughtBy, login) || hasLogin(d.BroughtAlso, login)
}

func hasLogin(logins []string, login string) bool {
	return slices.ContainsFunc(logins, func(l string) bool { return strings.EqualFold(l, login) })
}

// wrote says whether the account made one of the commits that the release was built from, or any that it adds to what stands in the environment, as far
// as those were read.
func (s *Snapshot) wrote(env *Environment, release Release, who forge.User) bool {
	built := slices.ContainsFunc(release, func(image Image) bool {
		from, ok := s.source(image)
		return ok && from.Commit != "" && slices.ContainsFunc(s.Authors, func(a Author) bool {
			return (a.ID != 0 && a.ID == who.ID || hasLogin(a.With, who.Login)) && a.Commit == from.Commit && strings.EqualFold(a.Source, from.Source)
		})
	})
	current := env.Current()
	if built || current == nil || who.Login == "" {
		return built
	}
	return slices.ContainsFunc(s.changed(current.Release, release), func(k ChangeKey) bool {
		return slices.ContainsFunc(s.between(k).Commits, func(c SourceCommit) bool {
			return strings.EqualFold(c.Author, who.Login) || hasLogin(c.With, who.Login)
		})
	})
}
