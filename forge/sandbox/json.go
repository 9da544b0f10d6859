package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// object is a JSON object. GitHub's answers are wide and flat, and are built where they are answered.
type object = map[string]any

// stamp is a time as GitHub writes it, and null for none.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}

func (s *Sandbox) api(format string, args ...any) string {
	return s.base + "/api/v3" + fmt.Sprintf(format, args...)
}

func (s *Sandbox) html(format string, args ...any) string {
	return s.base + fmt.Sprintf(format, args...)
}

// userJSON is GitHub's "simple user", and null for nobody.
func (s *Sandbox) userJSON(a *account) any {
	if a == nil {
		return nil
	}
	u := s.api("/users/%s", escapeSegment(a.login))
	return object{
		"login": a.login, "id": a.id, "node_id": nodeID(a.kind, a.id), "avatar_url": s.html("/avatar.svg"), "gravatar_id": "",
		"url": u, "html_url": s.html("/%s", escapeSegment(a.login)), "followers_url": u + "/followers",
		"following_url": u + "/following{/other_user}", "gists_url": u + "/gists{/gist_id}",
		"starred_url": u + "/starred{/owner}{/repo}", "subscriptions_url": u + "/subscriptions",
		"organizations_url": u + "/orgs", "repos_url": u + "/repos", "events_url": u + "/events{/privacy}",
		"received_events_url": u + "/received_events", "type": a.kind, "site_admin": false,
	}
}

// publicUserJSON is what GET /users/{username} answers.
func (s *Sandbox) publicUserJSON(a *account) object {
	o, _ := s.userJSON(a).(object)
	for _, k := range []string{"name", "company", "location", "email", "hireable", "bio"} {
		o[k] = nil
	}
	for _, k := range []string{"public_repos", "public_gists", "followers", "following"} {
		o[k] = 0
	}
	o["blog"], o["user_view_type"] = "", "public"
	o["created_at"], o["updated_at"] = stamp(a.created), stamp(a.created)
	return o
}

// repoJSON is GitHub's "repository", wide enough for its "full" and "minimal" ones too.
func (s *Sandbox) repoJSON(r *repository) object {
	u := s.api("/repos/%s", r.fullName())
	page := s.html("/%s", r.fullName())
	open := r.openThreads()
	o := object{
		"id": r.id, "node_id": nodeID("Repository", r.id), "name": r.name, "full_name": r.fullName(), "owner": s.userJSON(r.owner),
		"private": false, "visibility": "public", "html_url": page, "description": nil, "fork": r.parent != nil, "url": u,
		"git_url": strings.Replace(page, "http", "git", 1) + ".git", "ssh_url": "git@" + hostOf(s.base) + ":" + r.fullName() + ".git",
		"clone_url": page + ".git", "svn_url": page, "mirror_url": nil, "homepage": nil, "language": nil, "license": nil,
		"forks_count": 0, "stargazers_count": 0, "watchers_count": 0, "size": 0, "default_branch": r.branch,
		"open_issues_count": open, "forks": 0, "open_issues": open, "watchers": 0, "subscribers_count": 0, "network_count": 0,
		"has_issues": true, "has_projects": false, "has_wiki": false, "has_pages": false, "has_discussions": false, "has_downloads": false,
		"archived": false, "disabled": false, "is_template": false, "web_commit_signoff_required": false,
		"topics": []string{}, "pushed_at": stamp(r.pushed), "created_at": stamp(r.created), "updated_at": stamp(r.pushed),
	}
	for key, tail := range repoLinks() {
		o[key] = u + tail
	}
	return o
}

// repoLinks is the end of every address that GitHub lists of a repository.
func repoLinks() map[string]string {
	return map[string]string{
		"archive_url": "/{archive_format}{/ref}", "assignees_url": "/assignees{/user}", "blobs_url": "/git/blobs{/sha}",
		"branches_url": "/branches{/branch}", "collaborators_url": "/collaborators{/collaborator}", "comments_url": "/comments{/number}",
		"commits_url": "/commits{/sha}", "compare_url": "/compare/{base}...{head}", "contents_url": "/contents/{+path}",
		"contributors_url": "/contributors", "deployments_url": "/deployments", "downloads_url": "/downloads", "events_url": "/events",
		"forks_url": "/forks", "git_commits_url": "/git/commits{/sha}", "git_refs_url": "/git/refs{/sha}", "git_tags_url": "/git/tags{/sha}",
		"hooks_url": "/hooks", "issue_comment_url": "/issues/comments{/number}", "issue_events_url": "/issues/events{/number}",
		"issues_url": "/issues{/number}", "keys_url": "/keys{/key_id}", "labels_url": "/labels{/name}", "languages_url": "/languages",
		"merges_url": "/merges", "milestones_url": "/milestones{/number}", "notifications_url": "/notifications{?since,all,participating}",
		"pulls_url": "/pulls{/number}", "releases_url": "/releases{/id}", "stargazers_url": "/stargazers", "statuses_url": "/statuses/{sha}",
		"subscribers_url": "/subscribers", "subscription_url": "/subscription", "tags_url": "/tags", "teams_url": "/teams",
		"trees_url": "/git/trees{/sha}",
	}
}

func (r *repository) openThreads() int {
	n := 0
	for _, t := range r.threads {
		if t.open {
			n++
		}
	}
	return n
}

func hostOf(base string) string {
	_, host, _ := strings.Cut(base, "://")
	return host
}

func (s *Sandbox) issueURL(r *repository, t *thread) string {
	return s.api("/repos/%s/issues/%d", r.fullName(), t.number)
}

// pageURL is where people look at an issue or a pull request.
func (s *Sandbox) pageURL(r *repository, t *thread) string {
	kind := "issues"
	if t.pull != nil {
		kind = "pull"
	}
	return s.html("/%s/%s/%d", r.fullName(), kind, t.number)
}

func (t *thread) state() string {
	if t.open {
		return "open"
	}
	return "closed"
}

// issueJSON is an issue, or a pull request as GitHub's issues API shows it: with a key pull_request.
func (s *Sandbox) issueJSON(r *repository, t *thread) object {
	u := s.issueURL(r, t)
	assignee, assignees := s.assignedJSON(t)
	o := object{
		"id": t.id, "node_id": nodeID("Issue", t.id), "url": u, "repository_url": s.api("/repos/%s", r.fullName()),
		"labels_url": u + "/labels{/name}", "comments_url": u + "/comments", "events_url": u + "/events", "html_url": s.pageURL(r, t),
		"number": t.number, "state": t.state(), "state_reason": nil, "title": t.title, "body": t.body, "user": s.userJSON(t.author),
		"labels": s.labelsJSON(r, t), "assignee": assignee, "assignees": assignees, "milestone": nil, "locked": false, "active_lock_reason": nil,
		"comments": len(t.comments), "closed_at": stamp(t.closed), "created_at": stamp(t.created), "updated_at": stamp(t.updated),
		"author_association": association(r, t.author), "performed_via_github_app": nil,
	}
	if t.pull != nil {
		page := s.pageURL(r, t)
		o["pull_request"] = object{
			"url": s.api("/repos/%s/pulls/%d", r.fullName(), t.number), "html_url": page, "diff_url": page + ".diff",
			"patch_url": page + ".patch", "merged_at": stamp(t.pull.mergedAt),
		}
	}
	return o
}

// association is GitHub's word for how an author is tied to the repository.
func association(r *repository, who *account) string {
	switch {
	case who == nil:
		return "NONE"
	case who.id == r.owner.id:
		return "OWNER"
	case r.roles[who.id] > 0:
		return "COLLABORATOR"
	case who.kind == "Bot", r.contributed(who):
		return "CONTRIBUTOR"
	}
	return "NONE"
}

// contributed says whether a pull request of who was merged.
func (r *repository) contributed(who *account) bool {
	return slices.ContainsFunc(r.pullRequests(), func(t *thread) bool { return t.pull.merged && t.author.id == who.id })
}

func (s *Sandbox) commentJSON(r *repository, t *thread, c *comment) object {
	return object{
		"id": c.id, "node_id": nodeID("IssueComment", c.id), "url": s.api("/repos/%s/issues/comments/%d", r.fullName(), c.id),
		"html_url": fmt.Sprintf("%s#issuecomment-%d", s.pageURL(r, t), c.id), "issue_url": s.issueURL(r, t),
		"user": s.userJSON(c.author), "body": c.body, "author_association": association(r, c.author),
		"created_at": stamp(c.created), "updated_at": stamp(c.updated), "performed_via_github_app": nil,
	}
}

func (s *Sandbox) reactionJSON(x *reaction) object {
	return object{"id": x.id, "node_id": nodeID("Reaction", x.id), "user": s.userJSON(x.author), "content": x.content, "created_at": stamp(x.created)}
}

func (s *Sandbox) statusJSON(r *repository, sha string, x *status) object {
	return object{
		"id": x.id, "node_id": nodeID("StatusContext", x.id), "url": s.api("/repos/%s/statuses/%s", r.fullName(), sha),
		"avatar_url": s.html("/avatar.svg"), "state": x.state, "description": x.description, "target_url": x.target,
		"context": x.context, "created_at": stamp(x.created), "updated_at": stamp(x.created), "creator": s.userJSON(x.creator),
	}
}
