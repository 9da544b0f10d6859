package forgetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// Validator holds exchanges against a description and keeps what it found.
type Validator struct {
	spec      *openapi3.T
	templates []template

	mu     sync.Mutex
	report Report
}

// Report is what a Validator found so far.
type Report struct {
	Exchanges  int // validated, good and bad
	Violations []Violation
}

// Violation is an exchange that the description does not allow.
type Violation struct {
	Method string
	Path   string
	Status int
	Reason string
}

// String says what was wrong with which exchange.
func (v Violation) String() string {
	return fmt.Sprintf("%s %s → %d: %s", v.Method, v.Path, v.Status, v.Reason)
}

// NewValidator returns a validator for spec.
func NewValidator(spec *openapi3.T) *Validator {
	return &Validator{spec: spec, templates: templates(spec)}
}

// Report returns what was found so far. An exchange is in it before its client has the answer.
func (v *Validator) Report() Report {
	v.mu.Lock()
	defer v.mu.Unlock()
	return Report{Exchanges: v.report.Exchanges, Violations: append([]Violation(nil), v.report.Violations...)}
}

// Handler passes requests on to next, and validates those below prefix ("/api/v3") with their answers, and what is asked of GraphQL.
func (v *Validator) Handler(next http.Handler, prefix string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, ok := strings.CutPrefix(r.URL.EscapedPath(), prefix+"/")
		if r.URL.Path == graphqlAddress {
			path, ok = strings.TrimPrefix(graphqlAddress, "/"), true
		}
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "the request's body cannot be read", http.StatusBadRequest)
			return
		}
		asked := r.Clone(r.Context()) // handlers may change theirs
		r.Body = io.NopCloser(bytes.NewReader(body))
		held := &held{header: http.Header{}, status: http.StatusOK}
		next.ServeHTTP(held, r)
		v.note(asked, "/"+path, body, held)
		maps.Copy(w.Header(), held.header)
		w.WriteHeader(held.status)
		_, _ = w.Write(held.body.Bytes()) // a client that is gone needs no answer
	})
}

// held is an answer that is kept until it was validated.
type held struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (h *held) Header() http.Header         { return h.header }
func (h *held) WriteHeader(status int)      { h.status = status }
func (h *held) Write(p []byte) (int, error) { return h.body.Write(p) }

func (v *Validator) note(r *http.Request, path string, body []byte, answer *held) {
	err := v.check(r, path, body, answer)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.report.Exchanges++
	if err != nil {
		v.report.Violations = append(v.report.Violations, Violation{Method: r.Method, Path: path, Status: answer.status, Reason: reason(err)})
	}
}

// reason is what an error says, without the schema and the value that the library prints with it.
func reason(err error) string {
	text := err.Error()
	var schema *openapi3.SchemaError
	if errors.As(err, &schema) {
		head, _, _ := strings.Cut(text, "\n")
		text = fmt.Sprintf("%s (at /%s: %s)", head, strings.Join(schema.JSONPointer(), "/"), schema.Reason)
	}
	return text
}

func (v *Validator) check(r *http.Request, path string, body []byte, answer *held) error {
	if r.URL.Path == graphqlAddress {
		if answer.status >= 400 {
			return nil
		}
		return checkGraphQL(body)
	}
	method := r.Method
	if method == http.MethodHead { // described nowhere: what answers GET answers it, with the header alone
		method = http.MethodGet
	}
	route, params := v.find(method, path)
	if route == nil {
		return errors.New("GitHub's description has no such route, or it is not in the part that is kept here")
	}
	in := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: &openapi3filter.Options{
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, SkipSettingDefaults: true,
	}}
	// A request that was refused may have been wrong on purpose; the answer's shape counts all the same.
	if answer.status < 400 {
		if err := checkRequest(r.Context(), in, body); err != nil {
			return fmt.Errorf("the request: %w", err)
		}
	}
	if r.Method == http.MethodHead { // nothing is left to check
		return nil
	}
	if err := checkAnswer(r.Context(), in, answer); err != nil {
		return fmt.Errorf("the answer: %w", err)
	}
	return nil
}

func checkRequest(ctx context.Context, in *openapi3filter.RequestValidationInput, body []byte) error {
	in.Request.Body = io.NopCloser(bytes.NewReader(body))
	if len(body) == 0 {
		in.Request.Body = nil
	}
	for name := range in.Request.URL.Query() {
		if !declared(in.Route, name) {
			return fmt.Errorf("the query parameter %q is not declared", name)
		}
	}
	return openapi3filter.ValidateRequest(ctx, in)
}

func declared(route *routers.Route, name string) bool {
	return route.Operation.Parameters.GetByInAndName("query", name) != nil || route.PathItem.Parameters.GetByInAndName("query", name) != nil
}

func checkAnswer(ctx context.Context, in *openapi3filter.RequestValidationInput, answer *held) error {
	// The description names 304 for some routes only; GitHub answers it wherever a condition was sent.
	if answer.status == http.StatusNotModified && in.Request.Header.Get("If-None-Match") != "" {
		return nil
	}
	if in.Route.Operation.Responses.Status(answer.status) == nil && usualFailure(answer.status) {
		return checkError(answer.body.Bytes())
	}
	if isText(in.Route.Operation, answer) {
		return nil
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: answer.status, Header: answer.header, Options: in.Options}
	out.SetBodyBytes(answer.body.Bytes())
	return openapi3filter.ValidateResponse(ctx, out)
}

// isText says whether an answer is of a declared kind that is not JSON, such as a bare SHA: the library cannot read those,
// and all the description says of them is that they are strings.
func isText(op *openapi3.Operation, answer *held) bool {
	kind, _, _ := strings.Cut(answer.header.Get("Content-Type"), ";")
	response := op.Responses.Status(answer.status)
	return !strings.Contains(kind, "json") && response != nil && response.Value.Content[kind] != nil
}

// usualFailure says whether every route may answer with a status, declared or not: the description is thin on failures
// (POST statuses names 201 alone), and docs.github.com, "Troubleshooting the REST API", lists them for all.
func usualFailure(status int) bool {
	switch status {
	case 400, 401, 403, 404, 413, 422, 429, 500, 502, 503, 504:
		return true
	}
	return false
}

func checkError(body []byte) error {
	var e struct {
		Message          string `json:"message"`
		DocumentationURL string `json:"documentation_url"`
	}
	if err := json.Unmarshal(body, &e); err != nil || e.Message == "" || e.DocumentationURL == "" {
		return fmt.Errorf("no error as GitHub writes one, with message and documentation_url: %.200s", body)
	}
	return nil
}

// Validated returns next with every exchange below /api/v3, and every request of /api/graphql, validated. At the end of the test each violation is a failure,
// and the number of exchanges is logged.
func Validated(tb testing.TB, next http.Handler) http.Handler {
	tb.Helper()
	spec, err := Spec()
	if err != nil {
		tb.Fatal(err)
	}
	v := NewValidator(spec)
	tb.Cleanup(func() {
		report := v.Report()
		for _, x := range report.Violations {
			tb.Errorf("against GitHub's description: %s", x)
		}
		tb.Logf("%d exchanges validated against GitHub's description, %d violations", report.Exchanges, len(report.Violations))
	})
	return v.Handler(next, "/api/v3")
}
