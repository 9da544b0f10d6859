package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
	"ferry/promotion/postgres"
)

// errBelowFloor says that the forge answered a read with older truth than a delivery has shown: the read is tried again.
var errBelowFloor = errors.New("the forge still shows an older state than its webhook told of")

// floorPause is how long a read below its floor waits, and floorPatience for how long a delivery's floor is believed: a branch that was forced
// meanwhile, its delivery lost, would never come up to it.
const (
	floorPause    = 2 * time.Second
	floorPatience = 2 * time.Minute
)

// Observe works off the hints of one repository: it re-reads what may have changed and writes down facts. Whoever finds the repository's lease
// taken returns, because the holder looks at the generation again before it lets go.
func (w *Work) Observe(ctx context.Context, repository int64) (err error) {
	how := done
	defer func() { w.Metrics.job("observe", how, err) }()
	name := fmt.Sprintf("observe:%d", repository)
	for {
		ok, err := w.hold(ctx, name, func(ctx context.Context, h *held) (err error) {
			how, err = w.observeHeld(ctx, repository, h.lease)
			return err
		})
		if err != nil || !ok {
			return err
		}
		repo, err := w.Store.LoadRepository(ctx, repository)
		if err != nil || repo.Generation == repo.Observed || repo.ObserveAt.After(w.Now()) {
			return err
		}
	}
}

// observeHeld observes until the generation is worked off.
func (w *Work) observeHeld(ctx context.Context, repository int64, lease postgres.Lease) (outcome, error) {
	for range 100 {
		repo, err := w.Store.LoadRepository(ctx, repository)
		if err != nil || repo.Generation == repo.Observed || repo.ObserveAt.After(w.Now()) {
			return done, err
		}
		if err := w.observeOnce(ctx, repo, lease); err != nil {
			return putOff, w.putOff(ctx, lease, repo, err)
		}
	}
	return done, nil
}

// putOff writes down when the observation is tried again. The error is told once, in the log; nothing is lost.
func (w *Work) putOff(ctx context.Context, lease postgres.Lease, repo postgres.Repository, err error) error {
	until := w.again(ctx, repo, err, repo.Failures)
	if errors.Is(err, errBelowFloor) {
		until = w.Now().Add(floorPause)
	}
	w.Logger.Warn("observing is put off", "repository", repo.Repo.FullName(), "until", until, "error", err)
	return w.Store.PutOffObservation(ctx, lease, repo.ID, until, err.Error(), w.Now())
}

func (w *Work) observeOnce(ctx context.Context, repo postgres.Repository, lease postgres.Lease) error {
	connection, err := w.connection(repo.Forge)
	if err != nil {
		return err
	}
	self, err := connection.Identity(ctx)
	if err != nil {
		return fmt.Errorf("asking %s who Ferry is there: %w", repo.Forge, err)
	}
	deliveries, err := w.Store.PendingDeliveries(ctx, repo.ID)
	if err != nil {
		return err
	}
	look := look{Work: w, client: w.client(connection, repo), repo: repo, self: self, paths: map[string]forge.SHA{}}
	ids := look.hints(connection, deliveries)
	if err := look.look(ctx); err != nil {
		return err
	}
	w.Logger.Info("observed", "repository", repo.Repo.FullName(), "deliveries", ids, "head", look.head.Short())
	return w.Store.RecordObservation(ctx, lease, repo, look.out, ids, self, w.Now())
}

// look is one look at a repository.
type look struct {
	*Work
	client     Client
	repo       postgres.Repository
	self       forge.User
	pushes     []forge.Push
	bringers   map[forge.SHA]promotion.Bringers // by the commit that was pushed last
	unnamed    map[forge.SHA][]forge.SHA        // likewise: commits whose co-authors only the forge knows
	merges     []forge.SHA                      // commits that merges put on the default branch
	groups     []forge.GroupHint                // of the default branch's merge queue, in the order in which they were told
	deleted    []string                         // branches of Ferry's, before anybody closed their pull request
	reread     map[int]bool
	byForge    map[int]bool        // pull requests that the forge closed, because their branch went
	newest     []forge.PullRequest // that were merged, of people; nil: not read
	pulls      map[int]forge.PullHint
	order      []int
	comments   []forge.CommentHint
	reviews    map[int][]forge.ReviewHint  // by pull request
	people     map[string]promotion.Person // who were looked up, by login
	teams      map[string]bool             // that .ferry.yaml names: whether they are there
	senders    map[int]forge.User
	head       forge.SHA
	config     *config.Config
	inclusions []config.Inclusion // what is a part of the configuration: in force, and at the head
	tree       *forge.Tree        // the head's, where it was needed to tell missing from hidden
	full       bool
	unsure     bool                    // which commits the branch has got
	paths      map[string]forge.SHA    // changed, with the last revision at which
	compared   []forge.Commit          // what a comparison tells that the branch has got since the last look
	line       []forge.SHA             // the heads that the branch was in turn since the last look, as a comparison tells
	steps      []step                  // what each of them changed
	back       *lookBack               // at the first look after the database was lost
	proposed   map[string]proposedFile // by head and path

	proposedTree *forge.Tree // of the pull request that was looked at last
	proposedAt   forge.SHA
	out          promotion.Observation
}

// hints reads what the deliveries hint at. A delivery that cannot be read is worked off too: the next sweep finds what it hid.
func (l *look) hints(connection Connection, deliveries []postgres.StoredDelivery) (ids []string) {
	l.bringers, l.unnamed = map[forge.SHA]promotion.Bringers{}, map[forge.SHA][]forge.SHA{}
	l.pulls, l.senders, l.reread, l.byForge = map[int]forge.PullHint{}, map[int]forge.User{}, map[int]bool{}, map[int]bool{}
	l.reviews, l.people = map[int][]forge.ReviewHint{}, map[string]promotion.Person{}
	for _, d := range deliveries {
		ids = append(ids, d.ID)
		e, err := connection.Parse(d.Event, d.Body)
		if err != nil {
			l.Logger.Warn("a delivery cannot be read", "delivery", d.ID, "event", d.Event, "error", err)
			continue
		}
		if e.Pull != nil {
			l.headSeen(*e.Pull)
		}
		if e.Pull != nil && e.Pull.Edited && e.Sender.ID != l.self.ID {
			l.out.Bodies = append(l.out.Bodies, promotion.BodyFacts{Number: e.Pull.Number, Body: e.Pull.Body, By: e.Sender})
		}
		if b := e.Repo.DefaultBranch; b != "" && b != l.repo.DefaultBranch {
			l.repo.Sweep = true // it has another default branch by now, or had
		}
		switch {
		case e.Push != nil && e.Push.Branch == l.repo.DefaultBranch:
			l.pushes = append(l.pushes, *e.Push)
			l.pushedBy(*e.Push, e.Sender)
		case e.Push != nil && e.Push.After == "" && e.Sender.ID != l.self.ID && strings.HasPrefix(e.Push.Branch, "ferry/"):
			l.branchGone(e.Push.Branch)
		case e.Group != nil && e.Group.Branch == l.repo.DefaultBranch:
			l.groups = append(l.groups, *e.Group)
		case e.Review != nil:
			l.reviews[e.Review.Number] = append(l.reviews[e.Review.Number], *e.Review)
		case e.Pull != nil && e.Pull.Arming != nil:
			l.armingHint(e)
		case e.Pull != nil && e.Sender.ID != l.self.ID || e.Pull != nil && e.Pull.Merged:
			l.pullHint(*e.Pull, e.Sender)
		case e.Check != nil && e.Check.Status != 0 && e.Sender.ID != l.self.ID:
			l.out.Overwritten = append(l.out.Overwritten, promotion.ForeignStatus{SHA: e.Check.SHA, Context: e.Check.Name, By: e.Sender})
		case e.Comment != nil && e.Action == "created":
			l.comments = append(l.comments, *e.Comment)
		}
	}
	return ids
}

// pullHint notes that a pull request may have changed. Deliveries come in any order: where two disagree, only a read tells.
func (l *look) pullHint(p forge.PullHint, sender forge.User) {
	old, again := l.pulls[p.Number]
	switch {
	case !again:
		l.order = append(l.order, p.Number)
	case old.Merged:
		return
	case old.Open != p.Open || old.HeadSHA != p.HeadSHA:
		l.reread[p.Number] = true
	}
	l.pulls[p.Number], l.senders[p.Number] = p, sender
	if p.Merged && p.BaseBranch == l.repo.DefaultBranch {
		l.merges = append(l.merges, p.MergeSHA)
	}
}

// branchGone notes that somebody deleted a branch of Ferry's. The forge then closes its pull request by itself, in that person's name; who closed it
// first and tidied up after that has rejected it.
func (l *look) branchGone(branch string) {
	for _, p := range l.pulls {
		if p.HeadBranch == branch && !p.Open {
			return
		}
	}
	l.deleted = append(l.deleted, branch)
}

// look reads what the hints ask for, in the order in which one thing explains the next.
func (l *look) look(ctx context.Context) error {
	for _, step := range []func(context.Context) error{l.lookAtRepository, l.lookAtHead, l.lookAtConfig, l.lookAtDecisions, l.lookAtFiles, l.lookAtPushers, l.lookBack, l.lookAtPulls, l.lookAtStatuses, l.lookAtQueue, l.lookBackAtHeads, l.lookBackAtLeft, l.lookAtReviews, l.lookAtComments} {
		if err := step(ctx); err != nil {
			return err
		}
		if l.out.Inaccessible {
			return nil
		}
	}
	return nil
}

func (l *look) lookAtRepository(ctx context.Context) error {
	if !l.repo.Sweep && l.repo.Head != "" {
		return nil
	}
	repository, err := l.client.RepositoryByID(ctx, l.repo.Repo.ID)
	if errors.Is(err, forge.ErrNotFound) {
		l.out.Inaccessible = true
		return nil
	}
	if err != nil {
		return err
	}
	if repository.DefaultBranch != l.repo.DefaultBranch {
		if err := l.anotherBranch(ctx); err != nil {
			return err
		}
	}
	l.out.Repository, l.repo.Repo, l.repo.DefaultBranch = &repository, repository.Repo, repository.DefaultBranch
	return nil
}

// anotherBranch finds out whether the default branch was given another name, and so stays what it is, or is another one.
func (l *look) anotherBranch(ctx context.Context) error {
	if l.repo.DefaultBranch == "" || l.repo.Head == "" {
		return nil
	}
	_, err := l.client.Head(ctx, l.repo.Repo, l.repo.DefaultBranch)
	switch {
	case errors.Is(err, forge.ErrNotFound):
		l.out.BranchBefore = l.repo.DefaultBranch
	case err != nil:
		return err
	default:
		l.repo.Head = "" // of a branch that Ferry has not looked at
	}
	return nil
}

// lookAtDecisions reads the decisions back from their branch, at the first look: a Ferry that lost its database must not forget a hold. A file
// that somebody damaged is an error that changes nothing.
func (l *look) lookAtDecisions(ctx context.Context) error {
	if l.repo.ConfigBlob != "" || l.config == nil {
		return nil
	}
	file, err := l.client.File(ctx, l.repo.Repo, promotion.StateFile, promotion.StateBranch)
	if errors.Is(err, forge.ErrNotFound) {
		return l.noDecisions(ctx)
	}
	if err != nil {
		return err
	}
	if file.Symlink {
		return fmt.Errorf("%s on the branch %s is a symbolic link; put the file back, or delete the branch to begin anew", promotion.StateFile, promotion.StateBranch)
	}
	decisions, err := promotion.ParseDecisions(file.Content)
	if err != nil {
		return fmt.Errorf("%w; mend the file, or delete the branch to begin anew", err)
	}
	decisions = decisions.Renamed(l.config)
	l.out.Decisions = &decisions
	return nil
}

// noDecisions fails where the branch stands without its file: Ferry never leaves it so.
func (l *look) noDecisions(ctx context.Context) error {
	_, err := l.client.Head(ctx, l.repo.Repo, promotion.StateBranch)
	switch {
	case errors.Is(err, forge.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("the branch %s stands without %s; put the file back, or delete the branch to begin anew", promotion.StateBranch, promotion.StateFile)
}

func (l *look) keep(sha forge.SHA, content []byte) {
	if l.out.Blobs == nil {
		l.out.Blobs = map[forge.SHA][]byte{}
	}
	l.out.Blobs[sha] = content
}
