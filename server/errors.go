package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"ferry/promotion"
	"ferry/promotion/postgres"
)

// problem is an error whose text a client may read.
type problem struct {
	code    int
	message string
}

func (p *problem) Error() string { return p.message }

// table says which answer an error of the domain gets. What is not in it is Ferry's own fault: 503, so that the sender tries again, and the
// text stays in the log.
func table(err error) *problem {
	var known *problem
	var field *promotion.FieldError
	var unknownApp *postgres.UnknownAppError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &field):
		return &problem{http.StatusBadRequest, err.Error()}
	case errors.As(err, &unknownApp):
		return &problem{http.StatusBadRequest, unknownApp.Error()}
	case errors.As(err, &tooLarge):
		return &problem{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than the %d bytes that are taken here", tooLarge.Limit)}
	}
	return &problem{http.StatusServiceUnavailable, "Ferry cannot take this now; nothing was stored, please send it again"}
}

// handle turns a handler that returns its error into one that answers with it. What is logged is logged here, once.
func (s *server) handle(h func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		if err == nil {
			return
		}
		p := table(err)
		if p.code >= http.StatusInternalServerError {
			s.Logger.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
		} else {
			s.Logger.Info("request refused", "method", r.Method, "path", r.URL.Path, "code", p.code, "reason", p.message)
		}
		answer(w, p.code, map[string]any{"error": p.message})
	}
}

func answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // the client is gone: there is nobody left to tell
}
