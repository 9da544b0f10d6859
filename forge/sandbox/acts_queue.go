package sandbox

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"

	"ferry/forge/sandbox/bare"
)

// queuePrefix is where the branches of merge groups lie.
const queuePrefix = "refs/heads/gh-readonly-queue/"

// group is what a merge queue is about to merge: a pull request on top of all that are before it in the queue (docs.github.com, "Managing a merge queue").
type group struct {
	sha, base string // the commit, and the one it was made on: the branch's head, or the group before
	ref       string
}

// queues says whether a rule of the branch wants its pull requests to be merged by a merge queue.
func (r *repository) queues(branch string) bool {
	return slices.ContainsFunc(r.rulesOf(branch), func(x *Rules) bool { return x.MergeQueue })
}

func (r *repository) rulesOf(branch string) (all []*Rules) {
	if p := r.guard(branch); p != nil {
		all = append(all, &p.Rules)
	}
	for _, set := range r.ruling(branch) {
		all = append(all, &set.Rules)
	}
	return all
}

// queue returns the pull requests in the merge queue of a branch, in the order in which they were added.
func (r *repository) queue(branch string) (line []*thread) {
	for _, t := range r.pullRequests() {
		if t.open && t.pull.queued != nil && t.pull.base == branch {
			line = append(line, t)
		}
	}
	slices.SortStableFunc(line, func(a, b *thread) int {
		return cmp.Or(a.pull.queued.at.Compare(b.pull.queued.at), cmp.Compare(a.pull.queued.place, b.pull.queued.place))
	})
	return line
}

// mayQueue returns GitHub's reason against adding a pull request to a merge queue: what is not merged for lack of something is not added either.
func (s *Sandbox) mayQueue(r *repository, t *thread, who *account) error {
	if t.pull.draft {
		return unprocessable("Pull request is in draft state")
	}
	refused, err := r.judge(move{branch: t.pull.base, before: t.pull.baseSHA, after: t.pull.headSHA, who: who, pull: t, queue: true})
	if err != nil || refused.none() {
		return err
	}
	return unprocessable("Pull request " + refused.message())
}

// settleQueue brings the merge queue of a branch up to date: each pull request in it has its group, one whose checks failed is taken out, and the first is
// merged once all that the branch asks for is green on its group.
func (s *Sandbox) settleQueue(r *repository, branch string) error {
	for moved := r.queues(branch); moved; {
		var err error
		if moved, err = s.stepQueue(r, branch); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sandbox) stepQueue(r *repository, branch string) (moved bool, err error) {
	for _, t := range r.pullRequests() {
		if t.pull.group != nil && t.pull.base == branch && (!t.open || t.pull.queued == nil) {
			return true, s.ungroup(r, t, "dequeued")
		}
	}
	first := r.head(branch)
	base := first
	for _, t := range r.queue(branch) {
		if t.pull.group != nil && t.pull.group.base != base {
			return true, s.ungroup(r, t, "invalidated")
		}
		if t.pull.group == nil {
			return true, s.makeGroup(r, t, base)
		}
		switch r.groupWord(branch, t.pull.group.sha) {
		case "failing":
			return true, s.eject(r, t, "CI_FAILURE")
		case "success":
			if base == first {
				return true, s.mergeGroup(r, t, first)
			}
		}
		base = t.pull.group.sha
	}
	return false, nil
}

// groupWord says how the required statuses stand on a group, by the worst of them.
func (r *repository) groupWord(branch, sha string) string {
	word := "success"
	for _, x := range r.rulesOf(branch) {
		for _, want := range x.Checks {
			switch standing := r.standing(sha, want); {
			case standing == "failing" || standing == "foreign":
				return "failing"
			case standing != "success":
				word = standing
			}
		}
	}
	return word
}

// queueBot is in whose name the queue acts.
func (s *Sandbox) queueBot() *account { return s.addAccount("github-merge-queue[bot]", "Bot") }

func (s *Sandbox) makeGroup(r *repository, t *thread, base string) error {
	tree, clean, err := r.git.MergeTrees(base, t.pull.headSHA)
	if err != nil {
		return err
	}
	if !clean {
		return s.eject(r, t, "MERGE_CONFLICT")
	}
	message := fmt.Sprintf("Merge pull request #%d from %s/%s\n\n%s", t.number, t.pull.owner.login, t.pull.head, t.title)
	sha, err := s.writeMerge(r, tree, []string{base, t.pull.headSHA}, message, t.pull.queued.by)
	if err != nil {
		return err
	}
	t.pull.group = &group{sha: sha, base: base, ref: fmt.Sprintf("%s%s/pr-%d-%s", queuePrefix, t.pull.base, t.number, base)}
	if err := s.createRef(r, t.pull.group.ref, sha, s.queueBot()); err != nil {
		return err
	}
	return s.emitGroup(r, t, "checks_requested", nil)
}

// ungroup gives a group up: it was merged, its pull request left the queue (dequeued), or what it was made on did not come (invalidated).
func (s *Sandbox) ungroup(r *repository, t *thread, reason string) error {
	gone := *t.pull.group
	if err := s.emitGroup(r, t, "destroyed", object{"reason": reason}); err != nil {
		return err
	}
	t.pull.group = nil
	if err := r.git.DeleteRef(gone.ref); err != nil {
		return err
	}
	return s.emitPush(r, gone.ref, gone.sha, bare.Zero, s.queueBot())
}

// eject takes a pull request out of the queue by itself.
func (s *Sandbox) eject(r *repository, t *thread, reason string) error {
	t.pull.queued = nil
	return s.emitPull(r, t, "dequeued", s.queueBot(), object{"reason": reason})
}

// mergeGroup moves the branch to the group, which merges its pull request.
func (s *Sandbox) mergeGroup(r *repository, t *thread, before string) error {
	sha, by := t.pull.group.sha, t.pull.queued.by
	if err := s.ungroup(r, t, "merged"); err != nil {
		return err
	}
	if err := s.eject(r, t, "MERGE"); err != nil {
		return err
	}
	if err := r.git.SetRef("refs/heads/"+t.pull.base, sha, before); err != nil {
		return fail(http.StatusConflict, "Base branch was modified.")
	}
	if err := s.markMerged(r, t, sha, by); err != nil {
		return err
	}
	return s.refMoved(r, "refs/heads/"+t.pull.base, before, sha, s.queueBot())
}

// emitGroup tells of a merge group (docs.github.com, "Webhook events and payloads", merge_group).
func (s *Sandbox) emitGroup(r *repository, t *thread, action string, more object) error {
	g := t.pull.group
	c, err := r.git.Commit(g.sha)
	if err != nil {
		return err
	}
	payload := object{"merge_group": object{
		"head_sha": g.sha, "head_ref": g.ref, "base_sha": g.base, "base_ref": "refs/heads/" + t.pull.base,
		"head_commit": object{
			"id": g.sha, "tree_id": c.Tree, "message": c.Message, "timestamp": stamp(c.Committer.When),
			"author": s.pusherJSON(c.Author), "committer": s.pusherJSON(c.Committer),
		},
	}}
	for k, v := range more {
		payload[k] = v
	}
	s.emit(r, "merge_group", action, s.queueBot(), payload)
	return nil
}
