package sandbox

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
)

// by says which credentials a route takes.
type by int

const (
	byAll          by = iota // also nobody, for what is public
	byTokens                 // everything but an App's JWT
	byApp                    // an App's JWT
	byInstallation           // an installation token
	byPerson                 // a person's token
)

// route is one row of GitHub's API reference. In path a parameter that may hold slashes is written {name...}; need is the
// permission of Apps that the reference asks for.
type route struct {
	method string
	path   string
	by     by
	need   string
	handle func(*call) (reply, error)
	wild   string // name of the parameter with slashes
	tail   string // what follows it
}

// apiRoutes is the API: what Ferry and the people of a demonstration call.
func apiRoutes() []route {
	const repo = "/repos/{owner}/{repo}"
	const issueRead, issueWrite = "issues:read|pull_requests:read", "issues:write|pull_requests:write"
	return []route{
		// The App itself.
		{"GET", "/app", byApp, "", getApp, "", ""},
		{"POST", "/app-manifests/{code}/conversions", byAll, "", convertManifest, "", ""},
		{"GET", "/app/installations", byApp, "", listInstallations, "", ""},
		{"GET", "/app/installations/{installation_id}", byApp, "", getInstallation, "", ""},
		{"POST", "/app/installations/{installation_id}/access_tokens", byApp, "", createToken, "", ""},
		{"GET", "/app/hook/config", byApp, "", getHookConfig, "", ""},
		{"GET", "/app/hook/deliveries", byApp, "", listDeliveries, "", ""},
		{"POST", "/app/hook/deliveries/{delivery_id}/attempts", byApp, "", redeliver, "", ""},
		{"GET", "/installation/repositories", byInstallation, "", listInstallationRepos, "", ""},
		{"GET", repo + "/installation", byApp, "", getRepoInstallation, "", ""},
		// Accounts.
		{"GET", "/user", byPerson, "", getUser, "", ""},
		{"GET", "/user/repos", byPerson, "", listOwnRepos, "", ""},
		{"GET", "/users/{username}", byAll, "", getUserByName, "", ""},
		{"GET", "/orgs/{org}/teams/{team_slug}", byTokens, "members:read", getTeam, "", ""},
		{"GET", "/orgs/{org}/teams/{team_slug}/memberships/{username}", byTokens, "members:read", getMembership, "", ""},
		{"GET", "/rate_limit", byAll, "", getRateLimit, "", ""},
		// Repositories and branches.
		{"GET", repo, byTokens, "metadata:read", getRepo, "", ""},
		{"GET", "/repositories/{id}", byTokens, "metadata:read", getRepoByID, "", ""},
		{"GET", repo + "/branches", byTokens, "contents:read", listBranches, "", ""},
		{"GET", repo + "/branches/{branch...}", byTokens, "contents:read", getBranch, "", ""},
		{"GET", repo + "/branches/{branch...}/protection", byTokens, "administration:read", getProtection, "", ""},
		{"GET", repo + "/rules/branches/{branch...}", byTokens, "metadata:read", listRules, "", ""},
		{"GET", repo + "/collaborators/{username}/permission", byTokens, "metadata:read", getPermission, "", ""},
		// Git data.
		{"GET", repo + "/git/ref/{ref...}", byTokens, "contents:read", getRef, "", ""},
		{"GET", repo + "/git/matching-refs/{ref...}", byTokens, "contents:read", matchingRefs, "", ""},
		{"POST", repo + "/git/refs", byTokens, "contents:write", createRef, "", ""},
		{"PATCH", repo + "/git/refs/{ref...}", byTokens, "contents:write", updateRef, "", ""},
		{"DELETE", repo + "/git/refs/{ref...}", byTokens, "contents:write", deleteRef, "", ""},
		{"GET", repo + "/git/commits/{commit_sha}", byTokens, "contents:read", getGitCommit, "", ""},
		{"POST", repo + "/git/commits", byTokens, "contents:write", createCommit, "", ""},
		{"GET", repo + "/git/trees/{tree_sha...}", byTokens, "contents:read", getTree, "", ""},
		{"POST", repo + "/git/trees", byTokens, "contents:write", createTree, "", ""},
		{"GET", repo + "/git/blobs/{file_sha}", byTokens, "contents:read", getBlob, "", ""},
		{"POST", repo + "/git/blobs", byTokens, "contents:write", createBlob, "", ""},
		// Commits, files and what lies between two commits.
		{"GET", repo + "/commits", byTokens, "contents:read", listCommits, "", ""},
		{"GET", repo + "/commits/{ref...}", byTokens, "contents:read", getCommit, "", ""},
		{"GET", repo + "/commits/{ref}/branches-where-head", byTokens, "contents:read", branchesAt, "", ""},
		{"GET", repo + "/commits/{ref...}/status", byTokens, "statuses:read", getCombinedStatus, "", ""},
		{"GET", repo + "/commits/{ref...}/statuses", byTokens, "statuses:read", listStatuses, "", ""},
		{"GET", repo + "/commits/{ref...}/check-runs", byTokens, "checks:read", listCheckRuns, "", ""},
		{"POST", repo + "/check-runs", byTokens, "checks:write", createCheckRun, "", ""},
		{"GET", repo + "/check-runs/{check_run_id}", byTokens, "checks:read", getCheckRun, "", ""},
		{"PATCH", repo + "/check-runs/{check_run_id}", byTokens, "checks:write", updateCheckRun, "", ""},
		{"GET", repo + "/check-runs/{check_run_id}/annotations", byTokens, "checks:read", listAnnotations, "", ""},
		{"POST", repo + "/statuses/{sha}", byTokens, "statuses:write", createStatus, "", ""},
		{"GET", repo + "/contents/{path...}", byTokens, "contents:read", getContents, "", ""},
		{"PUT", repo + "/contents/{path...}", byTokens, "contents:write", putContents, "", ""},
		{"GET", repo + "/compare/{basehead...}", byTokens, "contents:read", compare, "", ""},
		// Deployments.
		{"GET", repo + "/deployments", byTokens, "deployments:read", listDeployments, "", ""},
		{"POST", repo + "/deployments", byTokens, "deployments:write", createDeployment, "", ""},
		{"GET", repo + "/deployments/{deployment_id}", byTokens, "deployments:read", getDeployment, "", ""},
		{"GET", repo + "/deployments/{deployment_id}/statuses", byTokens, "deployments:read", listDeploymentStatuses, "", ""},
		{"POST", repo + "/deployments/{deployment_id}/statuses", byTokens, "deployments:write", createDeploymentStatus, "", ""},
		// Pull requests.
		{"GET", repo + "/pulls", byTokens, "pull_requests:read", listPulls, "", ""},
		{"POST", repo + "/pulls", byTokens, "pull_requests:write", createPull, "", ""},
		{"GET", repo + "/pulls/{pull_number}", byTokens, "pull_requests:read", getPull, "", ""},
		{"PATCH", repo + "/pulls/{pull_number}", byTokens, "pull_requests:write", updatePull, "", ""},
		{"GET", repo + "/pulls/{pull_number}/files", byTokens, "pull_requests:read", listPullFiles, "", ""},
		{"GET", repo + "/pulls/{pull_number}/commits", byTokens, "pull_requests:read", listPullCommits, "", ""},
		{"POST", repo + "/pulls/{pull_number}/requested_reviewers", byTokens, "pull_requests:write", requestReviewers, "", ""},
		{"GET", repo + "/pulls/{pull_number}/reviews", byTokens, "pull_requests:read", listReviews, "", ""},
		{"POST", repo + "/pulls/{pull_number}/reviews", byTokens, "pull_requests:write", createReview, "", ""},
		{"PUT", repo + "/pulls/{pull_number}/reviews/{review_id}/dismissals", byTokens, "pull_requests:write", dismissReview, "", ""},
		{"GET", repo + "/pulls/{pull_number}/merge", byTokens, "pull_requests:read", isMerged, "", ""},
		{"PUT", repo + "/pulls/{pull_number}/merge", byTokens, "contents:write", mergePull, "", ""},
		// Issues and comments, also of pull requests.
		{"GET", repo + "/issues", byTokens, issueRead, listIssues, "", ""},
		{"POST", repo + "/issues", byTokens, "issues:write", createIssue, "", ""},
		{"GET", repo + "/issues/{issue_number}", byTokens, issueRead, getIssue, "", ""},
		{"PATCH", repo + "/issues/{issue_number}", byTokens, issueWrite, updateIssue, "", ""},
		{"POST", repo + "/issues/{issue_number}/labels", byTokens, issueWrite, addLabels, "", ""},
		{"POST", repo + "/issues/{issue_number}/assignees", byTokens, issueWrite, addAssignees, "", ""},
		{"GET", repo + "/issues/{issue_number}/comments", byTokens, issueRead, listComments, "", ""},
		{"POST", repo + "/issues/{issue_number}/comments", byTokens, issueWrite, createComment, "", ""},
		{"GET", repo + "/issues/comments", byTokens, issueRead, listRepoComments, "", ""},
		{"GET", repo + "/issues/comments/{comment_id}", byTokens, issueRead, getComment, "", ""},
		{"PATCH", repo + "/issues/comments/{comment_id}", byTokens, issueWrite, updateComment, "", ""},
		{"DELETE", repo + "/issues/comments/{comment_id}", byTokens, issueWrite, removeComment, "", ""},
		{"GET", repo + "/issues/comments/{comment_id}/reactions", byTokens, issueRead, listReactions, "", ""},
		{"POST", repo + "/issues/comments/{comment_id}/reactions", byTokens, issueWrite, createReaction, "", ""},
	}
}

// routes builds the one handler of everything.
func (s *Sandbox) routes() http.Handler {
	mux := chi.NewRouter()
	mux.Mount("/api/v3", s.apiHandler())
	s.graphqlRoute(mux)
	s.adminRoutes(mux)
	s.pageRoutes(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isGit(r) { // git clients
			s.serveGit(w, r)
			return
		}
		// With this the router always cuts the escaped path, and a parameter may hold an escaped slash.
		r.URL.RawPath = r.URL.EscapedPath()
		mux.ServeHTTP(w, r)
	})
}

func (s *Sandbox) apiHandler() http.Handler {
	mux := chi.NewRouter()
	groups := map[string][]route{}
	for _, row := range apiRoutes() {
		pattern := row.split()
		key := row.method + " " + pattern
		groups[key] = append(groups[key], row)
	}
	for key, rows := range groups {
		method, pattern, _ := strings.Cut(key, " ")
		mux.MethodFunc(method, pattern, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, rows) })
		if method == http.MethodGet {
			mux.MethodFunc(http.MethodHead, pattern, func(w http.ResponseWriter, r *http.Request) { s.serve(w, asGet(r), rows) })
		}
	}
	missing := func(w http.ResponseWriter, _ *http.Request) { answerProblem(w, notFound()) }
	mux.NotFound(missing)
	mux.MethodNotAllowed(missing)
	return mux
}

// asGet is a HEAD request as the GET whose header it asks for (docs.github.com, "Getting started with the REST API"); the
// server leaves the body out.
func asGet(r *http.Request) *http.Request {
	r = r.WithContext(r.Context())
	r.Method = http.MethodGet
	return r
}

// split returns the pattern of the router, in which what may hold slashes is a wildcard at the end, and keeps the rest in
// the row.
func (row *route) split() string {
	head, rest, ok := strings.Cut(row.path, "...}")
	if !ok {
		return row.path
	}
	i := strings.LastIndex(head, "{")
	row.wild, row.tail = head[i+1:], rest
	row.path = strings.ReplaceAll(row.path, "...}", "}")
	return head[:i] + "*"
}
