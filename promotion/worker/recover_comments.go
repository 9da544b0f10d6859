package worker

import (
	"context"
	"slices"
	"time"

	"ferry/forge"
	"ferry/promotion"
)

// How far back the first look after the loss of the database looks for comments that nobody heard. What Ferry wrote at the forge shows until when it ran;
// its sweeps had heard everything by a day before that.
const (
	unheardReach   = 14 * 24 * time.Hour
	unheardOverlap = 24 * time.Hour
)

// mostAnswered bounds how many answered comments a late one is held against.
const mostAnswered = 100

// unheardComments finds, after the database was lost, what people said on Ferry's pages while nobody listened: commands that have no answer. Those that
// have one are kept aside, for an older command does not go over them.
func (l *look) unheardComments(ctx context.Context) error {
	if l.back == nil {
		return nil
	}
	found, err := l.client.CommentsSince(ctx, l.repo.Repo, l.unheardSince())
	if err != nil {
		return err
	}
	answered := map[int64]bool{}
	for _, c := range found {
		if comment, _ := promotion.ReadGiven(c.Body); c.Author.ID == l.self.ID {
			answered[comment] = true
		}
	}
	for _, c := range found {
		said := forge.CommentHint{ID: c.ID, Number: c.Number, Author: c.Author, Body: c.Body, CreatedAt: c.CreatedAt, Edited: c.Edited}
		hinted := slices.ContainsFunc(l.comments, func(h forge.CommentHint) bool { return h.ID == c.ID })
		switch {
		case !l.obeyed(c.Author) || len(l.commandsIn(c.Body)) == 0 || !l.back.isPage(c.Number, l.out.Issue):
		case answered[c.ID]:
			l.back.answered = append(l.back.answered, said)
		case !hinted:
			l.comments = append(l.comments, said)
		}
	}
	return nil
}

// unheardSince returns since when there may be comments that the lost database had not heard of.
func (l *look) unheardSince() time.Time {
	since := l.Now().Add(-unheardReach)
	ran := func(at time.Time) {
		if at = at.Add(-unheardOverlap); at.After(since) {
			since = at
		}
	}
	for _, posted := range l.back.posted {
		for _, s := range posted {
			ran(s.At)
		}
	}
	for _, p := range l.back.Promotions {
		ran(p.Pull.CreatedAt)
	}
	return since
}

// isPage says whether Ferry takes commands under that number.
func (b *lookBack) isPage(number, issue int) bool {
	return number != 0 && (number == issue || slices.ContainsFunc(b.Promotions, func(p promotion.PastPromotion) bool { return p.Pull.Number == number }))
}

// answeredSince writes down, with the commands that nobody had heard, what was said after the first of them and had been obeyed before the database was
// lost.
func (l *look) answeredSince(ctx context.Context) error {
	if l.back == nil || len(l.out.Commands) == 0 {
		return nil
	}
	first := slices.MinFunc(l.out.Commands, func(a, b promotion.CommandFacts) int { return a.At.Compare(b.At) }).At
	for _, c := range l.back.answered[max(0, len(l.back.answered)-mostAnswered):] {
		if !c.CreatedAt.After(first) {
			continue
		}
		if err := l.command(ctx, c, l.commandsIn(c.Body)); err != nil {
			return err
		}
		l.out.Commands[len(l.out.Commands)-1].Answered = true
	}
	return nil
}
