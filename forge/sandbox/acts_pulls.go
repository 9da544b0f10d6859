package sandbox

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox/bare"
)

// newPull is what a pull request is opened with.
type newPull struct {
	Title string `json:"title"`
	Body  string `json:"body"`
	Head  string `json:"head"`
	Base  string `json:"base"`
	Draft bool   `json:"draft"`
}

func (s *Sandbox) openPull(r *repository, in newPull, who *account) (*thread, error) {
	p, err := s.checkPull(r, in)
	if err != nil {
		return nil, err
	}
	t := s.newThread(r, in.Title, in.Body, who)
	p.id, p.draft = s.st.nextID(), in.Draft
	t.pull = p
	return t, s.emitPull(r, t, "opened", who, nil)
}

// checkPull returns a pull request that may be opened, without a number, or GitHub's reason against it.
func (s *Sandbox) checkPull(r *repository, in newPull) (*pull, error) {
	if in.Title == "" {
		return nil, missingField("PullRequest", "title")
	}
	if err := checkText("PullRequest", in.Title, in.Body); err != nil {
		return nil, err
	}
	owner, branch, ok := strings.Cut(in.Head, ":")
	if !ok {
		owner, branch = r.owner.login, in.Head
	}
	from := s.forkOf(r, owner)
	if from == nil {
		return nil, invalid("PullRequest", "head", "head is invalid")
	}
	head, err := r.reach(from, branch)
	if err != nil {
		return nil, err
	}
	p := &pull{head: branch, from: from.id, owner: from.owner, headSHA: head, base: in.Base, baseSHA: r.head(in.Base)}
	p.baseSeen = p.baseSHA
	switch {
	case head == "":
		return nil, invalid("PullRequest", "head", "head is invalid")
	case p.baseSHA == "":
		return nil, invalid("PullRequest", "base", "base is invalid")
	case r.openPullOf(p) != nil:
		return nil, invalid("PullRequest", "", "A pull request already exists for %s:%s.", from.owner.login, branch)
	}
	return p, r.checkCommits(p)
}

// checkCommits fails where a pull request has nothing to merge.
func (r *repository) checkCommits(p *pull) error {
	fork, err := r.git.MergeBase(p.baseSHA, p.headSHA)
	switch {
	case err != nil:
		return err
	case fork == "":
		return invalid("PullRequest", "", "The %s branch has no history in common with %s", p.base, p.head)
	case fork == p.headSHA:
		return invalid("PullRequest", "", "No commits between %s and %s", p.base, p.head)
	}
	return nil
}

// openPullOf returns the open pull request with the head and the base of p.
func (r *repository) openPullOf(p *pull) *thread {
	for _, t := range r.pullRequests() {
		if t.open && t.pull.from == p.from && t.pull.head == p.head && t.pull.base == p.base {
			return t
		}
	}
	return nil
}

// setOpen closes a thread or opens it again, and tells so. It fails with GitHub's reason where a pull request cannot be
// opened again.
func (s *Sandbox) setOpen(r *repository, t *thread, open bool, who *account) error {
	if t.open == open {
		return nil
	}
	if open && t.pull != nil {
		head, err := s.headOf(r, t.pull)
		if err != nil {
			return err
		}
		if err := s.mayReopen(r, t, head); err != nil {
			return err
		}
		t.pull.headSHA, t.pull.baseSHA = head, r.head(t.pull.base)
		t.pull.baseSeen = t.pull.baseSHA
	}
	t.open, t.updated = open, s.now()
	action := "reopened"
	t.closed, t.closedBy = time.Time{}, nil
	if !open {
		action, t.closed, t.closedBy = "closed", s.now(), who
		if t.pull != nil {
			t.pull.auto, t.pull.queued = nil, nil
		}
	}
	if err := s.emitThread(r, t, action, who, nil); err != nil || t.pull == nil {
		return err
	}
	return s.settleQueue(r, t.pull.base)
}

// mayReopen returns GitHub's reason against opening a pull request again whose head branch stands at head.
func (s *Sandbox) mayReopen(r *repository, t *thread, head string) error {
	p := t.pull
	refuse := func(format string, args ...any) error {
		return invalid("PullRequest", "state", "state cannot be changed. "+format, args...)
	}
	base := r.head(p.base)
	switch {
	case p.merged:
		return refuse("The pull request cannot be reopened.")
	case s.source(r, p) == nil:
		return refuse("The repository that submitted this pull request has been deleted.")
	case head == "":
		return refuse("The %s branch has been deleted.", p.head)
	case base == "":
		return refuse("The %s branch has been deleted.", p.base)
	case r.openPullOf(p) != nil:
		return refuse("There is already an open pull request for %s:%s.", p.owner.login, p.head)
	case p.emptied:
		return refuse("The %s branch was force-pushed or recreated.", p.head)
	}
	forward, err := r.git.Contains(head, p.headSHA)
	if err != nil {
		return err
	}
	if !forward {
		return refuse("The %s branch was force-pushed or recreated.", p.head)
	}
	if in, err := r.git.Contains(base, head); err != nil || in {
		return refuse("There are no new commits on the %s branch.", p.head)
	}
	return nil
}

// tryMerge makes the try whether a pull request merges. As at GitHub the first look only asks for it: the answer to that
// one says null, and a later one knows.
func (s *Sandbox) tryMerge(r *repository, t *thread) error {
	p := t.pull
	if !t.open {
		return nil
	}
	if !p.trial.of(p) {
		p.trial = trial{head: p.headSHA, base: p.baseSHA}
		return nil
	}
	if p.trial.done {
		return nil
	}
	tree, clean, err := r.git.MergeTrees(p.baseSHA, p.headSHA)
	if err != nil {
		return err
	}
	p.trial.done, p.trial.clean = true, clean
	if !clean {
		return nil
	}
	p.trial.sha, err = s.writeMerge(r, tree, []string{p.baseSHA, p.headSHA}, fmt.Sprintf("Merge %s into %s", p.headSHA, p.baseSHA), t.author)
	return err
}

// writeMerge makes a commit in the forge's own name for who.
func (s *Sandbox) writeMerge(r *repository, tree string, parents []string, message string, who *account) (string, error) {
	now := s.now()
	sha, err := r.git.WriteCommit(bare.Commit{Tree: tree, Parents: parents, Author: who.signature(now), Committer: webFlow(now), Message: message})
	if err == nil {
		r.signed[sha] = true
	}
	return sha, err
}

// mergeOrder is what a pull request is merged with.
type mergeOrder struct {
	Title   *string `json:"commit_title"`
	Message *string `json:"commit_message"`
	SHA     string  `json:"sha"`
	Method  string  `json:"merge_method"`
}

// merge merges a pull request and returns the commit on the base. It fails with GitHub's 405 and 409.
func (s *Sandbox) merge(r *repository, t *thread, in mergeOrder, who *account) (string, error) {
	p, method := t.pull, forge.MergeMethod(cmp.Or(in.Method, string(forge.MergeCommit)))
	switch {
	case !t.open:
		return "", fail(http.StatusMethodNotAllowed, "Pull Request is not mergeable")
	case p.draft:
		return "", fail(http.StatusMethodNotAllowed, "Pull Request is still a draft")
	case in.SHA != "" && in.SHA != p.headSHA:
		return "", fail(http.StatusConflict, "Head branch was modified. Review and try the merge again.")
	}
	if err := r.refuseMethod(method); err != nil {
		return "", err
	}
	if err := s.refuse(r, http.StatusMethodNotAllowed, move{branch: p.base, before: p.baseSHA, after: p.headSHA, who: who, pull: t, method: method}); err != nil {
		return "", err
	}
	sha, clean, err := s.mergeCommits(r, t, in, who)
	if err != nil {
		return "", err
	}
	if !clean {
		return "", fail(http.StatusMethodNotAllowed, "Pull Request is not mergeable")
	}
	before := p.baseSHA
	if err := r.git.SetRef("refs/heads/"+p.base, sha, before); err != nil {
		return "", fail(http.StatusMethodNotAllowed, "Base branch was modified. Review and try the merge again.")
	}
	if err := s.markMerged(r, t, sha, who); err != nil {
		return "", err
	}
	return sha, s.refMoved(r, "refs/heads/"+p.base, before, sha, who)
}

func (s *Sandbox) mergeCommits(r *repository, t *thread, in mergeOrder, who *account) (sha string, clean bool, err error) {
	p := t.pull
	switch in.Method {
	case "", "merge":
		title, message := fmt.Sprintf("Merge pull request #%d from %s/%s", t.number, p.owner.login, p.head), t.title
		return s.mergeTree(r, t, []string{p.baseSHA, p.headSHA}, in.text(title, message), who)
	case "squash":
		title, message, err := r.squashText(t)
		if err != nil {
			return "", false, err
		}
		// Its author is who opened the pull request, whoever merges it; who merged stands at the pull request alone (github.com/isaacs/github, issue 1368).
		return s.mergeTree(r, t, []string{p.baseSHA}, in.text(title, message), t.author)
	case "rebase":
		return s.rebase(r, t, who)
	}
	return "", false, invalid("PullRequest", "merge_method", "merge_method is not one of merge, squash and rebase")
}

func (s *Sandbox) mergeTree(r *repository, t *thread, parents []string, message string, who *account) (string, bool, error) {
	tree, clean, err := r.git.MergeTrees(t.pull.baseSHA, t.pull.headSHA)
	if err != nil || !clean {
		return "", false, err
	}
	sha, err := s.writeMerge(r, tree, parents, message, who)
	return sha, err == nil, err
}

// text is the message of a merge: what was ordered, else GitHub's own.
func (in mergeOrder) text(title, message string) string {
	if in.Title != nil && *in.Title != "" {
		title = *in.Title
	}
	if in.Message != nil {
		message = *in.Message
	}
	return strings.TrimRight(title+"\n\n"+message, "\n")
}

// squashText is GitHub's default: one commit's own words, or the pull request's title and the list of the commits', with who made those besides its author
// as co-authors (github.blog/changelog, 2019-12-19, "Improved attribution when squashing commits").
func (r *repository) squashText(t *thread) (title, message string, err error) {
	shas, err := r.pullCommits(t, t.pull.baseSHA)
	if err != nil {
		return "", "", err
	}
	var all, authors []string
	for _, sha := range shas {
		c, err := r.git.Commit(sha)
		if err != nil {
			return "", "", err
		}
		if len(shas) == 1 {
			first, rest, _ := strings.Cut(c.Message, "\n")
			return fmt.Sprintf("%s (#%d)", first, t.number), strings.TrimSpace(rest), nil
		}
		all = append(all, "* "+strings.TrimSpace(c.Message))
		if by := fmt.Sprintf("Co-authored-by: %s <%s>", c.Author.Name, c.Author.Email); c.Author.Email != t.author.email && !slices.Contains(authors, by) {
			authors = append(authors, by)
		}
	}
	if len(authors) > 0 {
		all = append(all, "---------", strings.Join(authors, "\n"))
	}
	return fmt.Sprintf("%s (#%d)", t.title, t.number), strings.Join(all, "\n\n"), nil
}

// rebase puts each commit of a pull request on top of its base anew. Merges among them are left out, as Git does.
func (s *Sandbox) rebase(r *repository, t *thread, who *account) (string, bool, error) {
	shas, err := r.git.RevList("--topo-order", "--reverse", "--no-merges", t.pull.headSHA, "^"+t.pull.baseSHA)
	if err != nil {
		return "", false, err
	}
	onto, err := r.git.Commit(t.pull.baseSHA)
	if err != nil {
		return "", false, err
	}
	for _, sha := range shas {
		c, err := r.git.Commit(sha)
		if err != nil {
			return "", false, err
		}
		tree, clean, err := r.git.PickTree(c, onto)
		if err != nil || !clean {
			return "", false, err
		}
		next := bare.Commit{Tree: tree, Parents: []string{onto.SHA}, Author: c.Author, Committer: who.signature(s.now()), Message: c.Message}
		if next.SHA, err = r.git.WriteCommit(next); err != nil {
			return "", false, err
		}
		onto = next
	}
	return onto.SHA, true, nil
}

// markMerged closes a pull request as merged by who with the commit sha.
func (s *Sandbox) markMerged(r *repository, t *thread, sha string, who *account) error {
	now := s.now()
	t.pull.auto, t.pull.queued = nil, nil
	t.pull.merged, t.pull.mergeSHA, t.pull.mergedBy, t.pull.mergedAt = true, sha, who, now
	t.open, t.closed, t.closedBy, t.updated = false, now, who, now
	return s.emitPull(r, t, "closed", who, nil)
}
