package forgetest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// The package in which GitHub's GraphQL schema is published, at the version the tests were written for.
const (
	graphqlPackage = "@octokit/graphql-schema@15.26.1"
	graphqlFile    = "package/schema.graphql"
	graphqlAddress = "/api/graphql" // as on GitHub Enterprise Server
)

// graphqlSchema is GitHub's schema, read once for all tests of a process.
var graphqlSchema = sync.OnceValues(func() (*ast.Schema, error) {
	raw, err := fetch(context.Background(), graphqlPackage, graphqlFile)
	if err != nil {
		return nil, err
	}
	doc, err := parser.ParseSchemas(validator.Prelude, &ast.Source{Name: graphqlFile, Input: string(raw)})
	if err != nil {
		return nil, fmt.Errorf("GitHub's GraphQL schema: %w", err)
	}
	for _, d := range doc.Definitions { // it says some fields twice
		seen := map[string]bool{}
		d.Fields = slices.DeleteFunc(d.Fields, func(f *ast.FieldDefinition) bool {
			again := seen[f.Name]
			seen[f.Name] = true
			return again
		})
	}
	schema, err := validator.ValidateSchemaDocument(doc)
	if err != nil {
		return nil, fmt.Errorf("GitHub's GraphQL schema: %w", err)
	}
	return schema, nil
})

// checkGraphQL holds a request of GitHub's GraphQL API against its schema: the document, and the variables that are sent with it.
func checkGraphQL(body []byte) error {
	schema, err := graphqlSchema()
	if err != nil {
		return err
	}
	var in struct {
		Query     string
		Variables map[string]any
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return err
	}
	doc, problems := gqlparser.LoadQueryWithRules(schema, in.Query, rules.NewDefaultRules())
	if len(problems) > 0 {
		return fmt.Errorf("GitHub's GraphQL schema does not allow it: %w", problems)
	}
	if _, err := validator.VariableValues(schema, doc.Operations[0], in.Variables); err != nil {
		return fmt.Errorf("GitHub's GraphQL schema does not allow the variables: %w", err)
	}
	return nil
}
