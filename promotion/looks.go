package promotion

import (
	"strings"
)

// PullLooks is how a promotion pull request looks from its opening on, by `pull_request` of the configuration.
type PullLooks struct {
	Labels    []string `json:"labels,omitempty"`
	Assignees []string `json:"assignees,omitempty"` // logins
	Reviewers []string `json:"reviewers,omitempty"` // logins, and teams as owner/slug
	Draft     bool     `json:"draft,omitempty"`
}

func looksOf(env *Environment) PullLooks {
	return PullLooks{Labels: env.PullRequest.Labels, Assignees: env.PullRequest.Assignees, Reviewers: env.PullRequest.Reviewers, Draft: env.PullRequest.Draft}
}

// maxTitle is how many characters GitHub takes as a title: "title is too long (maximum is 256 characters)".
const maxTitle = 256

// templateTitle fills in the configuration's title of a pull request; it returns nothing where there is none. A rollback or a hotfix keeps Ferry's own,
// which says that it is one.
func (s *Snapshot) templateTitle(env *Environment, c choice) string {
	if env.PullRequest.Title == "" {
		return ""
	}
	old := "nothing"
	switch current := env.Current(); {
	case current == nil:
	case current.Problem != "":
		old = "mixed"
	default:
		old = current.Release.Version()
	}
	title := strings.NewReplacer("{app}", s.App.Name, "{env}", env.Name, "{old}", old, "{new}", c.release.Version()).Replace(env.PullRequest.Title)
	return clip(oneLine(title), maxTitle)
}
