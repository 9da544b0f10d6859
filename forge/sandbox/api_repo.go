package sandbox

import (
	"slices"
	"strings"

	"ferry/forge"
	"ferry/forge/sandbox/bare"
)

// getRepo shows how pull requests may be merged to who may write (docs.github.com, "Get a repository").
func getRepo(c *call) (reply, error) {
	o := c.s.repoJSON(c.repo)
	if c.client.may(c.repo, "contents:write") == nil {
		o["allow_merge_commit"], o["allow_squash_merge"], o["allow_rebase_merge"] = c.repo.allows(forge.MergeCommit), c.repo.allows(forge.MergeSquash), c.repo.allows(forge.MergeRebase)
	}
	return ok(o)
}

func getRepoByID(c *call) (reply, error) {
	id, err := c.number("id")
	if err != nil {
		return reply{}, err
	}
	r := c.s.st.repoByID(id)
	if r == nil || !c.client.sees(r) {
		return reply{}, notFound()
	}
	return ok(c.s.repoJSON(r))
}

func listBranches(c *call) (reply, error) {
	refs, err := c.repo.refList("refs/heads/")
	if err != nil {
		return reply{}, err
	}
	if only := c.query("protected"); only != "" {
		refs = slices.DeleteFunc(refs, func(ref bare.Ref) bool {
			return c.repo.guarded(strings.TrimPrefix(ref.Name, "refs/heads/")) != (only == "true")
		})
	}
	list := []object{}
	for _, ref := range paged(c, refs) {
		list = append(list, c.s.shortBranchJSON(c.repo, ref))
	}
	return ok(list)
}

// branchesAt answers which branches have a commit as their head (docs.github.com, "List branches for HEAD commit").
func branchesAt(c *call) (reply, error) {
	sha, err := c.commit()
	if err != nil {
		return reply{}, err
	}
	refs, err := c.repo.refList("refs/heads/")
	if err != nil {
		return reply{}, err
	}
	list := []object{}
	for _, ref := range refs {
		if ref.SHA == sha {
			list = append(list, c.s.shortBranchJSON(c.repo, ref))
		}
	}
	return ok(list)
}

func (s *Sandbox) shortBranchJSON(r *repository, ref bare.Ref) object {
	name := strings.TrimPrefix(ref.Name, "refs/heads/")
	return object{
		"name": name, "protected": r.guarded(name),
		"commit": object{"sha": ref.SHA, "url": s.api("/repos/%s/commits/%s", r.fullName(), ref.SHA)},
	}
}

func getBranch(c *call) (reply, error) {
	name := c.params["branch"]
	commit, err := c.repo.git.Commit(c.repo.head(name))
	if err != nil {
		return reply{}, orMissing(err, fail(404, "Branch not found"))
	}
	self := c.s.api("/repos/%s/branches/%s", c.repo.fullName(), escapePath(name))
	return ok(object{
		"name": name, "commit": c.s.commitJSON(c.repo, commit), "protected": c.repo.guarded(name),
		"_links":         object{"self": self, "html": c.s.html("/%s/tree/%s", c.repo.fullName(), escapePath(name))},
		"protection":     c.repo.summaryJSON(name),
		"protection_url": self + "/protection",
	})
}

// orMissing returns p, unless err is something else than that there is no such object.
func orMissing(err error, p *problem) error {
	if err == nil || bare.IsMissing(err) {
		return p
	}
	return err
}

func getPermission(c *call) (reply, error) {
	who := c.s.st.account(c.params["username"])
	if who == nil {
		return reply{}, fail(404, "%s is not a user", c.params["username"])
	}
	role := c.repo.role(who)
	user, _ := c.s.userJSON(who).(object)
	user["role_name"] = role.String()
	user["permissions"] = object{
		"pull": role >= forge.PermissionRead, "triage": role >= forge.PermissionTriage, "push": role >= forge.PermissionWrite,
		"maintain": role >= forge.PermissionMaintain, "admin": role >= forge.PermissionAdmin,
	}
	return ok(object{"permission": oldRole(role), "role_name": role.String(), "user": user})
}

// oldRole is the word of the older key "permission", which knows neither triage nor maintain (docs.github.com, REST,
// "Get repository permissions for a user").
func oldRole(p forge.Permission) string {
	switch p {
	case forge.PermissionMaintain:
		return forge.PermissionWrite.String()
	case forge.PermissionTriage:
		return forge.PermissionRead.String()
	}
	return p.String()
}
