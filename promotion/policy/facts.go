package policy

import "time"

// Facts are what a policy may ask about: one release on its way into one environment. The names in the tags are those a policy uses. There is no clock
// among them: what depends on the time of day is a freeze.
type Facts struct {
	App         App         `cel:"app"`
	Environment Environment `cel:"environment"`
	Release     Release     `cel:"release"`   // what is to enter the environment
	Current     Release     `cel:"current"`   // what stands there; without images where its manifests disagree
	Change      string      `cel:"change"`    // how far apart they are: see Changes
	Intent      string      `cel:"intent"`    // why it comes: promotion; update where Ferry brings in what CI announced; or rollback, hotfix, backfill
	Asker       string      `cel:"asker"`     // who asked for it; "" where nobody had to
	Upstream    []Upstream  `cel:"upstream"`  // each `from` environment
	Approvals   []string    `cel:"approvals"` // the logins of those whose approvals of what the pull request shows count
}

// App is the app that is promoted.
type App struct {
	Name   string `cel:"name"`
	Group  string `cel:"group"`  // "" where it goes alone
	Source string `cel:"source"` // owner/name; "" where none is configured
}

// Environment is the environment promoted into.
type Environment struct {
	Name     string   `cel:"name"`
	Clusters []string `cel:"clusters"`
}

// Release is one release. Version is the tag that its images share, else each image's last name with its tag.
type Release struct {
	Version string  `cel:"version"`
	Images  []Image `cel:"images"`
}

// Image is one image of a release.
type Image struct {
	Name   string `cel:"name"`
	Tag    string `cel:"tag"`
	Digest string `cel:"digest"` // "" where none is known
	Commit string `cel:"commit"` // of the source repository, from which it was built; "" where CI gave none
}

// Upstream is how the release fares in an environment that it comes from.
type Upstream struct {
	Environment string        `cel:"environment"`
	Converged   bool          `cel:"converged"` // it has converged there at some time
	Healthy     bool          `cel:"healthy"`   // it stands there now, and every cluster is healthy
	Soaked      time.Duration `cel:"soaked"`    // for how long it has run healthily there
}

// Changes are the values of Facts.Change, from the nearest to the farthest. Of several images the farthest counts. Older is a downgrade by semantic
// version; unordered is what has no semantic versions, or is newer in one image and older in another.
func Changes() []string {
	return []string{"none", "digest", "patch", "minor", "major", "older", "unordered"}
}
