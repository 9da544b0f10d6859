package github

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"ferry/forge"
)

// Permission is one permission that Ferry's App asks its owner for.
type Permission struct {
	Name         string // as GitHub's API calls it: pull_requests
	Title        string // as GitHub's pages call it: Pull requests
	Level        string // read or write
	Organization bool   // of the organization, not of its repositories
	Optional     bool   // without it Ferry lacks only what Use says
	Event        string // that GitHub tells of to who has it, and for which alone it is there; empty: calls need it
	Use          string // what Ferry does with it
}

// Access is the level in the words of GitHub's pages.
func (p Permission) Access() string {
	if p.Level == "write" {
		return "read and write"
	}
	return "read-only"
}

// Permissions returns all that Ferry's App may be given. The pages, the App's manifest and what each token carries follow from this table and from
// the one of the calls; tests hold them together.
func Permissions() []Permission {
	return []Permission{
		{Name: "contents", Title: "Contents", Level: "write", Use: "reads `.ferry.yaml` and the manifests; makes the commits and branches `ferry/…` and `ferry-state`; merges where `.ferry.yaml` says so"},
		{Name: "pull_requests", Title: "Pull requests", Level: "write", Use: "opens, updates and closes promotions, and reads who closed, merged or reviewed them"},
		{Name: "statuses", Title: "Commit statuses", Level: "write", Use: "posts `ferry/<environment>` and `ferry/gates`"},
		{Name: "deployments", Title: "Deployments", Level: "write", Optional: true, Use: "records deployments where `.ferry.yaml` says `deployments: true` ([docs/deployments.md](deployments.md)); without it only that is missing"},
		{Name: "issues", Title: "Issues", Level: "write", Use: "keeps the issue `Ferry: what is where`, and answers comments"},
		{Name: "checks", Title: "Checks", Level: "write", Optional: true, Use: "reads the check runs that `checks` asks for ([docs/gates.md](gates.md#checks)). Without it commit statuses count alone, " +
			"and a gate that waits for a check run says so. Makes the check run `ferry/config` on pull requests that change the configuration; without *write* a commit status says the same in one line"},
		{Name: "merge_queues", Title: "Merge queues", Level: "read", Optional: true, Event: "merge_group", Use: "hears of merge groups, which need `ferry/gates` too where a merge queue is required. Without it " +
			"what is pushed to their branches tells of them"},
		{Name: "metadata", Title: "Metadata", Level: "read", Use: "GitHub gives it to every App; also tells what a person who comments may do"},
		{Name: "members", Title: "Members", Level: "read", Organization: true, Optional: true, Use: "sees who is in a team, where `roles` names teams; without it nobody is"},
	}
}

// The sets of permissions that tokens carry. A comment may stand under an issue or a pull request, and GitHub asks for the permission of the one that
// it is; its own list names either (docs.github.com, "Permissions required for GitHub Apps").
const (
	needMetadata      = "metadata:read"
	needContents      = "contents:read"
	needCommits       = "contents:write"
	needPulls         = "pull_requests:read"
	needPullWrites    = "contents:read pull_requests:write" // a pull request's branches are read when it is opened
	needMerges        = "contents:write pull_requests:write"
	needThreads       = "issues:read pull_requests:read"
	needThreadWrites  = "issues:write pull_requests:write"
	needStatuses      = "statuses:read"
	needStatusWrites  = "statuses:write"
	needChecks        = "checks:read"
	needCheckWrites   = "checks:write"
	needDeployments   = "deployments:write" // also to read them: whoever does either does both
	needMembers       = "members:read"
	needAppCredential = "" // the App's own signature
)

// elsewhere is all that a client does outside of the environment repository that it is for: in the source repositories whose commits get statuses.
var elsewhere = [...]string{"metadata:read", "contents:read", "statuses:read", "statuses:write", "checks:read", "deployments:write"}

// Calls returns all calls that Ferry makes as an installation, such as "GET /repos/{owner}/{repo}", with the permissions that their tokens carry, such as
// "contents:read". A GraphQL call is named by the field at its root.
func Calls() map[string][]string {
	all := map[string][]string{}
	for _, c := range calls() {
		if c.needs != needAppCredential {
			all[c.method+" "+c.name()] = strings.Fields(c.needs)
		}
	}
	return all
}

// call is one call of GitHub's API and the permissions it is made with. Of a GraphQL call the path is "graphql" and the root field.
type call struct{ method, path, needs string }

// name is the path as GitHub's description writes it.
func (c call) name() string { return "/" + strings.ReplaceAll(c.path, "...}", "}") }

// calls are all that Ferry makes; another one is not sent.
func calls() []call {
	const repo = "repos/{owner}/{repo}"
	return []call{
		{"POST", "app-manifests/{code}/conversions", needAppCredential}, // which the code stands for
		{"GET", "app", needAppCredential}, {"GET", "app/installations", needAppCredential}, {"GET", "app/installations/{installation_id}", needAppCredential},
		{"GET", "app/hook/config", needAppCredential},
		{"POST", "app/installations/{installation_id}/access_tokens", needAppCredential},
		{"GET", "app/hook/deliveries", needAppCredential}, {"POST", "app/hook/deliveries/{delivery_id}/attempts", needAppCredential},
		{"GET", "user", needAppCredential}, {"GET", "user/repos", needAppCredential},
		{"GET", "rate_limit", needMetadata}, {"GET", "users/{username}", needMetadata}, {"GET", "installation/repositories", needMetadata},
		{"GET", "orgs/{org}/teams/{team_slug}", needMembers}, {"GET", "orgs/{org}/teams/{team_slug}/memberships/{username}", needMembers},
		{"GET", "repositories/{repository_id}", needMetadata}, {"GET", repo, needMetadata},
		{"GET", repo + "/rules/branches/{branch}", needMetadata}, {"GET", repo + "/collaborators/{username}/permission", needMetadata},

		{"GET", repo + "/branches/{branch}", needContents}, {"GET", repo + "/git/ref/{ref...}", needContents},
		{"GET", repo + "/git/trees/{tree_sha}", needContents}, {"GET", repo + "/git/blobs/{file_sha}", needContents}, {"GET", repo + "/git/commits/{commit_sha}", needContents},
		{"GET", repo + "/commits", needContents}, {"GET", repo + "/commits/{ref}", needContents}, {"GET", repo + "/contents/{path...}", needContents}, {"GET", repo + "/compare/{basehead}", needContents},
		{"GET", repo + "/commits/{ref}/branches-where-head", needContents},
		{"POST", repo + "/git/refs", needCommits}, {"PATCH", repo + "/git/refs/{ref...}", needCommits}, {"DELETE", repo + "/git/refs/{ref...}", needCommits},
		{"POST", repo + "/git/trees", needCommits}, {"POST", repo + "/git/blobs", needCommits}, {"POST", repo + "/git/commits", needCommits},

		{"GET", repo + "/commits/{ref}/status", needStatuses}, {"GET", repo + "/commits/{ref}/statuses", needStatuses}, {"POST", repo + "/statuses/{sha}", needStatusWrites},
		{"GET", repo + "/commits/{ref}/check-runs", needChecks}, {"POST", repo + "/check-runs", needCheckWrites},

		{"GET", repo + "/deployments", needDeployments}, {"POST", repo + "/deployments", needDeployments},
		{"GET", repo + "/deployments/{deployment_id}/statuses", needDeployments}, {"POST", repo + "/deployments/{deployment_id}/statuses", needDeployments},

		{"GET", repo + "/pulls", needPulls}, {"GET", repo + "/pulls/{pull_number}", needPulls},
		{"GET", repo + "/pulls/{pull_number}/reviews", needPulls}, {"POST", "graphql/repository", needPulls},
		{"POST", repo + "/pulls", needPullWrites}, {"PATCH", repo + "/pulls/{pull_number}", needPullWrites}, {"POST", repo + "/pulls/{pull_number}/requested_reviewers", needPullWrites},
		{"PUT", repo + "/pulls/{pull_number}/merge", needMerges},
		{"POST", "graphql/disablePullRequestAutoMerge", needMerges}, {"POST", "graphql/dequeuePullRequest", needMerges}, {"POST", "graphql/enqueuePullRequest", needMerges},
		{"POST", "graphql/createRef", needMerges}, {"POST", "graphql/createCommitOnBranch", needMerges}, {"POST", "graphql/createPullRequest", needMerges}, // in one request

		{"GET", repo + "/issues", needThreads}, {"GET", repo + "/issues/comments", needThreads}, // before {issue_number}, which it is not
		{"GET", repo + "/issues/{issue_number}", needThreads}, {"GET", repo + "/issues/{issue_number}/comments", needThreads},
		{"POST", repo + "/issues", needThreadWrites}, {"PATCH", repo + "/issues/{issue_number}", needThreadWrites}, {"POST", repo + "/issues/{issue_number}/labels", needThreadWrites},
		{"POST", repo + "/issues/{issue_number}/assignees", needThreadWrites},
		{"POST", repo + "/issues/{issue_number}/comments", needThreadWrites}, {"PATCH", repo + "/issues/comments/{comment_id}", needThreadWrites},
		{"POST", repo + "/issues/comments/{comment_id}/reactions", needThreadWrites},
	}
}

// order is what a token is made for: a repository, by its number or, where that is unknown, by its name; none for what belongs to no repository.
type order struct {
	id    int64
	name  string
	needs string
}

// permissions returns what is needed as GitHub's API takes them.
func (o order) permissions() map[string]string {
	wanted := map[string]string{}
	for need := range strings.FieldsSeq(o.needs) {
		name, level, _ := strings.Cut(need, ":")
		wanted[name] = level
	}
	return wanted
}

// orderOf returns what the token for a call must be made for. environment is the repository that the client is for; its zero value allows the call
// everywhere. It fails with *withheld where the call is none for that place.
func orderOf(c call, segments []string, environment forge.Repo) (order, error) {
	o := order{needs: c.needs}
	switch {
	case c.path == "repositories/{repository_id}":
		o.id, _ = strconv.ParseInt(segments[1], 10, 64) // what is no number is nobody's
		return o, o.bounded(environment)
	case !strings.HasPrefix(c.path, "repos/"):
		o.id = environment.ID
		return o, nil
	}
	owner, err := url.PathUnescape(segments[1])
	if err != nil {
		return o, err
	}
	if o.name, err = url.PathUnescape(segments[2]); err != nil {
		return o, err
	}
	return o.at(owner, environment)
}

// at places an order in the repository that its name and owner say.
func (o order) at(owner string, environment forge.Repo) (order, error) {
	ours := environment.Owner != "" && strings.EqualFold(owner, environment.Owner)
	switch {
	case ours && strings.EqualFold(o.name, environment.Name):
		o.id = environment.ID
	case environment.Owner != "" && !ours:
		// No installation reaches over owners: there is to be read what everybody may read, with no right at all.
		return order{id: environment.ID, needs: needMetadata}, o.bounded(environment)
	}
	if o.id != 0 {
		o.name = ""
	}
	return o, o.bounded(environment)
}

// bounded fails where an order asks for more than a source repository's share outside of the environment repository.
func (o order) bounded(environment forge.Repo) error {
	if environment.ID == 0 || o.id == environment.ID {
		return nil
	}
	for need := range strings.FieldsSeq(o.needs) {
		if !slices.Contains(elsewhere[:], need) {
			return &withheld{fmt.Sprintf("Ferry does nothing that needs %s outside of %s", need, environment.FullName())}
		}
	}
	return nil
}
