package worker

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// pastPulls reads Ferry's own pull requests back, with what the trailers of their commits say. Title and body prove nothing.
func (l *look) pastPulls(ctx context.Context) error {
	all, complete, err := l.client.PullRequestsBy(ctx, l.repo.Repo, 0, mostPulls)
	if err != nil {
		return err
	}
	l.back.pulls = all
	pulls := slices.DeleteFunc(slices.Clone(all), func(p forge.PullRequest) bool { return p.Author.ID != l.self.ID })
	l.back.Cut = l.back.Cut || !complete
	if err := l.ownWords(ctx, complete); err != nil {
		return err
	}
	closed := 0
	for _, p := range pulls { // the newest first
		place, ok := placeOf(p.HeadBranch)
		place = l.config.Current(place)
		if !ok || p.HeadRepo != l.repo.Repo.ID && p.Open || p.BaseBranch != l.repo.DefaultBranch {
			continue
		}
		past := promotion.PastPromotion{Pull: promotion.PullFacts{PullRequest: p}, Place: place, Intent: promotion.IntentPromotion, State: promotion.PromotionSuperseded}
		switch {
		case p.Merged:
			past.State = promotion.PromotionConverged
			err = l.pastMerged(ctx, &past)
		case p.Open:
			err = l.pastOpen(ctx, &past)
		case closed < mostRejections:
			closed++
			err = l.pastClosed(ctx, &past)
		}
		if err != nil {
			return err
		}
		apart := past.Apart(l.config)
		slices.Reverse(apart) // as all of them
		l.back.Promotions = append(l.back.Promotions, apart...)
	}
	slices.Reverse(l.back.Promotions)
	return nil
}

// placeOf reads a promotion's branch: ferry/<environment>/<app>.
func placeOf(branch string) (config.Place, bool) {
	parts := strings.Split(branch, "/")
	if len(parts) != 3 || parts[0] != "ferry" {
		return config.Place{}, false
	}
	return config.Place{Environment: parts[1], App: parts[2]}, true
}

// says reads what Ferry's own newest commit of a pull request says of it: others may have pushed on top. It returns that commit's message.
func (l *look) says(ctx context.Context, p *promotion.PastPromotion, most int) (message string, err error) {
	list, err := l.client.Commits(ctx, l.repo.Repo, p.Pull.HeadSHA, "", most)
	if errors.Is(err, forge.ErrNotFound) || errors.Is(err, forge.ErrInvalid) { // garbage collected
		return "", nil
	}
	if err != nil {
		return "", err
	}
	for _, c := range list {
		group, cars := promotion.ParseCars(c.Message)
		if len(cars) == 0 || !ferrys(c, l.self) {
			continue
		}
		t := cars[0]
		if group != "" {
			t.Place.App = group
		}
		if l.config.Current(t.Place) != p.Place {
			continue
		}
		p.Release, p.Intent, p.Asker, p.Reason, p.Own = t.Release, t.Intent, t.Asker, t.Reason, c.SHA == p.Pull.HeadSHA
		if p.Train = group; group != "" {
			for _, car := range cars {
				p.Cars = append(p.Cars, promotion.Car{App: car.Place.App, Release: car.Release, Intent: car.Intent, Asker: car.Asker})
			}
		}
		l.trailers([]forge.Commit{c})
		return c.Message, nil
	}
	return "", nil
}

// beneath is how many commits of others on top of Ferry's own are looked through.
const beneath = 10

func (l *look) pastOpen(ctx context.Context, p *promotion.PastPromotion) error {
	message, err := l.says(ctx, p, beneath)
	if err != nil || len(p.Release) == 0 {
		return err
	}
	if _, err := l.postedOn(ctx, "", p.Pull.HeadSHA); err != nil {
		return err
	}
	if err := l.pastGiven(ctx, p); err != nil {
		return err
	}
	p.State = promotion.PromotionOpen
	p.Applied = pullState{Number: p.Pull.Number, Head: p.Pull.HeadSHA, Message: message, Title: p.Pull.Title, Body: p.Pull.Body, Recovered: true}
	return nil
}

// pastGiven reads back what people gave an open pull request by commands: Ferry's answers keep it. Only an answer that nobody has edited counts, and
// only while the comment stands that it answers, of somebody who may still say so.
func (l *look) pastGiven(ctx context.Context, p *promotion.PastPromotion) error {
	comments, err := l.client.Comments(ctx, l.repo.Repo, p.Pull.Number)
	if err != nil {
		return err
	}
	for _, c := range comments {
		if c.Author.ID != l.self.ID || c.Edited {
			continue
		}
		answered, given := promotion.ReadGiven(c.Body)
		i := slices.IndexFunc(comments, func(said forge.Comment) bool { return said.ID == answered })
		if len(given) == 0 || i < 0 || comments[i].Author.ID == l.self.ID || comments[i].Author.Bot {
			continue
		}
		for _, g := range given {
			who, err := l.person(ctx, comments[i].Author, g.Command)
			if err != nil {
				return err
			}
			if err := l.earlierHead(ctx, p, g.Head); err != nil {
				return err
			}
			one := promotion.PastGiven{Given: g, Comment: answered, Person: who, At: comments[i].CreatedAt}
			if one.Stands(l.config, p.Place.Environment) {
				p.Given = append(p.Given, one)
			}
		}
	}
	return nil
}

// mostEarlier bounds how many earlier heads of one pull request are compared with the one that stands.
const mostEarlier = 10

// earlierHead looks whether an earlier head of the pull request, at which somebody approved or overrode something, is a commit of Ferry's own with exactly
// the edit of the head that stands: then it counts on. The forge keeps commits that no branch shows any more, for a while.
func (l *look) earlierHead(ctx context.Context, p *promotion.PastPromotion, sha forge.SHA) error {
	if sha == "" || sha == p.Pull.HeadSHA || !p.Own || slices.Contains(p.Same, sha) || len(p.Same) == mostEarlier {
		return nil
	}
	c, err := l.client.Commit(ctx, l.repo.Repo, sha)
	if unseen(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if !ferrys(c, l.self) || !l.saysThat(c.Message, p) {
		return nil
	}
	before, complete, err := l.client.CommitFiles(ctx, l.repo.Repo, sha)
	if err != nil || !complete {
		return err
	}
	now, complete, err := l.client.CommitFiles(ctx, l.repo.Repo, p.Pull.HeadSHA)
	if err == nil && complete && maps.Equal(blobsOf(before), blobsOf(now)) {
		p.Same = append(p.Same, sha)
	}
	return err
}

// saysThat says whether a commit's trailers name just the releases that the pull request brings: of a train, those of all its apps.
func (l *look) saysThat(message string, p *promotion.PastPromotion) bool {
	group, cars := promotion.ParseCars(message)
	if len(cars) == 0 || group != p.Train || l.config.Current(cars[0].Place).Environment != p.Place.Environment {
		return false
	}
	if group == "" {
		return l.config.Current(cars[0].Place) == p.Place && slices.Equal(cars[0].Release, p.Release)
	}
	return slices.EqualFunc(cars, p.Cars, func(t promotion.Trailers, c promotion.Car) bool {
		return t.Place.App == c.App && slices.Equal(t.Release, c.Release)
	})
}

// mergedTrains is how many merged trains of a group are looked at for what stands in their environment now.
const mergedTrains = 5

// pastMerged reads the trailers of the pull request that brought what stands in its environment now; of older ones nothing depends on them.
func (l *look) pastMerged(ctx context.Context, p *promotion.PastPromotion) error {
	later := map[int]bool{}
	for _, x := range l.back.Promotions {
		if x.Pull.HeadBranch == p.Pull.HeadBranch && x.Pull.Merged || x.Place == p.Place && x.Pull.Merged {
			later[x.Pull.Number] = x.Train != ""
		}
	}
	trains := len(later) > 0 && len(later) < mergedTrains // each brought some of the group's apps
	for _, train := range later {
		trains = trains && train
	}
	if len(later) > 0 && !trains {
		return nil
	}
	_, err := l.says(ctx, p, 1)
	return err
}

// pastClosed reads whether a person closed it, and with which release on show.
func (l *look) pastClosed(ctx context.Context, p *promotion.PastPromotion) error {
	closer, err := l.client.ClosedBy(ctx, l.repo.Repo, p.Pull.Number)
	if err != nil {
		return err
	}
	p.Pull.Closer = closer
	if closer.ID == 0 || closer.Bot || closer.ID == l.self.ID {
		return nil
	}
	if _, err := l.says(ctx, p, beneath); err != nil || len(p.Release) == 0 {
		return err
	}
	p.State, p.Rejected = promotion.PromotionRejected, true
	newer := func(x promotion.PastPromotion) bool { return x.Pull.HeadBranch == p.Pull.HeadBranch }
	if slices.ContainsFunc(l.back.Promotions, newer) {
		return nil
	}
	return l.pastGiven(ctx, p) // it may be reopened
}

// own says whether Ferry made the commit: it is recorded, or after a loss the App has signed it.
func (a *act) own(ctx context.Context, sha forge.SHA) (bool, error) {
	own, err := a.Store.IsOwnCommit(ctx, a.wish.Repository.ID, sha)
	if err != nil || own {
		return own, err
	}
	c, err := a.client.Commit(ctx, a.repo, sha)
	if errors.Is(err, forge.ErrNotFound) {
		return false, nil
	}
	_, cars := promotion.ParseCars(c.Message)
	return err == nil && len(cars) > 0 && ferrys(c, a.self), err
}

// recovered completes what was read back of an open pull request by comparing its branch with the wish: where it shows exactly that edit, nothing is
// made anew.
func (a *act) recovered(ctx context.Context, wish promotion.PullWish, last pullState) (pullState, error) {
	if strings.TrimSpace(last.Message) == strings.TrimSpace(wish.Message) {
		last.Message = wish.Message
	}
	for _, f := range wish.Files {
		file, err := a.client.File(ctx, a.repo, f.Path, string(last.Head))
		if err != nil && !errors.Is(err, forge.ErrNotFound) && !errors.Is(err, forge.ErrInvalid) {
			return last, err
		}
		if err != nil || string(file.Content) != string(f.Content) {
			return last, nil
		}
	}
	last.Edit, last.Recovered = wish.Edit, false
	return last, a.Store.RecordShown(ctx, a.wish.Repository.ID, a.wish.App, wish)
}
