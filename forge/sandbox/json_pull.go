package sandbox

import (
	"ferry/forge/sandbox/bare"
)

// pullSize is how much a pull request changes. It follows from two commits, so it can be kept with their names.
type pullSize struct {
	base, head                           string
	commits, files, additions, deletions int
}

// size counts what t would bring to its base.
func (r *repository) size(t *thread) (pullSize, error) {
	p := t.pull
	base := p.shownBase()
	if p.counted.base == base && p.counted.head == p.headSHA {
		return p.counted, nil
	}
	commits, err := r.pullCommits(t, base)
	if err != nil {
		return pullSize{}, err
	}
	files, err := r.pullFiles(t, base)
	if err != nil {
		return pullSize{}, err
	}
	n := pullSize{base: base, head: p.headSHA, commits: len(commits), files: len(files)}
	for _, f := range files {
		n.additions += f.Additions
		n.deletions += f.Deletions
	}
	p.counted = n
	return n, nil
}

// pullCommits returns the commits that t would bring to base, oldest first.
func (r *repository) pullCommits(t *thread, base string) ([]string, error) {
	return r.git.RevList("--topo-order", "--reverse", t.pull.headSHA, "^"+base)
}

// pullFiles returns what t changes: from where it left base to its head.
func (r *repository) pullFiles(t *thread, base string) ([]bare.FileChange, error) {
	fork, err := r.git.MergeBase(base, t.pull.headSHA)
	if err != nil {
		return nil, err
	}
	if fork == "" {
		fork = bare.EmptyTree
	}
	return r.git.Diff(fork, t.pull.headSHA)
}

// pullJSON is a pull request as it stands in a list.
func (s *Sandbox) pullJSON(r *repository, t *thread) object {
	p := t.pull
	page := s.pageURL(r, t)
	u := s.api("/repos/%s/pulls/%d", r.fullName(), t.number)
	issue := s.issueURL(r, t)
	statuses := s.api("/repos/%s/statuses/%s", r.fullName(), p.headSHA)
	people, teams := s.askedJSON(r, p)
	assignee, assignees := s.assignedJSON(t)
	href := func(to string) object { return object{"href": to} }
	return object{
		"url": u, "id": p.id, "node_id": nodeID("PullRequest", p.id), "html_url": page, "diff_url": page + ".diff", "patch_url": page + ".patch",
		"issue_url": issue, "commits_url": u + "/commits", "review_comments_url": u + "/comments",
		"review_comment_url": s.api("/repos/%s/pulls/comments{/number}", r.fullName()), "comments_url": issue + "/comments", "statuses_url": statuses,
		"number": t.number, "state": t.state(), "locked": false, "active_lock_reason": nil, "title": t.title, "body": t.body,
		"user": s.userJSON(t.author), "labels": s.labelsJSON(r, t), "milestone": nil, "created_at": stamp(t.created), "updated_at": stamp(t.updated),
		"closed_at": stamp(t.closed), "merged_at": stamp(p.mergedAt), "merge_commit_sha": p.shownMerge(), "assignee": assignee, "assignees": assignees,
		"requested_reviewers": people, "requested_teams": teams, "draft": p.draft, "auto_merge": s.autoMergeJSON(p),
		"head": s.headJSON(r, p), "base": s.sideJSON(r, p.base, p.shownBase()), "author_association": association(r, t.author),
		"_links": object{
			"self": href(u), "html": href(page), "issue": href(issue), "comments": href(issue + "/comments"),
			"review_comments": href(u + "/comments"), "review_comment": href(s.api("/repos/%s/pulls/comments{/number}", r.fullName())),
			"commits": href(u + "/commits"), "statuses": href(statuses),
		},
	}
}

// headJSON is where a pull request comes from. A fork that is gone is null.
func (s *Sandbox) headJSON(r *repository, p *pull) object {
	if from := s.source(r, p); from != nil {
		return s.sideJSON(from, p.head, p.headSHA)
	}
	return object{"label": p.owner.login + ":" + p.head, "ref": p.head, "sha": p.headSHA, "user": s.userJSON(p.owner), "repo": nil}
}

func (s *Sandbox) sideJSON(r *repository, branch, sha string) object {
	return object{"label": r.owner.login + ":" + branch, "ref": branch, "sha": sha, "user": s.userJSON(r.owner), "repo": s.repoJSON(r)}
}

// shownMerge is what GitHub shows as merge_commit_sha: the merge, or before that the commit by which it tried whether
// the pull request merges.
func (p *pull) shownMerge() any {
	switch {
	case p.merged:
		return p.mergeSHA
	case p.trial.sha != "":
		return p.trial.sha
	}
	return nil
}

// shownBase is what GitHub shows as base.sha: of an open one not where the base stands, but where it stood when the head last moved.
func (p *pull) shownBase() string {
	if p.merged || p.baseSeen == "" {
		return p.baseSHA
	}
	return p.baseSeen
}

// fullPullJSON is one pull request as GET and the webhooks show it.
func (s *Sandbox) fullPullJSON(r *repository, t *thread) (object, error) {
	n, err := r.size(t)
	if err != nil {
		return nil, err
	}
	o := s.pullJSON(r, t)
	p := t.pull
	mergeable, word := r.mergeable(t)
	o["merged"], o["mergeable"], o["mergeable_state"], o["rebaseable"] = p.merged, mergeable, word, mergeable
	o["merged_by"], o["comments"], o["review_comments"], o["maintainer_can_modify"] = s.userJSON(p.mergedBy), len(t.comments), 0, false
	o["commits"], o["changed_files"], o["additions"], o["deletions"] = n.commits, n.files, n.additions, n.deletions
	return o, nil
}

// mergeable returns what GitHub says of a pull request's try to merge: null until there was one.
func (r *repository) mergeable(t *thread) (any, string) {
	p := t.pull
	switch {
	case p.merged || !t.open, !p.trial.of(p) || !p.trial.done:
		return nil, "unknown"
	case !p.trial.clean:
		return false, "dirty"
	case p.draft:
		return true, "draft"
	}
	if word := r.mergeWord(t); word != "" {
		return true, word
	}
	switch {
	case len(r.latest(p.headSHA)) > 0 && r.combined(p.headSHA) != "success":
		return true, "unstable"
	}
	return true, "clean"
}

// of says whether the try is about the commits where the pull request stands now.
func (x trial) of(p *pull) bool { return x.head == p.headSHA && x.base == p.baseSHA && x.head != "" }
