package sandbox

import (
	"errors"
	"fmt"
	"net/http"
)

const docs = "https://docs.github.com/rest"

// problem is an answer in the shape of GitHub's errors.
type problem struct {
	status  int
	message string
	errors  []object
	texts   []string          // instead of errors, where GitHub writes bare words
	docs    string            // where documentation_url leads; the reference where empty
	header  map[string]string // of the answer
	free    bool              // it does not count against the rate limit
	kind    string            // what GraphQL calls it, of a whole document
}

// Error names the status and GitHub's words, with the details of a failed validation.
func (p *problem) Error() string {
	text := fmt.Sprintf("%d %s", p.status, p.message)
	for _, e := range p.errors {
		text += fmt.Sprintf(": %v", e["message"])
	}
	for _, e := range p.texts {
		text += ": " + e
	}
	return text
}

func (p *problem) body() object {
	if p.kind != "" {
		return object{"errors": []object{{"type": p.kind, "message": p.message}}}
	}
	o := object{"message": p.message, "documentation_url": docs, "status": fmt.Sprint(p.status)}
	if p.docs != "" {
		o["documentation_url"] = p.docs
	}
	if len(p.texts) > 0 {
		o["errors"] = p.texts
	}
	if len(p.errors) > 0 {
		o["errors"] = p.errors
	}
	return o
}

func fail(status int, format string, args ...any) *problem {
	return &problem{status: status, message: fmt.Sprintf(format, args...)}
}

func notFound() *problem { return fail(http.StatusNotFound, "Not Found") }

func forbidden() *problem {
	return fail(http.StatusForbidden, "Resource not accessible by integration")
}

// invalid is a failed validation of one field, in GitHub's words.
func invalid(resource, field, format string, args ...any) *problem {
	e := object{"resource": resource, "code": "custom", "message": fmt.Sprintf(format, args...)}
	if field != "" {
		e["field"] = field
	}
	return &problem{status: http.StatusUnprocessableEntity, message: "Validation Failed", errors: []object{e}}
}

func missingField(resource, field string) *problem {
	e := object{"resource": resource, "field": field, "code": "missing_field", "message": field + " is missing"}
	return &problem{status: http.StatusUnprocessableEntity, message: "Validation Failed", errors: []object{e}}
}

// asProblem returns what err is to a client: itself, or a 500 that does not show the cause.
func asProblem(err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	return fail(http.StatusInternalServerError, "Server Error")
}
