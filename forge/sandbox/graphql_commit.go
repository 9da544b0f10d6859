package sandbox

import (
	"errors"
	"net/http"
	"regexp"

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
	return object{"__typename": "Commit", "oid": found.SHA, "authors": object{"nodes": nodes, "totalCount": len(nodes)}}, nil
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
