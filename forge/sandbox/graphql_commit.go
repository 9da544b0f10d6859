package sandbox

import (
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"ferry/forge"
)

// coAuthored is how a commit names who else made it (docs.github.com, "Creating a commit with multiple authors").
var coAuthored = regexp.MustCompile(`(?im)^co-authored-by:[ \t]*([^<\n]*?)[ \t]*<([^>\n]*)>`)

// graphqlCommitObject is the commit that a field asks for in a repository, with its authors: who Git says, then its co-authors, each with the account that
// their address belongs to (docs.github.com, GraphQL, Commit.authors); nil where there is none.
func (c *call) graphqlCommitObject(r *repository, f graphqlField, asked *ast.Field) (any, error) {
	var oid string
	if err := errors.Join(c.client.may(r, "contents:read"), f.argument(asked, "oid", &oid)); err != nil {
		return nil, err
	}
	if _, err := forge.ParseSHA(oid); err != nil {
		return nil, fail(http.StatusUnprocessableEntity, "Could not resolve to a GitObject with the oid '%s'.", oid)
	}
	found, err := r.git.Commit(oid)
	if err != nil {
		return nil, nil // GraphQL answers null
	}
	author := func(name, email string) object {
		o := object{"name": name, "email": email, "user": nil}
		if a := c.s.st.byEmail[email]; a != nil {
			o["user"] = graphqlActor(a)
		}
		return o
	}
	nodes := []object{author(found.Author.Name, found.Author.Email)}
	for _, m := range coAuthored.FindAllStringSubmatch(found.Message, -1) {
		nodes = append(nodes, author(m[1], m[2]))
	}
	o := object{"__typename": "Commit", "oid": found.SHA, "authors": object{"nodes": nodes, "totalCount": len(nodes)}}
	o["status"], err = c.graphqlStatuses(r, found.SHA, f, asked)
	return o, err
}

// graphqlStatuses is the status that a field asks for by its context on a commit (docs.github.com, GraphQL, Commit.status and Status.context); null where
// nobody has posted any.
func (c *call) graphqlStatuses(r *repository, sha string, f graphqlField, asked *ast.Field) (any, error) {
	var name string
	for _, field := range fieldsOf(asked.SelectionSet, "status", "context") {
		if err := errors.Join(c.client.may(r, "statuses:read"), f.argument(field, "name", &name)); err != nil {
			return nil, err
		}
	}
	for _, x := range r.latest(sha) {
		if name != "" && strings.EqualFold(x.context, name) {
			return object{"context": object{"context": x.context, "state": strings.ToUpper(x.state), "description": x.description, "targetUrl": x.target,
				"createdAt": stamp(x.created), "creator": graphqlActor(x.creator)}}, nil
		}
	}
	return nil, nil
}

// fieldsOf returns the fields at the end of a path of names, also through fragments.
func fieldsOf(set ast.SelectionSet, path ...string) (list []*ast.Field) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.InlineFragment:
			list = append(list, fieldsOf(s.SelectionSet, path...)...)
		case *ast.Field:
			if s.Name == path[0] && len(path) == 1 {
				list = append(list, s)
			} else if s.Name == path[0] {
				list = append(list, fieldsOf(s.SelectionSet, path[1:]...)...)
			}
		}
	}
	return list
}

// AddEmail gives a person one more address by which the forge knows their commits. It fails for an unknown person.
func (s *Sandbox) AddEmail(login, email string) error {
	s.mu.Lock()
	defer s.settle()
	a := s.st.account(login)
	if a == nil {
		return fail(http.StatusNotFound, "%s is not a user", login)
	}
	a.emails = append(a.emails, email)
	s.st.byEmail[email] = a
	return nil
}
