package sandbox

import "slices"

func createStatus(c *call) (reply, error) {
	var in newStatus
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	x, err := c.s.addStatus(c.repo, c.params["sha"], in, c.client.who)
	if err != nil {
		return reply{}, err
	}
	return created(c.s.statusJSON(c.repo, c.params["sha"], x))
}

// commit returns the commit that the route's ref leads to.
func (c *call) commit() (string, error) {
	commit, err := c.repo.git.Commit(c.repo.resolve(c.params["ref"]))
	if err != nil {
		return "", orMissing(err, notFound())
	}
	return commit.SHA, nil
}

func getCombinedStatus(c *call) (reply, error) {
	sha, err := c.commit()
	if err != nil {
		return reply{}, err
	}
	latest := c.repo.latest(sha)
	list := []object{}
	for _, x := range paged(c, latest) {
		o := c.s.statusJSON(c.repo, sha, x)
		delete(o, "creator") // only the list of all statuses has it
		list = append(list, o)
	}
	u := c.s.api("/repos/%s/commits/%s", c.repo.fullName(), sha)
	return ok(object{
		"state": c.repo.combined(sha), "sha": sha, "total_count": len(latest), "statuses": list, "repository": c.s.repoJSON(c.repo),
		"commit_url": u, "url": u + "/status",
	})
}

// listStatuses answers every status that was ever posted, newest first.
func listStatuses(c *call) (reply, error) {
	sha, err := c.commit()
	if err != nil {
		return reply{}, err
	}
	all := slices.Clone(c.repo.statuses[sha])
	slices.Reverse(all)
	list := []object{}
	for _, x := range paged(c, all) {
		list = append(list, c.s.statusJSON(c.repo, sha, x))
	}
	return ok(list)
}
