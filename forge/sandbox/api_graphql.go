package sandbox

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// graphqlRow is GitHub's GraphQL address (docs.github.com, "Forming calls with GraphQL"; on GitHub Enterprise Server it is /api/graphql, beside /api/v3).
func graphqlRow() route {
	return route{"POST", graphqlPath, byTokens, "", postGraphQL, "", ""}
}

const graphqlPath = "/graphql"

func (s *Sandbox) graphqlRoute(mux chi.Router) {
	mux.Post("/api/graphql", func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, []route{graphqlRow()}) })
}

// graphqlField is one field of the root that a query asks for.
type graphqlField struct {
	*ast.Field
	variables map[string]any
}

// argument reads an argument of a field into v; an absent one leaves it as it is.
func (f graphqlField) argument(of *ast.Field, name string, v any) error {
	arg := of.Arguments.ForName(name)
	if arg == nil {
		return nil
	}
	value, err := arg.Value.Value(f.variables)
	if err != nil {
		return unprocessable(err.Error())
	}
	raw, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(raw, v)
	}
	return err
}

// graphqlFields are the fields of the root that the sandbox knows.
func graphqlFields() map[string]func(*call, graphqlField) (object, error) {
	known := map[string]func(*call, graphqlField) (object, error){
		"repository": graphqlRepository, "createRef": graphqlCreateRef, "createCommitOnBranch": graphqlCommit, "createPullRequest": graphqlOpenPull,
	}
	maps.Copy(known, armingFields())
	return known
}

// postGraphQL answers 200 also to what fails, with the errors in the body, as GraphQL does. The mutations of one document are carried out one after the
// other, each whatever became of those before it (spec.graphql.org, "Mutation" and "Handling Execution Errors": the fields of GitHub's Mutation may be null).
func postGraphQL(c *call) (reply, error) {
	var in struct {
		Query     string
		Variables map[string]any
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return reply{}, fail(http.StatusBadRequest, "Problems parsing JSON")
	}
	doc, err := parser.ParseQuery(&ast.Source{Input: in.Query})
	if err != nil || len(doc.Operations) != 1 {
		return ok(object{"errors": []object{{"message": "Parse error: one operation is expected", "extensions": object{"code": "parseError"}}}})
	}
	known := graphqlFields()
	for _, s := range doc.Operations[0].SelectionSet {
		if f, isField := s.(*ast.Field); !isField || known[f.Name] == nil {
			return ok(object{"errors": []object{{"message": "the sandbox knows no such field", "extensions": object{"code": "undefinedField"}}}})
		}
	}
	data, problems := object{}, []object{}
	for _, s := range doc.Operations[0].SelectionSet {
		f := graphqlField{s.(*ast.Field), in.Variables}
		made, err := c.graphql(f, known[f.Name])
		if err != nil {
			data[f.Alias], problems = nil, append(problems, graphqlError(f, err))
			continue
		}
		data[f.Alias] = selected(made, f.SelectionSet)
	}
	if len(problems) > 0 {
		return ok(object{"data": data, "errors": problems})
	}
	return ok(object{"data": data})
}

// graphql carries one field out, or lets it fail on purpose: a fault of the route "/graphql#createRef" is one of that field alone.
func (c *call) graphql(f graphqlField, do func(*call, graphqlField) (object, error)) (object, error) {
	fault := c.s.faults.call(http.MethodPost, graphqlPath+"#"+f.Name)
	var made object
	var err error
	if fault == nil || fault.Done {
		made, err = do(c, f)
	}
	switch {
	case fault == nil:
		return made, err
	case fault.Status == http.StatusForbidden:
		return nil, fail(http.StatusForbidden, "Resource not accessible by integration")
	}
	return nil, fail(http.StatusInternalServerError, "Something went wrong while executing your query.")
}

// graphqlError is what became of a field that failed, in GitHub's words for it.
func graphqlError(f graphqlField, err error) object {
	p := asProblem(err)
	words := append([]string{}, p.texts...)
	for _, e := range p.errors {
		words = append(words, e["message"].(string))
	}
	if len(p.errors) == 0 {
		words = append(words, p.message)
	}
	o := object{"path": []string{f.Alias}, "message": strings.Join(words, ": ")}
	switch p.status {
	case http.StatusNotFound:
		o["type"] = "NOT_FOUND"
	case http.StatusForbidden:
		o["type"] = "FORBIDDEN"
	case http.StatusConflict:
		o["type"] = "STALE_DATA"
	case http.StatusInternalServerError: // GitHub gives these no type
	default:
		o["type"] = "UNPROCESSABLE"
	}
	return o
}

// selected is of an object what was asked for, under the names that were asked for.
func selected(o object, set ast.SelectionSet) object {
	out := object{}
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			value, several := o[s.Name+" as "+s.Alias] // one field, asked for with several arguments
			if !several {
				value = o[s.Name]
			}
			out[s.Alias] = value
			switch inner := value.(type) {
			case object:
				out[s.Alias] = selected(inner, s.SelectionSet)
			case []object:
				list := []object{}
				for _, one := range inner {
					list = append(list, selected(one, s.SelectionSet))
				}
				out[s.Alias] = list
			}
		case *ast.InlineFragment:
			if s.TypeCondition == o["__typename"] {
				maps.Copy(out, selected(o, s.SelectionSet))
			}
		}
	}
	return out
}

func unresolved(id string) error {
	return fail(http.StatusNotFound, "Could not resolve to a node with the global id of '%s'", id)
}

// graphqlRepository is a repository with the pull request that is asked for in it.
func graphqlRepository(c *call, f graphqlField) (object, error) {
	var owner, name string
	if err := errors.Join(f.argument(f.Field, "owner", &owner), f.argument(f.Field, "name", &name)); err != nil {
		return nil, err
	}
	r := c.s.st.repo(owner + "/" + name)
	if r == nil || !c.client.sees(r) {
		return nil, fail(http.StatusNotFound, "Could not resolve to a Repository with the name '%s/%s'.", owner, name)
	}
	o := object{"id": nodeID("Repository", r.id)}
	for _, s := range f.SelectionSet {
		asked, isField := s.(*ast.Field)
		if !isField || repositoryFields()[asked.Name] == nil {
			continue
		}
		var err error
		if o[asked.Name+" as "+asked.Alias], err = repositoryFields()[asked.Name](c, r, f, asked); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// repositoryFields are the fields of a repository that have arguments of their own.
func repositoryFields() map[string]func(*call, *repository, graphqlField, *ast.Field) (any, error) {
	return map[string]func(*call, *repository, graphqlField, *ast.Field) (any, error){"ref": graphqlRef, "mergeQueue": graphqlQueue, "pullRequest": graphqlPullNumber, "object": (*call).graphqlCommitObject}
}

func graphqlPullNumber(c *call, r *repository, f graphqlField, asked *ast.Field) (any, error) {
	var number int
	if err := errors.Join(c.client.may(r, "pull_requests:read"), f.argument(asked, "number", &number)); err != nil {
		return nil, err
	}
	t := r.thread(number)
	if t == nil || t.pull == nil {
		return nil, fail(http.StatusNotFound, "Could not resolve to a PullRequest with the number of %d.", number)
	}
	return c.s.graphqlPull(r, t), nil
}

// repoNode finds a repository by its global id.
func (c *call) repoNode(id string) (*repository, error) {
	for _, r := range c.s.st.repos {
		if nodeID("Repository", r.id) == id && c.client.sees(r) {
			return r, nil
		}
	}
	return nil, unresolved(id)
}

// pullNode finds a pull request by its global id.
func (c *call) pullNode(id string) (*repository, *thread, error) {
	for _, r := range c.s.st.repos {
		for _, t := range r.pullRequests() {
			if nodeID("PullRequest", t.pull.id) == id && c.client.sees(r) {
				return r, t, nil
			}
		}
	}
	return nil, nil, unresolved(id)
}

// graphqlPull is a pull request in GraphQL's words.
func (s *Sandbox) graphqlPull(r *repository, t *thread) object {
	p := t.pull
	o := object{
		"id": nodeID("PullRequest", p.id), "number": t.number, "title": t.title, "body": t.body, "url": s.pageURL(r, t), "isDraft": p.draft,
		"state": map[bool]string{true: "OPEN", false: "CLOSED"}[t.open], "createdAt": stamp(t.created), "updatedAt": stamp(t.updated),
		"headRefOid": p.headSHA, "headRefName": p.head, "baseRefOid": p.shownBase(), "baseRefName": p.base,
		"author": graphqlActor(t.author), "autoMergeRequest": nil, "mergeQueueEntry": nil,
	}
	if p.merged {
		o["state"] = "MERGED"
	}
	if x := p.auto; x != nil {
		o["autoMergeRequest"] = object{"enabledBy": graphqlActor(x.by)}
	}
	o["isMergeQueueEnabled"], o["isInMergeQueue"] = r.queues(p.base), p.queued != nil
	if x := p.queued; x != nil {
		o["mergeQueueEntry"] = object{"enqueuer": graphqlActor(x.by)}
	}
	return o
}

// graphqlRef is a branch with what its branch protection shows to people who do not administer it, nil where there is no such branch.
func graphqlRef(c *call, r *repository, f graphqlField, asked *ast.Field) (any, error) {
	var ref string
	if err := errors.Join(c.client.may(r, "contents:read"), f.argument(asked, "qualifiedName", &ref)); err != nil {
		return nil, err
	}
	branch := strings.TrimPrefix(ref, "refs/heads/")
	if r.head(branch) == "" {
		return nil, nil
	}
	o := object{"name": branch, "prefix": "refs/heads/", "refUpdateRule": nil}
	if p := r.guard(branch); p != nil {
		rule := object{"pattern": p.Branch, "requiresLinearHistory": p.Linear, "requiresSignatures": p.Signed, "requiredApprovingReviewCount": nil}
		if p.byPull() {
			rule["requiredApprovingReviewCount"] = p.Reviews
		}
		o["refUpdateRule"] = rule
	}
	return o, nil
}

// graphqlQueue is the merge queue of a branch, nil where it has none.
func graphqlQueue(c *call, r *repository, f graphqlField, asked *ast.Field) (any, error) {
	var branch string
	if err := errors.Join(c.client.may(r, "pull_requests:read"), f.argument(asked, "branch", &branch)); err != nil {
		return nil, err
	}
	if !r.queues(branch) {
		return nil, nil
	}
	nodes := []object{}
	for i, t := range r.queue(branch) {
		entry := object{"position": i + 1, "enqueuer": graphqlActor(t.pull.queued.by), "pullRequest": c.s.graphqlPull(r, t), "state": "QUEUED", "headCommit": nil}
		if g := t.pull.group; g != nil {
			entry["state"], entry["headCommit"] = "AWAITING_CHECKS", object{"oid": g.sha}
		}
		nodes = append(nodes, entry)
	}
	return object{"entries": object{"nodes": nodes, "pageInfo": object{"hasNextPage": false, "endCursor": nil}}}, nil
}

// graphqlActor is an account. A bot's login is its App's there, without the ending that REST gives it.
func graphqlActor(a *account) object {
	return object{"__typename": a.kind, "login": strings.TrimSuffix(a.login, "[bot]"), "databaseId": a.id}
}
