package worker

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// How much is read back at most: revisions of the default branch, pull requests, those of them whose rejection is looked at, and deployments of a place
// whose statuses are.
const (
	mostRevisions   = 300
	mostPulls       = 3000
	mostRejections  = 200
	mostDeployments = 10
)

// lookBack is the first look of a Ferry that has been here before and has lost its database: it reads back what only the forge knows any more.
type lookBack struct {
	promotion.Recovery
	own    map[forge.SHA]bool         // commits of Ferry's own
	known  map[forge.SHA]forge.Commit // that were read
	listed []forge.Commit             // those of the default branch and what was merged into it, oldest first
	pulls  []forge.PullRequest        // the newest, whoever opened them
	asked  int                        // requests for who brought what
	chain  []forge.Commit             // the default branch's revisions, oldest first
	posted map[string][]forge.PostedStatus
	// configAt is the last revision that changed the configuration, or a file that it includes.
	configAt forge.SHA
	answered []forge.CommentHint // commands that Ferry had answered, oldest first
}

func (b *lookBack) knows(head forge.SHA) bool { return b != nil && b.own[head] }

// lookBack reads back what an earlier database knew, where the branch ferry-state says that there was one. It writes nothing at the forge, and where
// any of it cannot be read, nothing at all is written down: unknown is not absent.
func (l *look) lookBack(ctx context.Context) error {
	if l.out.Decisions == nil || l.head == "" {
		return nil
	}
	if known, err := l.Store.KnowsApps(ctx, l.repo.ID); err != nil || known {
		return err
	}
	l.back = &lookBack{own: map[forge.SHA]bool{}, posted: map[string][]forge.PostedStatus{}}
	for _, step := range []func(context.Context) error{l.pastRevisions, l.pastFiles, l.pastPulls, l.pastStatuses, l.pastBringers, l.pastSources, l.pastConfig, l.pastIssue} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	l.back.Settle()
	l.back.Complete(l.config)
	l.out.Recovery = &l.back.Recovery
	l.Logger.Info("read back from the forge", "repository", l.repo.Repo.FullName(), "revisions", len(l.back.chain), "pulls", len(l.back.Promotions), "cut", l.back.Cut)
	return nil
}

// ferrys says whether Ferry made the commit: the forge vouches for it, and it is nobody else's. GitHub signs what an App commits through its API, its
// own account web-flow being the committer (docs.github.com, "About commit signature verification"); what a plain token commits is not signed.
func ferrys(c forge.Commit, self forge.User) bool {
	committer := c.Committer.ID == 0 || c.Committer.ID == self.ID || c.Committer.Login == webFlow
	return self.ID != 0 && c.Author.ID == self.ID && committer && (c.Verified || !self.Bot)
}

// pastRevisions walks the default branch back along first parents, to where the baseline was taken.
func (l *look) pastRevisions(ctx context.Context) error {
	wanted := map[forge.SHA]bool{}
	for _, b := range l.out.Decisions.Baseline {
		if b.Revision != "" {
			wanted[b.Revision] = true
		}
	}
	bounded := len(wanted) > 0
	known := map[forge.SHA]forge.Commit{}
	l.back.known = known
	var listed []forge.Commit // the newest first
	for at := l.head; at != ""; {
		if _, ok := known[at]; !ok {
			list, err := l.client.Commits(ctx, l.repo.Repo, at, "", 100)
			if err != nil {
				return err
			}
			for _, c := range list {
				if _, again := known[c.SHA]; !again {
					known[c.SHA], listed = c, append(listed, c)
				}
			}
		}
		c, ok := known[at]
		if !ok {
			return errBelowFloor
		}
		l.back.chain = append(l.back.chain, c)
		delete(wanted, at)
		if bounded && len(wanted) == 0 || len(c.Parents) == 0 {
			break
		}
		if len(l.back.chain) == cmp.Or(l.MostRevisions, mostRevisions) {
			l.back.Cut = true
			break
		}
		at = c.Parents[0]
	}
	slices.Reverse(l.back.chain)
	l.out.Head = &promotion.HeadFacts{Branch: l.repo.DefaultBranch, SHA: l.head, Tree: l.back.chain[len(l.back.chain)-1].Tree, Reset: true}
	for _, c := range l.back.chain {
		l.out.Head.Revisions = append(l.out.Head.Revisions, c.SHA)
	}
	slices.Reverse(listed)
	l.back.listed = listed
	return nil
}

// trailers takes from Ferry's own commits, which come in Git's order, what CI had announced.
func (l *look) trailers(commits []forge.Commit) {
	slices.SortStableFunc(commits, func(a, b forge.Commit) int { return a.At.Compare(b.At) })
	for _, c := range commits {
		_, cars := promotion.ParseCars(c.Message)
		if len(cars) == 0 || !ferrys(c, l.self) {
			continue
		}
		l.back.own[c.SHA] = true
		var sources []promotion.Announced
		for _, t := range cars {
			sources = append(sources, t.Sources...)
		}
		for _, a := range sources {
			if !slices.ContainsFunc(l.back.Sources, func(x promotion.Announced) bool { return x.Image.Name == a.Image.Name && x.Image.Tag == a.Image.Tag }) {
				a.At = c.At
				l.back.Sources = append(l.back.Sources, a)
			}
		}
	}
}

// pastStatuses reads convergence and soak back from the statuses of the revisions that brought what stands, or stood lately.
func (l *look) pastStatuses(ctx context.Context) error {
	for i := range l.back.Past {
		past := &l.back.Past[i]
		if err := l.pastBegin(ctx, past); err != nil {
			return err
		}
		for j := max(0, len(past.Deployments)-mostDeployments); j < len(past.Deployments); j++ {
			d := &past.Deployments[j]
			if d.Baseline || d.FirstSHA == "" { // a baseline gets no statuses
				continue
			}
			posted, err := l.postedOn(ctx, "", d.FirstSHA)
			if err != nil {
				return err
			}
			posted = l.postedOf(past.Place, posted)
			if c, ok := d.ReadBack(past.Place.App, posted); ok && c.Context == promotion.EnvironmentContext(past.Place.Environment) {
				l.back.Contributions = append(l.back.Contributions, c)
			}
		}
		past.Seen()
	}
	return nil
}

// postedOf returns those of the statuses that speak of the place, also under names that it had before; they name the app as it is called now.
func (l *look) postedOf(place config.Place, posted []forge.PostedStatus) (out []forge.PostedStatus) {
	contexts := []string{promotion.EnvironmentContext(place.Environment)}
	if env, ok := l.config.Environment(place.Environment); ok {
		for _, was := range env.Was {
			contexts = append(contexts, promotion.EnvironmentContext(was))
		}
	}
	app, _ := l.config.App(place.App)
	for _, s := range posted {
		if slices.Contains(contexts, s.Context) {
			s.Description = promotion.CalledNow(s.Description, app)
			out = append(out, s)
		}
	}
	return out
}

// pastBegin finds the revision that brought what has stood since before the revisions that were read back: the merge of Ferry's pull request, or the
// last commit that changed a manifest.
func (l *look) pastBegin(ctx context.Context, past *promotion.Past) error {
	if !l.back.Cut || len(past.Deployments) == 0 {
		return nil
	}
	i := slices.IndexFunc(past.Deployments, func(d promotion.Deployment) bool { return d.FirstSeq == 1 })
	if i < 0 || past.Deployments[i].Baseline {
		return nil
	}
	d := &past.Deployments[i]
	for _, p := range slices.Backward(l.back.Promotions) {
		if p.Place == past.Place && p.Pull.Merged && (len(p.Release) == 0 || p.Release.Same(d.Release)) {
			d.FirstSHA, d.Since = p.Pull.MergeSHA, p.Pull.MergedAt
			c, err := l.client.Commit(ctx, l.repo.Repo, d.FirstSHA)
			if err != nil && !errors.Is(err, forge.ErrNotFound) {
				return err
			}
			d.BroughtBy, d.BroughtAlso = bringer(c).Login, c.By
			return nil
		}
	}
	for _, f := range l.out.Files {
		if f.Place != past.Place || f.Also {
			continue
		}
		list, err := l.client.Commits(ctx, l.repo.Repo, l.back.chain[0].SHA, f.Path, 1)
		if err != nil {
			return err
		}
		if len(list) > 0 {
			d.FirstSHA, d.Since, d.BroughtBy, d.BroughtAlso = list[0].SHA, list[0].At, bringer(list[0]).Login, list[0].By
		}
		return nil
	}
	return nil
}

// postedOn returns Ferry's own statuses on a commit, oldest first, and notes which of them stand. target is empty for the environment repository.
func (l *look) postedOn(ctx context.Context, target string, sha forge.SHA) ([]forge.PostedStatus, error) {
	key := target + " " + string(sha)
	if own, ok := l.back.posted[key]; ok {
		return own, nil
	}
	repo := l.repo.Repo
	if target != "" {
		var err error
		if repo, err = forge.ParseFullName(target); err != nil {
			return nil, nil
		}
	}
	all, err := l.client.Statuses(ctx, repo, sha)
	if err != nil && !errors.Is(err, forge.ErrNotFound) && !errors.Is(err, forge.ErrInvalid) && (target == "" || !errors.Is(err, forge.ErrForbidden)) {
		return nil, err
	}
	own := slices.DeleteFunc(all, func(s forge.PostedStatus) bool { return s.By.ID != l.self.ID })
	seen := map[string]bool{}
	for _, s := range own {
		if !seen[s.Context] {
			l.back.Statuses = append(l.back.Statuses, promotion.StandingStatus{Target: target, SHA: sha, Status: s.Status})
		}
		seen[s.Context] = true
	}
	slices.Reverse(own)
	l.back.posted[key] = own
	return own, nil
}

// pastSources reads what stands on the commits that the deployments' images were built from.
func (l *look) pastSources(ctx context.Context) error {
	for _, past := range l.back.Past {
		for _, d := range past.Deployments[max(0, len(past.Deployments)-2):] {
			if d.Baseline {
				continue
			}
			for _, image := range d.Release {
				target, sha := l.sourceOf(past.Place, image)
				if sha == "" || !strings.EqualFold(ownerOf(target), l.repo.Repo.Owner) {
					continue
				}
				posted, err := l.postedOn(ctx, target, sha)
				if err != nil {
					return err
				}
				posted = l.postedOf(past.Place, posted)
				copied := d
				if c, ok := copied.ReadBack(past.Place.App, posted); ok && c.Context == promotion.EnvironmentContext(past.Place.Environment) {
					c.Target, c.SHA = target, sha
					l.back.Contributions = append(l.back.Contributions, c)
				}
			}
		}
	}
	return nil
}

func (l *look) sourceOf(place config.Place, image promotion.Image) (target string, sha forge.SHA) {
	app, ok := l.config.App(place.App, l.pathsOf(place)...)
	if !ok || app.Source == "" {
		return "", ""
	}
	for _, a := range l.back.Sources {
		if a.Image.Name == image.Name && a.Image.Tag == image.Tag {
			return app.Source, a.Commit
		}
	}
	return app.Source, promotion.CommitOfTag(image.Tag)
}

func (l *look) pathsOf(place config.Place) (paths []string) {
	for _, f := range l.out.Files {
		if f.Place == place && !f.Also {
			paths = append(paths, f.Path)
		}
	}
	return paths
}

func ownerOf(fullName string) string {
	owner, _, _ := strings.Cut(fullName, "/")
	return owner
}

// pastConfig finds the revision at which .ferry.yaml was read: its status stands there.
func (l *look) pastConfig(ctx context.Context) error {
	if l.out.ConfigFacts == nil {
		return nil
	}
	l.out.ConfigFacts.Revision = ""
	list, err := l.client.Commits(ctx, l.repo.Repo, l.head, config.File, 1)
	if err != nil {
		return err
	}
	candidates := []forge.SHA{l.back.chain[0].SHA}
	for _, c := range list {
		candidates = append(candidates, c.SHA)
	}
	if l.back.configAt != "" && !slices.Contains(candidates, l.back.configAt) {
		candidates = append(candidates, l.back.configAt)
	}
	for _, c := range slices.Backward(candidates) {
		posted, err := l.postedOn(ctx, "", c)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(posted, func(s forge.PostedStatus) bool { return s.Context == promotion.ConfigContext }) {
			l.out.ConfigFacts.Revision = c
			return nil
		}
	}
	return nil
}

// pastIssue finds Ferry's issue, under which commands are taken.
func (l *look) pastIssue(ctx context.Context) error {
	issues, err := l.client.IssuesBy(ctx, l.repo.Repo, l.self.Login)
	l.out.Issue = findIssue(issues, 0, promotion.IssueTitle, l.self).Number
	return err
}

// lookBackAtHeads notes which statuses of Ferry's stand on the heads of the open pull requests.
func (l *look) lookBackAtHeads(ctx context.Context) error {
	if l.back == nil {
		return nil
	}
	for _, p := range l.out.Pulls {
		if p.Open && p.BaseBranch == l.repo.DefaultBranch {
			if _, err := l.postedOn(ctx, "", p.HeadSHA); err != nil {
				return err
			}
		}
	}
	return nil
}
