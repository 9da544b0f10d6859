package sandbox

import (
	"encoding/json"
	"slices"
)

// listDeployments answers the newest first, of all or of what the query asks for.
func listDeployments(c *call) (reply, error) {
	var found []*deployment
	for _, d := range slices.Backward(c.repo.deployed) {
		fits := true
		for name, value := range map[string]string{"sha": d.SHA, "ref": d.Ref, "task": d.Task, "environment": d.Environment} {
			fits = fits && (c.query(name) == "" || c.query(name) == "none" && name != "sha" || c.query(name) == value)
		}
		if fits {
			found = append(found, d)
		}
	}
	list := []object{}
	for _, d := range paged(c, found) {
		list = append(list, c.s.deploymentJSON(c.repo, d))
	}
	return ok(list)
}

func createDeployment(c *call) (reply, error) {
	var in newDeployment
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	d, err := c.s.addDeployment(c.repo, in, c.client.who)
	if err != nil {
		return reply{}, err
	}
	return created(c.s.deploymentJSON(c.repo, d))
}

func (c *call) deployment() (*deployment, error) {
	id, err := c.number("deployment_id")
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(c.repo.deployed, func(d *deployment) bool { return d.ID == id })
	if i < 0 {
		return nil, notFound()
	}
	return c.repo.deployed[i], nil
}

func getDeployment(c *call) (reply, error) {
	d, err := c.deployment()
	if err != nil {
		return reply{}, err
	}
	return ok(c.s.deploymentJSON(c.repo, d))
}

func listDeploymentStatuses(c *call) (reply, error) {
	d, err := c.deployment()
	if err != nil {
		return reply{}, err
	}
	all := slices.Clone(d.Statuses)
	slices.Reverse(all)
	list := []object{}
	for _, x := range paged(c, all) {
		list = append(list, c.s.deploymentStatusJSON(c.repo, d, x))
	}
	return ok(list)
}

func createDeploymentStatus(c *call) (reply, error) {
	d, err := c.deployment()
	if err != nil {
		return reply{}, err
	}
	var in newDeploymentStatus
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	x, err := c.s.addDeploymentStatus(c.repo, d, in, c.client.who)
	if err != nil {
		return reply{}, err
	}
	return created(c.s.deploymentStatusJSON(c.repo, d, x))
}

func (s *Sandbox) deploymentJSON(r *repository, d *deployment) object {
	u, said := s.api("/repos/%s/deployments/%d", r.fullName(), d.ID), d.Created
	if n := len(d.Statuses); n > 0 {
		said = d.Statuses[n-1].Created
	}
	return object{
		"id": d.ID, "node_id": nodeID("Deployment", d.ID), "url": u, "sha": d.SHA, "ref": d.Ref, "task": d.Task, "payload": json.RawMessage(d.Payload),
		"original_environment": d.Environment, "environment": d.Environment, "description": d.Description, "creator": s.userJSON(s.st.account(d.Creator)),
		"created_at": stamp(d.Created), "updated_at": stamp(said), "statuses_url": u + "/statuses", "repository_url": s.api("/repos/%s", r.fullName()),
		"transient_environment": d.Transient, "production_environment": d.Production, "performed_via_github_app": nil,
	}
}

func (s *Sandbox) deploymentStatusJSON(r *repository, d *deployment, x *deploymentStatus) object {
	u := s.api("/repos/%s/deployments/%d", r.fullName(), d.ID)
	return object{
		"id": x.ID, "node_id": nodeID("DeploymentStatus", x.ID), "url": s.api("/repos/%s/deployments/%d/statuses/%d", r.fullName(), d.ID, x.ID), "state": x.State,
		"description": x.Description, "environment": d.Environment, "target_url": x.LogURL, "log_url": x.LogURL, "environment_url": x.EnvironmentURL,
		"creator": s.userJSON(s.st.account(x.Creator)), "created_at": stamp(x.Created), "updated_at": stamp(x.Created), "deployment_url": u,
		"repository_url": s.api("/repos/%s", r.fullName()), "performed_via_github_app": nil,
	}
}
