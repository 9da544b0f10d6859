package worker

import (
	"context"
	"errors"
	"slices"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// mergeQueue is the account that pushes what GitHub's merge queue merges; who wrote it is the commit's author.
const mergeQueue = "github-merge-queue[bot]"

// mostPushers bounds for how many revisions of which no delivery told their author is read.
const mostPushers = 5

// pushedBy notes who pushed, and who made what came with the push.
func (l *look) pushedBy(push forge.Push, sender forge.User) {
	brought := promotion.Bringers{User: sender}
	for _, c := range push.Commits {
		brought.Also = append(brought.Also, c.By...)
		if c.Unnamed {
			l.unnamed[push.After] = append(l.unnamed[push.After], c.SHA)
		}
	}
	brought.Also = sorted(brought.Also)
	l.bringers[push.After] = brought
}

// lookAtPushers finds who brought the revisions at which manifests changed: from the deliveries or the comparison, which costs nothing; of those that
// none told of, from the commit.
func (l *look) lookAtPushers(ctx context.Context) error {
	if l.out.Head == nil || l.repo.Head == "" {
		return nil
	}
	l.out.Head.Bringers = l.bringers
	read := 0
	for _, f := range slices.Concat(l.out.Earlier, l.out.Files) {
		who, heard := l.bringers[f.Revision]
		known := heard
		if f.Also || l.out.Head.Reset {
			continue
		}
		if !known {
			who, known = l.comparedTo(f.Revision)
		}
		if known {
			l.bringers[f.Revision] = who
		}
		if (!known || who.Login == mergeQueue) && read < mostPushers {
			read++
			if err := l.readBringer(ctx, f.Revision, who); err != nil {
				return err
			}
		}
		if !heard {
			if err := l.nameMergers(ctx, f.Revision); err != nil {
				return err
			}
		}
		if err := l.nameAll(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// readBringer asks the forge who made a revision of which nobody told, or that a merge queue merged.
func (l *look) readBringer(ctx context.Context, revision forge.SHA, told promotion.Bringers) error {
	c, err := l.client.Commit(ctx, l.repo.Repo, revision)
	if err != nil && !errors.Is(err, forge.ErrNotFound) {
		return err
	}
	if c.Unnamed {
		l.unnamed[revision] = append(l.unnamed[revision], revision)
	}
	l.bringers[revision] = promotion.Bringers{User: bringer(c), Also: sorted(append(told.Also, c.By...))}
	return nil
}

// comparedTo returns who brought a revision that a comparison told of; false where none did. Where it does not tell which of the commits changed a file,
// that is everybody who made one.
func (l *look) comparedTo(revision forge.SHA) (promotion.Bringers, bool) {
	known := map[forge.SHA]forge.Commit{}
	for _, c := range l.compared {
		known[c.SHA] = c
	}
	c, told := known[revision]
	if !told {
		return promotion.Bringers{}, false
	}
	before := c.Parents[:min(1, len(c.Parents))]
	if l.together() {
		before = nil
	}
	by, unnamed := cameWith(known, revision, before)
	l.unnamed[revision] = unnamed
	return promotion.Bringers{User: bringer(c), Also: by}, true
}

// together says whether it is not known which of the revisions that a comparison told of changed what.
func (l *look) together() bool { return len(l.line) == 0 || len(l.line) > 1 && l.steps == nil }

// nameAll adds, of a revision that changed what stands, the co-authors whom only the forge knows.
func (l *look) nameAll(ctx context.Context, f promotion.FileFacts) error {
	commits := l.unnamed[f.Revision]
	if len(commits) == 0 {
		return nil
	}
	also, err := l.coAuthorsOf(ctx, l.repo.Repo, promotion.CoAuthors{Revision: f.Revision}, commits)
	who := l.bringers[f.Revision]
	who.Also = sorted(append(who.Also, also...))
	l.bringers[f.Revision] = who
	delete(l.unnamed, f.Revision)
	return err
}

// comesFirst says whether nothing is promoted into the place: its releases come by commits.
func (l *look) comesFirst(place config.Place) bool {
	env, ok := l.config.Settings(place.App, place.Environment)
	return ok && len(env.From) == 0
}

// cameWith returns who made the commits that came to the branch with a revision: those that it leads back to and the one before it does not, as far as
// they are known; and those of them whose co-authors only the forge knows.
func cameWith(known map[forge.SHA]forge.Commit, revision forge.SHA, before []forge.SHA) (by []string, unnamed []forge.SHA) {
	there := ancestors(known, before...)
	for sha := range ancestors(known, revision) {
		if there[sha] {
			continue
		}
		by = append(by, known[sha].By...)
		if known[sha].Unnamed {
			unnamed = append(unnamed, sha)
		}
	}
	slices.Sort(unnamed)
	return sorted(by), unnamed
}

// ancestors returns the commits and all that they lead back to, of those that are known.
func ancestors(known map[forge.SHA]forge.Commit, from ...forge.SHA) map[forge.SHA]bool {
	found := map[forge.SHA]bool{}
	for open := slices.Clone(from); len(open) > 0; {
		at := open[len(open)-1]
		open = open[:len(open)-1]
		if c, ok := known[at]; ok && !found[at] {
			found[at] = true
			open = append(open, c.Parents...)
		}
	}
	return found
}

func sorted(logins []string) []string {
	logins = slices.Clone(logins)
	slices.Sort(logins)
	return slices.Compact(logins)
}

// webFlow is the account that GitHub commits as where somebody merges or edits on its pages (docs.github.com, "About commit signature verification").
const webFlow = "web-flow"

// bringer returns whom a commit itself tells to have brought it to the branch: its committer, who is nearer to the push than who wrote it; its author,
// where the forge committed it or knows no account of the committer's.
func bringer(c forge.Commit) forge.User {
	if c.Committer.Login != "" && c.Committer.Login != webFlow {
		return c.Committer
	}
	return c.Author
}
