package sandbox

import (
	"net/http"

	"ferry/forge"
)

// summaryJSON is the part of a branch's protection that everybody may see: what stands in GET branches/{branch}.
func (r *repository) summaryJSON(branch string) object {
	checks := object{"enforcement_level": "off", "contexts": []string{}, "checks": []object{}}
	p := r.guard(branch)
	if p == nil {
		return object{"enabled": false, "required_status_checks": checks}
	}
	if len(p.Checks) > 0 {
		checks["enforcement_level"] = "non_admins"
		if p.Admins {
			checks["enforcement_level"] = "everyone"
		}
		checks["contexts"], checks["checks"] = p.checksJSON()
	}
	return object{"enabled": true, "required_status_checks": checks}
}

func (x *Rules) checksJSON() (contexts []string, checks []object) {
	contexts, checks = []string{}, []object{}
	for _, c := range x.Checks {
		o := object{"context": c.Context, "app_id": nil}
		if c.App != 0 {
			o["app_id"] = c.App
		}
		contexts, checks = append(contexts, c.Context), append(checks, o)
	}
	return contexts, checks
}

// getProtection answers the whole rule, to who administers the repository.
func getProtection(c *call) (reply, error) {
	branch := c.params["branch"]
	if c.client.grant == nil && c.repo.role(c.client.who) < forge.PermissionAdmin {
		return reply{}, notFound()
	}
	if c.repo.head(branch) == "" {
		return reply{}, fail(http.StatusNotFound, "Branch not found")
	}
	p := c.repo.guard(branch)
	if p == nil {
		return reply{}, fail(http.StatusNotFound, "Branch not protected")
	}
	return ok(c.s.protectionJSON(c.repo, branch, p))
}

func (s *Sandbox) protectionJSON(r *repository, branch string, p *Protection) object {
	u := s.api("/repos/%s/branches/%s/protection", r.fullName(), escapePath(branch))
	switched := func(on bool) object { return object{"enabled": on} }
	o := object{
		"url": u, "enforce_admins": object{"url": u + "/enforce_admins", "enabled": p.Admins},
		"required_signatures":     object{"url": u + "/required_signatures", "enabled": p.Signed},
		"required_linear_history": switched(p.Linear), "allow_force_pushes": switched(p.AllowForcePush), "allow_deletions": switched(p.AllowDeletion),
		"block_creations": switched(false), "required_conversation_resolution": switched(false), "lock_branch": switched(false), "allow_fork_syncing": switched(false),
	}
	if len(p.Checks) > 0 || p.UpToDate {
		contexts, checks := p.checksJSON()
		o["required_status_checks"] = object{
			"url": u + "/required_status_checks", "strict": p.UpToDate, "contexts": contexts, "checks": checks, "contexts_url": u + "/required_status_checks/contexts",
		}
	}
	if p.byPull() {
		o["required_pull_request_reviews"] = object{
			"url": u + "/required_pull_request_reviews", "dismiss_stale_reviews": p.DismissStale, "require_code_owner_reviews": false,
			"require_last_push_approval": false, "required_approving_review_count": p.Reviews,
		}
	}
	if p.Restricted {
		o["restrictions"] = s.restrictionsJSON(u+"/restrictions", p.Pushers)
	}
	return o
}

func (s *Sandbox) restrictionsJSON(u string, logins []string) object {
	users, apps := []any{}, []object{}
	for _, login := range logins {
		who := s.st.account(login)
		if who == nil {
			continue
		}
		if a := s.st.appBy(who); a != nil {
			apps = append(apps, s.appJSON(a))
			continue
		}
		users = append(users, s.userJSON(who))
	}
	return object{
		"url": u, "users_url": u + "/users", "teams_url": u + "/teams", "apps_url": u + "/apps", "users": users, "teams": []object{}, "apps": apps,
	}
}

// listRules answers the rules of rulesets that bind a branch, which everybody may read. Branch protection is not among them.
func listRules(c *call) (reply, error) {
	list := []object{}
	for _, set := range c.repo.ruling(c.params["branch"]) {
		for _, rule := range set.rulesJSON() {
			rule["ruleset_source_type"], rule["ruleset_source"], rule["ruleset_id"] = "Repository", c.repo.fullName(), set.ID
			list = append(list, rule)
		}
	}
	return ok(paged(c, list))
}

func (set *ruleset) rulesJSON() []object {
	var list []object
	if !set.AllowDeletion {
		list = append(list, object{"type": "deletion"})
	}
	if !set.AllowForcePush {
		list = append(list, object{"type": "non_fast_forward"})
	}
	if set.NoCreation {
		list = append(list, object{"type": "creation"})
	}
	if set.Signed {
		list = append(list, object{"type": "required_signatures"})
	}
	if set.Linear {
		list = append(list, object{"type": "required_linear_history"})
	}
	if set.Restricted {
		list = append(list, object{"type": "update", "parameters": object{"update_allows_fetch_and_merge": false}})
	}
	if set.byPull() {
		list = append(list, object{"type": "pull_request", "parameters": object{
			"dismiss_stale_reviews_on_push": set.DismissStale, "require_code_owner_review": false, "require_last_push_approval": false,
			"required_approving_review_count": set.Reviews, "required_review_thread_resolution": false,
			"allowed_merge_methods": []string{"merge", "squash", "rebase"},
		}})
	}
	if set.MergeQueue {
		list = append(list, object{"type": "merge_queue", "parameters": object{
			"check_response_timeout_minutes": 60, "grouping_strategy": "ALLGREEN", "max_entries_to_build": 5, "max_entries_to_merge": 5, "merge_method": "MERGE",
			"min_entries_to_merge": 1, "min_entries_to_merge_wait_minutes": 5,
		}})
	}
	if len(set.Checks) > 0 {
		checks := []object{}
		for _, c := range set.Checks {
			o := object{"context": c.Context}
			if c.App != 0 {
				o["integration_id"] = c.App
			}
			checks = append(checks, o)
		}
		list = append(list, object{"type": "required_status_checks", "parameters": object{
			"strict_required_status_checks_policy": set.UpToDate, "do_not_enforce_on_create": false, "required_status_checks": checks,
		}})
	}
	return list
}
