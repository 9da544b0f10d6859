package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/postgres"
)

// How long a refusal stands before the forge is asked again by itself.
const refusalPause = time.Hour

// refusedError says that the forge will not take the wish until somebody changes something there.
type refusedError struct{ reason string }

func (e *refusedError) Error() string { return e.reason }

// laterError says that the wish waits for something of Ferry's own.
type laterError struct {
	reason string
	pause  time.Duration
	// free says that looking again costs the forge nothing. Such a wait is no failure: it does not grow, and ends early where what it waits for comes.
	free bool
}

func (e *laterError) Error() string { return e.reason }

// Act brings one object at the forge to its wish, and again until the wish has stopped moving. It is serial per object by the object's lease.
func (w *Work) Act(ctx context.Context, id int64) (err error) {
	how := done
	defer func() { w.Metrics.job("act", how, err) }()
	_, err = w.hold(ctx, fmt.Sprintf("act:%d", id), func(ctx context.Context, h *held) (err error) {
		how, err = w.actHeld(ctx, id, h)
		return err
	})
	return err
}

func (w *Work) actHeld(ctx context.Context, id int64, h *held) (how outcome, err error) {
	how = done
	for range 20 {
		wish, err := w.Store.LoadWish(ctx, id)
		if errors.Is(err, postgres.ErrNotFound) {
			return how, nil
		}
		if err != nil || wish.Version == wish.AppliedVersion || wish.ActAt.After(w.Now()) || !wish.Repository.Accessible {
			return how, err
		}
		applied, err := w.actOn(ctx, wish, h)
		if err != nil { // a cancelled act, too, is known to have been tried
			h.unsure = true
			if how, err = w.notNow(ctx, h.lease, wish, err); err != nil {
				return how, err
			}
			continue // it may have moved while it failed
		}
		w.Logger.Info("acted", "repository", wish.Repository.Repo.FullName(), "kind", wish.Kind, "key", wish.Key)
		if _, err := w.Store.RecordApplied(ctx, h.lease, wish, applied, w.Now()); err != nil {
			h.unsure = true
			return how, err
		}
		h.unsure, how = false, done
	}
	return how, nil
}

// notNow sorts why an act did not work: a refusal is shown and asked again hourly, everything else is tried again soon.
func (w *Work) notNow(ctx context.Context, lease postgres.Lease, wish postgres.Wish, err error) (outcome, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseGrace)
	defer cancel()
	var refusal *refusedError
	var later *laterError
	switch {
	case errors.Is(err, postgres.ErrFenced):
		return putOff, err
	case errors.As(err, &refusal):
		w.Logger.Warn("the forge refuses", "repository", wish.Repository.Repo.FullName(), "kind", wish.Kind, "key", wish.Key, "reason", refusal.reason)
		return refused, w.Store.RefuseWish(ctx, lease, wish, refusal.reason, w.Now().Add(refusalPause), w.Now())
	case errors.Is(err, forge.ErrForbidden) || errors.Is(err, forge.ErrNotFound) || errors.Is(err, forge.ErrInvalid):
		w.Logger.Warn("the forge refuses", "repository", wish.Repository.Repo.FullName(), "kind", wish.Kind, "key", wish.Key, "error", err)
		return refused, w.Store.RefuseWish(ctx, lease, wish, err.Error(), w.Now().Add(refusalPause), w.Now())
	case errors.As(err, &later) && later.free:
		return putOff, w.Store.KeepWaiting(ctx, lease, wish, w.Now().Add(later.pause))
	case errors.As(err, &later):
		return putOff, w.Store.PutOffWish(ctx, lease, wish, w.Now().Add(max(later.pause, backoff(wish.Attempts)/2)))
	}
	until := w.again(ctx, wish.Repository, err, wish.Attempts)
	w.Logger.Warn("acting is put off", "repository", wish.Repository.Repo.FullName(), "kind", wish.Kind, "key", wish.Key, "until", until, "error", err)
	return putOff, w.Store.PutOffWish(ctx, lease, wish, until)
}

func (w *Work) actOn(ctx context.Context, wish postgres.Wish, h *held) (postgres.Applied, error) {
	connection, err := w.connection(wish.Repository.Forge)
	if err != nil {
		return postgres.Applied{}, err
	}
	self, err := connection.Identity(ctx)
	if err != nil {
		return postgres.Applied{}, err
	}
	a := act{Work: w, client: guarded{w.client(connection, wish.Repository), h}, held: h, wish: wish, repo: wish.Repository.Repo, self: self}
	switch wish.Kind {
	case "pull":
		return a.pull(ctx)
	case "commit":
		return a.commit(ctx)
	case "merge":
		return a.merge(ctx)
	case "config check":
		return a.configCheck(ctx)
	case "disarm":
		return a.disarm(ctx)
	case "status":
		return a.status(ctx)
	case "deployment":
		return a.deployment(ctx)
	case "notice":
		return a.notice(ctx)
	case "answer":
		return a.answer(ctx)
	case "issue":
		return a.issue(ctx)
	case "state":
		return a.state(ctx)
	}
	return postgres.Applied{}, fmt.Errorf("%q is no kind of wish", wish.Kind)
}

// act is one act on one wish.
type act struct {
	*Work
	client Client
	held   *held
	wish   postgres.Wish
	repo   forge.Repo
	self   forge.User
}

// read reads what is desired, and what was applied last, from the wish.
func (a *act) read(desired, applied any) error {
	if err := json.Unmarshal(a.wish.Desired, desired); err != nil {
		return fmt.Errorf("reading the wish %s %s: %w", a.wish.Kind, a.wish.Key, err)
	}
	if applied == nil {
		return nil
	}
	if err := json.Unmarshal(a.wish.Applied, applied); err != nil {
		return fmt.Errorf("reading what was applied of %s %s: %w", a.wish.Kind, a.wish.Key, err)
	}
	return nil
}

// status posts a commit status. On a source repository of another owner only where that one names this environment repository.
func (a *act) status(ctx context.Context) (postgres.Applied, error) {
	var wish postgres.StatusWish
	var last struct {
		Status forge.Status `json:"status"`
	}
	if err := a.read(&wish, &last); err != nil {
		return postgres.Applied{}, err
	}
	if last.Status == wish.Status && !a.held.unsure {
		return postgres.Applied{State: last}, nil
	}
	target, err := a.target(ctx, wish.Target)
	if err != nil {
		return postgres.Applied{}, err
	}
	if standing, err := a.postedBefore(ctx, target, wish); err != nil || standing {
		return postgres.Applied{State: map[string]any{"status": wish.Status}}, err
	}
	if err := a.client.SetStatus(ctx, target, wish.SHA, wish.Status); err != nil {
		return postgres.Applied{}, unposted(err, target, wish)
	}
	return postgres.Applied{State: map[string]any{"status": wish.Status}}, nil
}

// target returns the repository that a wish names; the environment repository where it names none. It fails where Ferry may not touch that one.
func (a *act) target(ctx context.Context, fullName string) (forge.Repo, error) {
	if fullName == "" {
		return a.repo, nil
	}
	source, err := forge.ParseFullName(fullName)
	if err != nil {
		return forge.Repo{}, &refusedError{err.Error()}
	}
	return source, mayTouch(ctx, a.client, a.repo, source)
}

// unposted says of a status that the forge does not take what is to be done about it.
func unposted(err error, target forge.Repo, wish postgres.StatusWish) error {
	what := fmt.Sprintf("the status %s cannot be posted on the commit %s of %s: ", wish.Status.Context, wish.SHA.Short(), target.FullName())
	switch {
	case errors.Is(err, forge.ErrNotFound):
		return &refusedError{what + "the forge shows no such commit to Ferry; push it, install Ferry's App on that repository, or mend the app's source or the commit that CI announces"}
	case errors.Is(err, forge.ErrForbidden):
		return &refusedError{what + "Ferry has no right to; let its App write commit statuses there"}
	case errors.Is(err, forge.ErrInvalid):
		return &refusedError{what + "the forge does not take it there, as where a commit has a thousand statuses of that name: " + err.Error()}
	}
	return err
}

// postedBefore says whether an interrupted try has posted the status: a forge lists it twice where it is posted twice. Without such a try nothing is read.
func (a *act) postedBefore(ctx context.Context, target forge.Repo, wish postgres.StatusWish) (bool, error) {
	if !a.held.unsure {
		return false, nil
	}
	standing, err := a.client.Status(ctx, target, wish.SHA, wish.Status.Context)
	if errors.Is(err, forge.ErrNotFound) {
		return false, nil
	}
	return err == nil && standing == wish.Status, err
}

// sourceFile names, in a source repository, the environment repositories of other owners that may write to it.
const sourceFile = ".ferry-source.yaml"

// mayTouch fails unless the source repository belongs to the environment repository's owner, or names that repository on its default branch.
func mayTouch(ctx context.Context, client fileReader, environments, source forge.Repo) error {
	if strings.EqualFold(source.Owner, environments.Owner) { // as GitHub compares them
		return nil
	}
	file, err := client.File(ctx, source, sourceFile, "")
	if err != nil && !errors.Is(err, forge.ErrNotFound) {
		return err
	}
	if err == nil && !file.Symlink && promotion.SourceNames(file.Content, environments.FullName()) {
		return nil
	}
	return &refusedError{fmt.Sprintf("%s belongs to another owner; its default branch must name %s in %s", source.FullName(), environments.FullName(), sourceFile)}
}

// answer reacts to a comment and answers it once: the answer of an earlier, interrupted try is looked for first.
func (a *act) answer(ctx context.Context) (postgres.Applied, error) {
	var wish postgres.AnswerWish
	if err := a.read(&wish, nil); err != nil {
		return postgres.Applied{}, err
	}
	if wish.After {
		trouble, err := a.kept(ctx, wish.Comment)
		if err != nil {
			return postgres.Applied{}, err
		}
		if trouble != "" {
			wish.Body = promotion.UnkeptWords(trouble) + "\n\n" + wish.Body
		}
	}
	if err := a.client.React(ctx, a.repo, wish.Comment, wish.Reaction); err != nil && !errors.Is(err, forge.ErrNotFound) {
		return postgres.Applied{}, err
	}
	mark := promotion.AnswerMark(wish.Comment)
	comments, err := a.client.Comments(ctx, a.repo, wish.Number)
	if err != nil {
		return postgres.Applied{}, err
	}
	for _, c := range comments {
		if c.Author.ID == a.self.ID && strings.Contains(c.Body, mark) {
			return postgres.Applied{State: map[string]any{"comment": c.ID}}, nil
		}
	}
	id, err := a.client.CreateComment(ctx, a.repo, wish.Number, wish.Body+"\n\n"+mark)
	return postgres.Applied{State: map[string]any{"comment": id}}, err
}

// kept fails while what the comment has decided is about to be written at the forge. Where it cannot be it is in force all the same, and whoever said it is
// told why it is not written.
func (a *act) kept(ctx context.Context, comment int64) (trouble string, err error) {
	waits, trouble, err := a.Store.StateStands(ctx, a.wish.Repository.ID)
	if err != nil || !waits {
		return trouble, err
	}
	if err := a.seen(ctx, comment); err != nil {
		return "", err
	}
	return "", &laterError{reason: "the decision is not written at the forge yet", pause: time.Second, free: true}
}

// seen lets whoever said something know at once that it was heard, where the answer has to wait.
func (a *act) seen(ctx context.Context, comment int64) error {
	if !a.wish.ActAt.IsZero() { // it was said before
		return nil
	}
	err := a.client.React(ctx, a.repo, comment, forge.ReactionSeen)
	if errors.Is(err, forge.ErrNotFound) {
		return nil
	}
	return err
}

// state writes the decisions to their branch, which shares no history with any other.
func (a *act) state(ctx context.Context) (postgres.Applied, error) {
	var wish postgres.StateWish
	var last struct {
		SHA forge.SHA `json:"sha"`
	}
	if err := a.read(&wish, &last); err != nil {
		return postgres.Applied{}, err
	}
	parent, err := a.client.Head(ctx, a.repo, promotion.StateBranch)
	if err != nil && !errors.Is(err, forge.ErrNotFound) {
		return postgres.Applied{}, err
	}
	if parent != "" {
		file, err := a.client.File(ctx, a.repo, promotion.StateFile, string(parent))
		if err != nil && !errors.Is(err, forge.ErrNotFound) {
			return postgres.Applied{}, err
		}
		if err == nil && string(file.Content) == wish.Content {
			return postgres.Applied{State: map[string]any{"sha": parent}}, nil
		}
	}
	message, overwrote := "Ferry's decisions", forge.SHA("")
	if parent != "" && last.SHA != "" && parent != last.SHA && !a.held.unsure {
		overwrote = parent
		message += fmt.Sprintf("\n\nSomebody else made %s. What it says is not in force, and is kept in the history of this branch.", parent)
	}
	commit, err := a.client.CreateCommit(ctx, a.repo, forge.NewCommit{Parent: parent, Message: message,
		Files: []forge.NewFile{{Path: promotion.StateFile, Content: []byte(wish.Content)}}})
	if err != nil {
		return postgres.Applied{}, err
	}
	if parent == "" {
		err = a.client.CreateBranch(ctx, a.repo, promotion.StateBranch, commit.SHA)
	} else {
		err = a.client.MoveBranch(ctx, a.repo, promotion.StateBranch, commit.SHA, false)
	}
	if errors.Is(err, forge.ErrExists) || errors.Is(err, forge.ErrInvalid) || errors.Is(err, forge.ErrConflict) {
		return postgres.Applied{}, &laterError{reason: "the branch " + promotion.StateBranch + " moved meanwhile", pause: time.Second}
	}
	return postgres.Applied{State: map[string]any{"sha": commit.SHA}, Overwrote: overwrote}, err
}
