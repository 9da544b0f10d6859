package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
	"ferry/promotion/postgres"
)

// headSeen notes by when a pull request of Ferry's stood at a head: also where Ferry itself moved it, which asks for no read.
func (l *look) headSeen(p forge.PullHint) {
	if p.Open && p.HeadRepo == l.repo.Repo.ID && strings.HasPrefix(p.HeadBranch, "ferry/") && !p.UpdatedAt.IsZero() {
		l.out.Heads = append(l.out.Heads, promotion.HeadSeen{Number: p.Number, SHA: p.HeadSHA, By: p.UpdatedAt})
	}
}

// lookAtReviews reads the reviews of Ferry's pull requests: of those that a delivery hints at; and of all that are open, on a sweep, and where the
// configuration changed, by which they may count otherwise. Where nothing depends on them, nothing is read.
func (l *look) lookAtReviews(ctx context.Context) error {
	if l.config == nil {
		return nil
	}
	numbers := []int{}
	for number := range l.reviews {
		numbers = append(numbers, number)
	}
	l.out.Reviewed = numbers
	all := l.repo.Sweep || l.out.ConfigFacts != nil
	if len(numbers) == 0 && !all && l.back == nil {
		return nil
	}
	open, err := l.Store.ReviewedPulls(ctx, l.repo.ID, numbers, all)
	if err != nil {
		return err
	}
	for _, p := range append(open, l.recoveredPulls()...) {
		if err := l.reviewsOf(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// recoveredPulls returns the open pull requests that were just read back, after the database was lost; and the last of a branch that a person closed: it
// may be reopened.
func (l *look) recoveredPulls() (list []postgres.ReviewedPull) {
	if l.back == nil {
		return nil
	}
	newest := map[string]int{}
	for _, p := range l.back.Promotions {
		newest[p.Pull.HeadBranch] = max(newest[p.Pull.HeadBranch], p.Pull.Number)
	}
	for _, p := range l.back.Promotions {
		if p.State == promotion.PromotionOpen && p.Pull.Open || p.Rejected && p.Pull.Number == newest[p.Pull.HeadBranch] {
			list = append(list, postgres.ReviewedPull{Number: p.Pull.Number, Place: p.Place, Release: p.Release, Announced: l.back.Sources})
		}
	}
	return list
}

// reviewsOf reads the reviews of one pull request, and what counts of those who reviewed.
func (l *look) reviewsOf(ctx context.Context, p postgres.ReviewedPull) error {
	env, ok := l.config.Settings(p.Place.App, p.Place.Environment)
	if !ok || !promotion.NeedsReviews(env) {
		return nil
	}
	if i := slices.IndexFunc(l.out.Reviews, func(f promotion.ReviewFacts) bool { return f.Number == p.Number }); i >= 0 { // another app of the same train
		if len(l.out.Reviews[i].Reviews) == 0 {
			return nil
		}
		return l.authors(ctx, p)
	}
	found, err := l.client.Reviews(ctx, l.repo.Repo, p.Number)
	if l.goesOnWithout(err) {
		l.Logger.Warn("the reviews cannot be read; what was known of them stays", "repository", l.repo.Repo.FullName(), "pull", p.Number, "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	if l.patient() && slices.ContainsFunc(l.reviews[p.Number], func(told forge.ReviewHint) bool { return !shown(found, told) }) {
		return errBelowFloor
	}
	facts := promotion.ReviewFacts{Number: p.Number}
	for _, r := range found {
		verdict, ok := verdictOf(r.State)
		if !ok {
			continue
		}
		one := promotion.Review{Person: promotion.Person{User: r.Author}, Verdict: verdict, SHA: r.SHA, At: r.At}
		facts.Reviews = append(slices.DeleteFunc(facts.Reviews, func(before promotion.Review) bool { return before.ID == r.Author.ID }), one)
	}
	for i := range facts.Reviews {
		r := &facts.Reviews[i]
		if r.Bot || r.Login == "" || r.Verdict == promotion.VerdictDismissed {
			continue
		}
		if r.Person, err = l.person(ctx, r.User, promotion.CommandApprove); err != nil {
			return err
		}
	}
	for _, said := range p.Commented { // who may not any more does not count any more
		if said.Person, err = l.person(ctx, said.User, promotion.CommandApprove); err != nil {
			return err
		}
		facts.Reviews = append(facts.Reviews, said)
	}
	if err := l.earlierHeads(ctx, facts); err != nil {
		return err
	}
	l.out.Reviews = append(l.out.Reviews, facts)
	if len(facts.Reviews) == 0 {
		return nil
	}
	return l.authors(ctx, p)
}

// earlierHeads looks, after the database was lost, which reviews are of an earlier head that shows what the one that stands does.
func (l *look) earlierHeads(ctx context.Context, facts promotion.ReviewFacts) error {
	if l.back == nil {
		return nil
	}
	i := slices.IndexFunc(l.back.Promotions, func(p promotion.PastPromotion) bool { return p.Pull.Number == facts.Number })
	for _, r := range facts.Reviews {
		if i < 0 || r.Verdict != promotion.VerdictApproved {
			continue
		}
		if err := l.earlierHead(ctx, &l.back.Promotions[i], r.SHA); err != nil {
			return err
		}
	}
	return nil
}

// shown says whether the reviews are as new as what a delivery told of one.
func shown(found []forge.Review, told forge.ReviewHint) bool {
	return slices.ContainsFunc(found, func(r forge.Review) bool {
		return r.ID == told.ID && (told.State != forge.ReviewDismissed || r.State == forge.ReviewDismissed)
	})
}

// verdictOf returns what a review's state says; false where it says neither yes nor no.
func verdictOf(state forge.ReviewState) (promotion.Verdict, bool) {
	switch state {
	case forge.ReviewApproved:
		return promotion.VerdictApproved, true
	case forge.ReviewChangesRequested:
		return promotion.VerdictChanges, true
	case forge.ReviewDismissed:
		return promotion.VerdictDismissed, true
	}
	return "", false
}

// authors reads who made the commits that a promotion's images were built from, where that is not known yet. A commit that the forge does not show has
// no author that Ferry knows.
func (l *look) authors(ctx context.Context, p postgres.ReviewedPull) error {
	app, ok := l.config.App(p.Place.App)
	if !ok || app.Source == "" {
		return nil
	}
	source, err := forge.ParseFullName(app.Source)
	if err != nil {
		return nil
	}
	for _, image := range p.Release {
		commit := promotion.CommitOfTag(image.Tag)
		for _, a := range p.Announced {
			if a.Image.Name == image.Name && a.Image.Tag == image.Tag && a.Commit != "" {
				commit = a.Commit
			}
		}
		known := slices.ContainsFunc(slices.Concat(p.Authors, l.out.Authors), func(a promotion.Author) bool {
			return a.Commit == commit && strings.EqualFold(a.Source, app.Source)
		})
		if commit == "" || known {
			continue
		}
		author, err := l.author(ctx, source, commit)
		if err != nil {
			return err
		}
		author.Source, author.Commit = app.Source, commit
		l.out.Authors = append(l.out.Authors, author)
	}
	return nil
}

// author returns the accounts that made a source commit; nobody where the forge does not say, or that repository is none of the environment
// repository's business.
func (l *look) author(ctx context.Context, source forge.Repo, commit forge.SHA) (a promotion.Author, err error) {
	var refused *refusedError
	if err := mayTouch(ctx, l.client, l.repo.Repo, source); errors.As(err, &refused) || unseen(err) {
		return a, nil
	} else if err != nil {
		return a, err
	}
	c, err := l.client.Commit(ctx, source, commit)
	if unseen(err) {
		return a, nil
	}
	if a.User, a.With = c.Author, c.With; err != nil || !c.Unnamed {
		return a, err
	}
	also, err := l.coAuthorsOf(ctx, source, promotion.CoAuthors{Source: source.FullName()}, []forge.SHA{commit})
	a.With = sorted(append(a.With, also...))
	return a, err
}

// unseen says whether the forge does not show something to Ferry, now or later.
func unseen(err error) bool {
	return errors.Is(err, forge.ErrNotFound) || errors.Is(err, forge.ErrForbidden) || errors.Is(err, forge.ErrInvalid)
}

// command writes down a comment with commands, with what its author may do.
func (l *look) command(ctx context.Context, c forge.CommentHint, commands []promotion.Command) error {
	names := make([]string, len(commands))
	for i, command := range commands {
		names[i] = command.Name
	}
	who, err := l.person(ctx, c.Author, names...)
	if err != nil {
		return err
	}
	if promotion.AnyBound(commands) {
		if err := l.headOf(ctx, c.Number); err != nil {
			return err
		}
	}
	if slices.Contains(names, promotion.CommandApprove) {
		if err := l.authorsBehind(ctx, c.Number); err != nil {
			return err
		}
	}
	images, err := l.hotfixed(ctx, c.Number, commands)
	if err != nil {
		return err
	}
	l.out.Commands = append(l.out.Commands, promotion.CommandFacts{Comment: c.ID, Number: c.Number, Author: c.Author, Permission: who.Permission,
		Teams: who.Teams, Unknown: who.Unknown, Body: plain(c.Body), At: c.CreatedAt, Edited: c.Edited, Images: images})
	return nil
}

// headOf reads a pull request under which somebody said what is bound to what it shows, where Ferry does not know since when it shows that: as after a
// webhook was lost. That is too late for this comment, which has changed the pull request itself, and in time for the next.
func (l *look) headOf(ctx context.Context, number int) error {
	if slices.ContainsFunc(l.out.Heads, func(h promotion.HeadSeen) bool { return h.Number == number }) {
		return nil
	}
	unknown, err := l.Store.HeadIsUnknown(ctx, l.repo.ID, number)
	if err != nil || !unknown {
		return err
	}
	p, err := l.client.PullRequest(ctx, l.repo.Repo, number)
	if err == nil {
		l.out.Heads = append(l.out.Heads, promotion.HeadSeen{Number: number, SHA: p.HeadSHA, By: p.UpdatedAt})
	}
	return err
}

// authorsBehind reads who made the source commits behind the pull request that somebody approves by comment.
func (l *look) authorsBehind(ctx context.Context, number int) error {
	if l.config == nil {
		return nil
	}
	list, err := l.Store.ReviewedPulls(ctx, l.repo.ID, []int{number}, false)
	if err != nil {
		return err
	}
	for _, p := range list {
		env, ok := l.config.Settings(p.Place.App, p.Place.Environment)
		if !ok || !promotion.NeedsReviews(env) {
			continue
		}
		if err := l.authors(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// person looks up what somebody may do who gives the commands: their permission, and where that is not enough, the teams that .ferry.yaml names for one
// of them. What cannot be looked up they may not, and it says why; what may be looked up later fails.
func (l *look) person(ctx context.Context, who forge.User, commands ...string) (promotion.Person, error) {
	p, known := l.people[who.Login]
	if !known {
		p = promotion.Person{User: who}
		permission, err := l.client.Permission(ctx, l.repo.Repo, who.Login)
		switch {
		case errors.Is(err, forge.ErrNotFound):
		case unseen(err) || l.goesOnWithout(err):
			p.Unknown = promotion.NotLookedUp + firstLine(err)
		case err != nil:
			return p, err
		}
		p.Permission = permission
		l.people[who.Login] = p
	}
	if l.config == nil {
		return p, nil
	}
	for _, team := range promotion.TeamsToAsk(l.config, p, commands...) {
		member, err := l.inTeam(ctx, team, who.Login)
		switch {
		case errors.Is(err, forge.ErrForbidden):
			p.Unknown = "Ferry may not see teams: let its App read the organization's members (permission Members: read)"
		case unseen(err) || l.goesOnWithout(err):
			p.Unknown = fmt.Sprintf("%sthe team %s: %s", promotion.NotLookedUp, team, firstLine(err))
		case err != nil:
			return p, err
		case member:
			p.Teams = append(slices.Clone(p.Teams), team)
		default:
			if p.Unknown, err = l.noTeam(ctx, team, p.Unknown); err != nil {
				return p, err
			}
		}
	}
	return p, nil
}

// noTeam adds to what could not be looked up of a person that there is no such team as .ferry.yaml names: the forge calls nobody a member of it.
func (l *look) noTeam(ctx context.Context, team, unknown string) (string, error) {
	there, err := l.teamThere(ctx, team)
	if err == nil && !there && unknown == "" {
		unknown = fmt.Sprintf("There is no team %s, or Ferry's App cannot see it: %s names it, by its slug as in its address", team, config.File)
	}
	return unknown, err
}

// teamThere says whether the forge shows Ferry a team, and true where nobody can tell. Each is asked for once in a look.
func (l *look) teamThere(ctx context.Context, team string) (there bool, err error) {
	there, asked := l.teams[team]
	if asked {
		return there, nil
	}
	org, slug := config.Team(team, l.repo.Repo.Owner)
	there, err = l.client.TeamExists(ctx, org, slug)
	switch {
	case unseen(err) || l.goesOnWithout(err):
		there = true
	case err != nil:
		return false, err
	}
	if l.teams == nil {
		l.teams = map[string]bool{}
	}
	l.teams[team] = there
	return there, nil
}

// mostTeams bounds how many teams are asked for beside what people depend on.
const mostTeams = 20

// noTeams returns the teams that .ferry.yaml names and the forge does not show.
func (l *look) noTeams(ctx context.Context) (missing []string, err error) {
	named := l.config.Teams()
	for _, team := range named[:min(len(named), mostTeams)] {
		there, err := l.teamThere(ctx, team)
		if err != nil {
			return nil, err
		}
		if !there {
			missing = append(missing, team)
		}
	}
	return missing, nil
}

// lookupTries is how often a look at the whole repository fails for one thing that is asked of a person or a pull request, for a minute in all, before it goes
// on without.
const lookupTries = 6

// goesOnWithout says whether the look is to go on without what just failed: a person's right that cannot be looked up is none, and must not keep pushes,
// reports and everybody else's commands waiting.
func (l *look) goesOnWithout(err error) bool {
	var limited *forge.RateLimited
	return err != nil && l.repo.Failures >= lookupTries && !errors.As(err, &limited) && !errors.Is(err, context.Canceled)
}

// inTeam asks the forge about a team as .ferry.yaml names it: by its slug, with or without the organization in front.
func (l *look) inTeam(ctx context.Context, team, login string) (bool, error) {
	org, slug := config.Team(team, l.repo.Repo.Owner)
	return l.client.InTeam(ctx, org, slug, login)
}
