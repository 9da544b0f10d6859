package forge

// DeploymentState is how a deployment stands, in GitHub's words.
type DeploymentState string

// The states that Ferry says.
const (
	DeploymentInProgress DeploymentState = "in_progress"
	DeploymentSuccess    DeploymentState = "success"
	DeploymentFailure    DeploymentState = "failure"
	DeploymentError      DeploymentState = "error"
	DeploymentInactive   DeploymentState = "inactive"
)

// Deployment is the forge's own record that a commit was brought to one of a repository's environments.
type Deployment struct {
	ID     int64
	Author User
	For    int64 // the environment repository that Ferry keeps it for; 0 where it is nobody's of Ferry's
}

// NewDeployment is what a deployment is recorded with.
type NewDeployment struct {
	SHA         SHA
	Environment string
	Description string
	For         int64 // see Deployment
}

// DeploymentStatus is what is said of a deployment last.
type DeploymentStatus struct {
	State          DeploymentState
	Description    string
	URL            string // where to read more
	EnvironmentURL string // where it runs
}
