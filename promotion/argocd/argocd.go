// Package argocd reads what Argo CD's notifications say of an Application, and tells what that means: which files it is made of, and how it is.
package argocd

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"ferry/forge"
	"ferry/promotion"
)

// Schema is the form of the messages, as deploy/argocd/notifications.yaml makes them.
const Schema = "ferry.argocd/v1"

// Application is one message: the state of an Argo CD Application.
type Application struct {
	Schema      string `json:"schema"`
	Name        string `json:"app"`
	Namespace   string `json:"namespace"`
	At          string `json:"at"` // when the message was made
	Ferry       Labels `json:"ferry"`
	Destination struct {
		Name string `json:"name"` // of the cluster, where it is not known by its address
	} `json:"destination"`
	Source    Source      `json:"source"`
	Sources   []Source    `json:"sources"`
	Sync      Sync        `json:"sync"`
	Health    Health      `json:"health"`
	Operation Operation   `json:"operation"`
	Problems  []Condition `json:"conditions"`
	Images    []string    `json:"images"`
}

// Labels are what the Application's labels or annotations ferry.dev/… say; empty where they say nothing.
type Labels struct {
	App         string `json:"app"` // several with commas
	Environment string `json:"environment"`
	Cluster     string `json:"cluster"`
}

// Source is where an Application's manifests come from.
type Source struct {
	RepoURL string `json:"repoURL"`
	Path    string `json:"path"`
	Ref     string `json:"ref"` // how the value files of other sources call it
	Helm    struct {
		ValueFiles []string `json:"valueFiles"`
	} `json:"helm"`
}

// Sync is what was compared last: what Git says with what runs.
type Sync struct {
	Status    string   `json:"status"`
	Revision  string   `json:"revision"`
	Revisions []string `json:"revisions"` // of several sources, in their order
}

// Health is how what runs is.
type Health struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

// Operation is the last sync, which may be under way.
type Operation struct {
	Phase     string   `json:"phase"`
	Message   string   `json:"message"`
	Revision  string   `json:"revision"`
	Revisions []string `json:"revisions"`
}

// Condition is what Argo CD complains about.
type Condition struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

// Read reads a message. It fails where that is no message of deploy/argocd/notifications.yaml; fields that it does not know are left alone.
func Read(body []byte) (a Application, err error) {
	var wrong *json.UnmarshalTypeError
	err = json.Unmarshal(body, &a)
	switch {
	case errors.As(err, &wrong) && wrong.Field != "":
		return a, &promotion.FieldError{Field: wrong.Field, Problem: fmt.Sprintf("%s is expected, not %s; the template of deploy/argocd/notifications.yaml makes it so", wrong.Type, wrong.Value)}
	case err != nil:
		return a, fmt.Errorf("the body is not the JSON object that the template of deploy/argocd/notifications.yaml makes: %w", err)
	case a.Schema != Schema:
		return a, &promotion.FieldError{Field: "schema", Problem: fmt.Sprintf("%q is expected; use the template of deploy/argocd/notifications.yaml of this Ferry", Schema)}
	case a.Name == "":
		return a, &promotion.FieldError{Field: "app", Problem: "the Application's name is expected"}
	}
	return a, nil
}

// Apps returns the apps that the Application's labels name; none where they name none.
func (a Application) Apps() (names []string) {
	for name := range strings.SplitSeq(a.Ferry.App, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// From returns which of the Application's sources is the repository, OWNER/NAME, and which of its paths they take manifests and values from; "." is all
// of it. ok is false where none of them is.
func (a Application) From(repository string) (index int, paths []string, ok bool) {
	sources, index := a.sources(), -1
	refs := map[string]bool{}
	for _, s := range sources {
		if s.Ref != "" && isRepository(s.RepoURL, repository) {
			refs["$"+s.Ref] = true
		}
	}
	for i, s := range sources {
		own := isRepository(s.RepoURL, repository)
		if own && index < 0 {
			index = i
		}
		for _, file := range s.takes(own, refs) {
			if file = strings.TrimPrefix(path.Clean("/"+file), "/"); file == "" {
				file = "."
			}
			paths = append(paths, file)
		}
	}
	return index, paths, index >= 0
}

// takes returns what the source takes from the repository: where it is of it, its path and the value files beside that; and value files that it names by a
// reference to one that is.
func (s Source) takes(own bool, refs map[string]bool) (paths []string) {
	if own && (s.Path != "" || s.Ref == "") {
		paths = append(paths, s.Path)
	}
	for _, file := range s.Helm.ValueFiles {
		ref, rest, _ := strings.Cut(file, "/")
		switch {
		case refs[ref]:
			paths = append(paths, rest)
		case !own || strings.HasPrefix(file, "$") || strings.Contains(file, "://"):
		case strings.HasPrefix(file, "/"):
			paths = append(paths, file)
		case !strings.HasPrefix(path.Join(s.Path, file)+"/", "../"): // Argo CD lets none go out
			paths = append(paths, path.Join(s.Path, file))
		}
	}
	return paths
}

func (a Application) sources() []Source {
	if len(a.Sources) > 0 {
		return a.Sources
	}
	return []Source{a.Source}
}

// isRepository says whether an address, in any of git's spellings, is that of the repository OWNER/NAME at whatever host.
func isRepository(address, fullName string) bool {
	address = strings.TrimSuffix(strings.TrimRight(address, "/"), ".git")
	at := len(address) - len(fullName)
	return at > 0 && strings.EqualFold(address[at:], fullName) && strings.ContainsRune("/:", rune(address[at-1]))
}

// Report says how the Application is, as a report about no app yet. source is which of its sources counts. It returns false where nothing was synced
// yet, so that there is nothing to report.
func (a Application) Report(source int) (r promotion.AgentReport, ok bool) {
	compared, synced := revision(a.Sync.Revision, a.Sync.Revisions, source), revision(a.Operation.Revision, a.Operation.Revisions, source)
	r = promotion.AgentReport{Images: a.images(), Message: a.Health.Message}
	if at, err := time.Parse(time.RFC3339Nano, a.At); err == nil && at.Year() >= 1 {
		r.ObservedAt = at
	}
	applied := synced // what runs is what was synced last, unless all is as Git says
	if a.Sync.Status == "Synced" && compared != "" || applied == "" {
		applied = compared
	}
	r.Revision = applied
	problem, broken := a.problem()
	switch {
	case broken:
		r.Health, r.Message, r.Revision = promotion.HealthFailed, problem, compared
	case a.Operation.Phase == "Running" || a.Operation.Phase == "Terminating":
		r.Health, r.Message = promotion.HealthProgressing, a.Operation.Message
	case a.failed(applied, synced):
		r.Health, r.Message = promotion.HealthFailed, a.Operation.Message
		r.Revision = synced
		if synced == "" {
			r.Revision = compared
		}
	case a.Operation.Phase == "" && a.Sync.Status != "Synced":
		return r, false
	default:
		r.Health = healthOf(a.Health.Status)
	}
	return r, r.Revision != "" || r.Health == promotion.HealthFailed
}

// failed says whether the last sync failed, and nothing has made that good since.
func (a Application) failed(applied, synced forge.SHA) bool {
	return (a.Operation.Phase == "Failed" || a.Operation.Phase == "Error") && (a.Sync.Status != "Synced" || synced == "" || applied == synced)
}

// problem returns why Argo CD cannot tell what Git says, as when a template does not render.
func (a Application) problem() (message string, broken bool) {
	if a.Sync.Status != "Unknown" {
		return "", false
	}
	for _, c := range a.Problems {
		if strings.HasSuffix(c.Type, "Error") {
			return c.Type + ": " + c.Message, true
		}
	}
	return "", false
}

// healthOf translates Argo CD's words (argo-cd.readthedocs.io, "Resource Health"): a rollout that is paused has not arrived, and what is missing is
// being made.
func healthOf(status string) promotion.Health {
	switch status {
	case "Healthy":
		return promotion.HealthHealthy
	case "Degraded":
		return promotion.HealthDegraded
	case "Progressing", "Suspended", "Missing":
		return promotion.HealthProgressing
	}
	return promotion.HealthUnknown
}

// revision returns the commit of the source; none where the revision is no commit, as a chart's version.
func revision(single string, several []string, source int) forge.SHA {
	if source >= 0 && source < len(several) {
		single = several[source]
	}
	sha, err := forge.ParseSHA(single)
	if err != nil {
		return ""
	}
	return sha
}

// mostImages is how many images of an Application are taken.
const mostImages = 200

func (a Application) images() []string {
	var out []string
	for _, image := range a.Images {
		if len(out) < mostImages && image != "" && len(image) <= 1024 && !strings.ContainsFunc(image, func(r rune) bool { return r <= ' ' || r > '~' }) {
			out = append(out, image)
		}
	}
	return out
}
