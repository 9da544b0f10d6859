package worker

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/postgres"
)

// lookAtPulls reads the pull requests that may have changed; on a sweep all open ones, and those that were.
func (l *look) lookAtPulls(ctx context.Context) error {
	if l.config == nil && l.repo.ConfigBlob == "" {
		return nil
	}
	read := map[int]bool{}
	if l.repo.Sweep {
		if err := l.sweepPulls(ctx, read); err != nil {
			return err
		}
	}
	if err := l.lookAtDeleted(ctx); err != nil {
		return err
	}
	if err := l.besideTheHead(ctx); err != nil {
		return err
	}
	for _, number := range l.order {
		if read[number] {
			continue
		}
		if err := l.pullOf(ctx, number); err != nil {
			return err
		}
	}
	return nil
}

// lookAtDeleted finds the pull requests that the forge closed because their branch went.
func (l *look) lookAtDeleted(ctx context.Context) error {
	for _, branch := range l.deleted {
		number, err := l.Store.OpenPromotionOn(ctx, l.repo.ID, branch)
		if errors.Is(err, postgres.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		l.byForge[number], l.reread[number] = true, true
		if _, hinted := l.pulls[number]; !hinted {
			l.order = append(l.order, number)
		}
	}
	return nil
}

func (l *look) sweepPulls(ctx context.Context, read map[int]bool) error {
	open, err := l.client.OpenPullRequests(ctx, l.repo.Repo, l.repo.DefaultBranch)
	if err != nil {
		return err
	}
	for _, p := range open {
		if hint, ok := l.pulls[p.Number]; ok && !hint.Open {
			continue // the list is older than the delivery: it is read by itself
		}
		read[p.Number] = true
		if l.ferrysPull(p) {
			l.out.Bodies = append(l.out.Bodies, promotion.BodyFacts{Number: p.Number, Body: p.Body})
		}
		if err := l.addPull(ctx, p); err != nil {
			return err
		}
	}
	known, err := l.Store.OpenPulls(ctx, l.repo.ID)
	if err != nil {
		return err
	}
	for _, number := range known {
		if _, hinted := l.pulls[number]; !hinted && !read[number] {
			l.order = append(l.order, number)
		}
	}
	return nil
}

// pullOf reads one pull request. That one was merged is an immutable fact and needs no read; what is known already needs none either.
func (l *look) pullOf(ctx context.Context, number int) error {
	hint, hinted := l.pulls[number]
	known, err := l.Store.LoadPull(ctx, l.repo.ID, number)
	if err != nil && !errors.Is(err, postgres.ErrNotFound) {
		return err
	}
	switch {
	case hinted && hint.BaseBranch != l.repo.DefaultBranch && !known.Ferrys:
		return nil
	case hinted && hint.Merged:
		if !known.Merged {
			if err := l.takeUp(ctx, mergedPull(hint)); err != nil {
				return err
			}
			l.out.Pulls = append(l.out.Pulls, promotion.PullFacts{PullRequest: mergedPull(hint)})
		}
		return nil
	case hinted && known.Ferrys && known.Open && hint.Open && known.HeadSHA == hint.HeadSHA && !l.reread[number]:
		return nil
	}
	p, err := l.client.PullRequest(ctx, l.repo.Repo, number)
	if err != nil {
		return err
	}
	stale := hinted && !l.reread[number] && (p.Open && !hint.Open || hint.Open && p.Open && p.HeadSHA != hint.HeadSHA && p.HeadSHA == known.HeadSHA)
	if l.patient() && (stale || l.byForge[number] && p.Open) {
		return errBelowFloor
	}
	return l.addPull(ctx, p)
}

func mergedPull(hint forge.PullHint) forge.PullRequest {
	return forge.PullRequest{Number: hint.Number, Merged: true, MergeSHA: hint.MergeSHA, MergedAt: hint.MergedAt, Author: hint.Author, HeadBranch: hint.HeadBranch, HeadSHA: hint.HeadSHA, HeadRepo: hint.HeadRepo,
		BaseBranch: hint.BaseBranch, MergedBy: hint.MergedBy}
}

func (l *look) addPull(ctx context.Context, p forge.PullRequest) error {
	facts := promotion.PullFacts{PullRequest: p, Sender: l.senders[p.Number]}
	ferrys := l.ferrysPull(p)
	err := l.takeUp(ctx, p)
	switch {
	case err != nil:
	case !p.Open && !p.Merged && l.byForge[p.Number]:
	case !p.Open && !p.Merged:
		facts.Closer, err = l.client.ClosedBy(ctx, l.repo.Repo, p.Number)
		if err == nil && ferrys && facts.Closer.ID == 0 && l.patient() { // closed by nobody: one of the two reads is older, and it is open again by now
			err = errBelowFloor
		}
	case p.Open && ferrys:
		l.out.Heads = append(l.out.Heads, promotion.HeadSeen{Number: p.Number, SHA: p.HeadSHA, By: p.UpdatedAt})
		facts.Pusher, err = l.pusher(ctx, p)
	case p.Open && p.BaseBranch == l.repo.DefaultBranch:
		err = l.handMade(ctx, p, &facts)
	}
	if err != nil {
		return err
	}
	l.out.Pulls = append(l.out.Pulls, facts)
	return nil
}

func (l *look) ferrysPull(p forge.PullRequest) bool {
	return p.Author.ID == l.self.ID && strings.HasPrefix(p.HeadBranch, "ferry/") && p.HeadRepo == l.repo.Repo.ID
}

// takeUp gives a commit its name that Ferry has asked for together with its pull request, where that is seen before the answer has come, which may be lost.
// It is known by the App's signature and by its message, which names the release and why.
func (l *look) takeUp(ctx context.Context, p forge.PullRequest) error {
	if !l.ferrysPull(p) {
		return nil
	}
	own, err := l.Store.IsOwnCommit(ctx, l.repo.ID, p.HeadSHA)
	if err != nil || own {
		return err
	}
	asked, err := l.Store.ShownBy(ctx, l.repo.ID, postgres.ProposedOn(p.HeadBranch))
	if errors.Is(err, postgres.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	c, err := l.client.Commit(ctx, l.repo.Repo, p.HeadSHA)
	if errors.Is(err, forge.ErrNotFound) {
		return nil
	}
	if err != nil || !ferrys(c, l.self) || strings.TrimSpace(c.Message) != strings.TrimSpace(asked.Message) {
		return err
	}
	return l.Store.NameProposal(ctx, l.repo.ID, p.HeadBranch, c)
}

// pusher returns whom the forge knows as the author of the head commit of Ferry's own pull request, where Ferry did not make it.
func (l *look) pusher(ctx context.Context, p forge.PullRequest) (string, error) {
	own, err := l.Store.IsOwnCommit(ctx, l.repo.ID, p.HeadSHA)
	if err != nil || own || l.back.knows(p.HeadSHA) {
		return "", err
	}
	c, err := l.client.Commit(ctx, l.repo.Repo, p.HeadSHA)
	if err != nil && !errors.Is(err, forge.ErrNotFound) {
		return "", err
	}
	if c.Author.Login == "" { // the author's address belongs to no account: then who pushed
		return l.senders[p.Number].Login, nil
	}
	return c.Author.Login, nil
}

// lookAtComments reads what the authors of commands may do. Bots and Ferry itself are never obeyed.
func (l *look) lookAtComments(ctx context.Context) error {
	for _, find := range []func(context.Context) error{l.sweepComments, l.unheardComments} {
		if err := find(ctx); err != nil {
			return err
		}
	}
	for _, c := range l.comments {
		commands := l.commandsIn(c.Body)
		if !l.obeyed(c.Author) || len(commands) == 0 {
			continue
		}
		ours, err := l.isFerrysPage(ctx, c.Number)
		if err != nil {
			return err
		}
		if !ours {
			continue
		}
		if answered, err := l.answeredLate(ctx, c); err != nil || answered {
			if err != nil {
				return err
			}
			continue
		}
		if err := l.command(ctx, c, commands); err != nil {
			return err
		}
	}
	return l.answeredSince(ctx)
}

// obeyed says whether Ferry listens to the account at all.
func (l *look) obeyed(who forge.User) bool { return !who.Bot && who.ID != l.self.ID }

func (l *look) commandsIn(body string) []promotion.Command {
	prefix := ""
	if l.config != nil {
		prefix = l.config.CommandPrefix
	}
	return promotion.ParseCommands(body, prefix)
}

// isFerrysPage says whether commands are taken under that number. After a loss the database does not know it yet.
func (l *look) isFerrysPage(ctx context.Context, number int) (bool, error) {
	if l.back != nil {
		return l.back.isPage(number, l.out.Issue), nil
	}
	return l.Store.IsFerrysPage(ctx, l.repo.ID, number)
}

// soonAfter is how long after it was said a comment is no late one.
const soonAfter = 2 * time.Minute

// answeredLate says whether Ferry has answered the comment already, of one that it hears of late: where the database was lost, nothing else tells that it
// was obeyed.
func (l *look) answeredLate(ctx context.Context, c forge.CommentHint) (bool, error) {
	isIt := func(said forge.CommentHint) bool { return said.ID == c.ID }
	switch {
	case l.back != nil && slices.ContainsFunc(l.back.answered, isIt):
		return true, nil
	case l.Now().Before(c.CreatedAt.Add(soonAfter)):
		return false, nil
	}
	under, err := l.client.Comments(ctx, l.repo.Repo, c.Number)
	if errors.Is(err, forge.ErrNotFound) {
		return false, nil
	}
	return answeredAmong(under, l.self.ID, c.ID), err
}

func answeredAmong(comments []forge.Comment, self, comment int64) bool {
	return slices.ContainsFunc(comments, func(c forge.Comment) bool {
		return c.Author.ID == self && strings.Contains(c.Body, promotion.AnswerMark(comment))
	})
}

// sweepOverlap is by how much two sweeps look at the same comments: the forge's clock and Ferry's need not agree.
const sweepOverlap = 5 * time.Minute

// sweepComments finds the comments since the last sweep whose delivery was lost. At the first look of all there are none: what was said before, Ferry was
// not asked. An edited one may have been made as another: it is answered, and not obeyed.
func (l *look) sweepComments(ctx context.Context) error {
	if !l.repo.Sweep || l.repo.SweptAt.IsZero() || l.config == nil {
		return nil
	}
	found, err := l.client.CommentsSince(ctx, l.repo.Repo, l.repo.SweptAt.Add(-sweepOverlap))
	if err != nil {
		return err
	}
	known, err := l.Store.KnownCommands(ctx, l.repo.ID, l.repo.SweptAt.Add(-2*sweepOverlap))
	if err != nil {
		return err
	}
	for _, c := range l.comments {
		known[c.ID] = true
	}
	for _, c := range found {
		if !known[c.ID] && !c.CreatedAt.Before(l.repo.SweptAt.Add(-sweepOverlap)) {
			l.comments = append(l.comments, forge.CommentHint{ID: c.ID, Number: c.Number, Author: c.Author, Body: c.Body, CreatedAt: c.CreatedAt, Edited: c.Edited})
		}
	}
	return nil
}

// ObserveInstallation reads which repositories an installation shows to Ferry.
func (w *Work) ObserveInstallation(ctx context.Context, kind forge.Kind, id int64) (err error) {
	how := done
	defer func() { w.Metrics.job("observe_installation", how, err) }()
	connection, err := w.connection(kind)
	if err != nil {
		return err
	}
	known, err := w.Store.LoadInstallation(ctx, kind, id)
	if err != nil || known.Generation == known.Observed {
		return err
	}
	w.signInAnew(connection, id, known.Access)
	var repositories []forge.Repository
	if !known.Gone {
		repositories, err = connection.Repositories(ctx, id)
		if err != nil {
			how = putOff
			w.Logger.Warn("reading an installation is put off", "installation", id, "error", err)
			return w.Store.PutOffInstallation(ctx, kind, id, w.again(ctx, postgres.Repository{Forge: kind, Installation: id}, err, 3))
		}
	}
	w.Logger.Info("installation read", "installation", id, "repositories", len(repositories), "gone", known.Gone)
	return w.Store.RecordInstallation(ctx, kind, id, known.Generation, repositories, w.Now())
}

// ObserveInstallations asks the forge for its installations: it finds those whose delivery was lost.
func (w *Work) ObserveInstallations(ctx context.Context) error {
	for kind, connection := range w.Forges {
		list, err := connection.Installations(ctx)
		if err != nil {
			return err
		}
		if err := w.Store.RecordInstallations(ctx, kind, list); err != nil {
			return err
		}
	}
	return nil
}
