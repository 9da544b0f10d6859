package sandbox

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"ferry/forge"
)

// deployment is a deployment of a commit to an environment.
type deployment struct {
	ID          int64
	SHA, Ref    string
	Task        string
	Environment string
	Description *string
	Payload     json.RawMessage
	Transient   bool
	Production  bool
	Creator     string // login
	Created     time.Time
	Statuses    []*deploymentStatus // oldest first
}

// deploymentStatus is what was said of a deployment once.
type deploymentStatus struct {
	ID             int64
	State          string
	Description    string
	LogURL         string
	EnvironmentURL string
	Creator        string // login
	Created        time.Time
}

// newDeployment is what a deployment is made with. GitHub's defaults are what it has without a value.
type newDeployment struct {
	Ref         string          `json:"ref"`
	Task        string          `json:"task"`
	AutoMerge   *bool           `json:"auto_merge"`
	Contexts    *[]string       `json:"required_contexts"`
	Payload     json.RawMessage `json:"payload"`
	Environment string          `json:"environment"`
	Description *string         `json:"description"`
	Transient   bool            `json:"transient_environment"`
	Production  *bool           `json:"production_environment"`
}

// newDeploymentStatus is what is said of a deployment.
type newDeploymentStatus struct {
	State          string `json:"state"`
	Target         string `json:"target_url"`
	LogURL         string `json:"log_url"`
	Description    string `json:"description"`
	EnvironmentURL string `json:"environment_url"`
	AutoInactive   *bool  `json:"auto_inactive"`
}

func (s *Sandbox) addDeployment(r *repository, in newDeployment, who *account) (*deployment, error) {
	if in.Ref == "" {
		return nil, missingField("Deployment", "ref")
	}
	sha := r.resolve(in.Ref)
	if sha == "" {
		return nil, fail(http.StatusUnprocessableEntity, "No ref found for: %s", in.Ref)
	}
	if err := s.deployable(r, in, sha); err != nil {
		return nil, err
	}
	x := &deployment{ID: s.st.nextID(), SHA: sha, Ref: in.Ref, Task: cmp.Or(in.Task, "deploy"), Environment: cmp.Or(in.Environment, "production"), Description: in.Description,
		Payload: in.Payload, Transient: in.Transient, Creator: who.login, Created: s.now()}
	if len(x.Payload) == 0 {
		x.Payload = json.RawMessage(`""`)
	}
	x.Production = x.Environment == "production"
	if in.Production != nil {
		x.Production = *in.Production
	}
	r.deployed = append(r.deployed, x)
	s.emit(r, "deployment", "created", who, object{"deployment": s.deploymentJSON(r, x), "workflow": nil, "workflow_run": nil})
	return x, nil
}

// deployable returns GitHub's reason against a deployment (docs.github.com, REST, "Create a deployment"): unless they are named, all contexts of the commit
// must be green. What it would do where a branch is behind the default one, this forge does not: it merges nothing.
func (s *Sandbox) deployable(r *repository, in newDeployment, sha string) error {
	if in.AutoMerge == nil || *in.AutoMerge {
		head, err := r.ref("refs/heads/" + r.branch)
		if err != nil {
			return err
		}
		if behind, err := r.git.Contains(sha, head); err != nil || !behind {
			return fail(http.StatusConflict, "Conflict merging %s into %s.", r.branch, in.Ref)
		}
	}
	for _, x := range r.latest(sha) {
		if required := in.Contexts == nil || slices.Contains(*in.Contexts, x.context); required && x.state != "success" {
			return &problem{status: http.StatusConflict, message: "Conflict: Commit status checks failed for " + in.Ref + "."}
		}
	}
	return nil
}

// addDeploymentStatus says how a deployment stands. A success makes others inactive, as auto_inactive says.
func (s *Sandbox) addDeploymentStatus(r *repository, d *deployment, in newDeploymentStatus, who *account) (*deploymentStatus, error) {
	switch {
	case !slices.Contains([]string{"error", "failure", "inactive", "in_progress", "queued", "pending", "success"}, in.State):
		return nil, invalid("DeploymentStatus", "state", "state is not included in the list")
	case utf8.RuneCountInString(in.Description) > forge.MaxStatusDescription:
		return nil, invalid("DeploymentStatus", "description", "description is too long (maximum is %d characters)", forge.MaxStatusDescription)
	}
	x := s.sayOfDeployment(r, d, deploymentStatus{State: in.State, Description: in.Description, LogURL: cmp.Or(in.LogURL, in.Target), EnvironmentURL: in.EnvironmentURL}, who)
	if in.State != "success" || in.AutoInactive != nil && !*in.AutoInactive {
		return x, nil
	}
	for _, other := range r.deployed {
		if other.ID < d.ID && other.Environment == d.Environment && !other.Transient && !other.Production && other.state() == "success" {
			s.sayOfDeployment(r, other, deploymentStatus{State: "inactive"}, who)
		}
	}
	return x, nil
}

func (s *Sandbox) sayOfDeployment(r *repository, d *deployment, x deploymentStatus, who *account) *deploymentStatus {
	x.ID, x.Creator, x.Created = s.st.nextID(), who.login, s.now()
	d.Statuses = append(d.Statuses, &x)
	s.emit(r, "deployment_status", "created", who, object{
		"deployment": s.deploymentJSON(r, d), "deployment_status": s.deploymentStatusJSON(r, d, &x), "check_run": nil, "workflow": nil, "workflow_run": nil,
	})
	return &x
}

// state is what was said last; pending where nothing was.
func (d *deployment) state() string {
	if len(d.Statuses) == 0 {
		return "pending"
	}
	return d.Statuses[len(d.Statuses)-1].State
}

// Deployment is a deployment as its repository's page of environments shows it.
type Deployment struct {
	SHA         forge.SHA
	Environment string
	State       string
	Description string
	URL         string   // of the environment
	States      []string // all that was ever said, oldest first
}

// Deployments returns the deployments of a repository, oldest first; none where there is no such repository.
func (s *Sandbox) Deployments(repo string) (list []Deployment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.st.repo(repo)
	if r == nil {
		return nil
	}
	for _, d := range r.deployed {
		one := Deployment{SHA: forge.SHA(d.SHA), Environment: d.Environment, State: d.state()}
		for _, x := range d.Statuses {
			one.Description, one.URL = x.Description, x.EnvironmentURL
			one.States = append(one.States, x.State)
		}
		list = append(list, one)
	}
	return list
}

// DeleteDeployments removes all deployments of a repository, as somebody may who has made them inactive. It fails where there is no such repository.
func (s *Sandbox) DeleteDeployments(repo string) error {
	s.mu.Lock()
	defer s.settle()
	r := s.st.repo(repo)
	if r == nil {
		return wrap(notFound(), "DeleteDeployments", repo, "")
	}
	r.deployed = nil
	return nil
}
