package server

import (
	"io"
	"net/http"

	"ferry/forge"
)

// maxDelivery is the largest delivery that is taken. GitHub sends at most 25 MiB (docs.github.com, webhook events and payloads).
const maxDelivery = 25 << 20

// webhook takes a delivery in: it checks the signature on the raw bytes before anything else is done with them, stores the delivery, and only
// then answers. What a delivery means is found out later.
func (s *server) webhook(hook *Hook) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		body, err := readBody(w, r, maxDelivery)
		if err != nil {
			s.Count("too large")
			return err
		}
		if err := hook.Verify(r.Header, body); err != nil {
			s.Count("refused")
			return &problem{http.StatusUnauthorized, err.Error()}
		}
		delivery, err := hook.Delivery(r.Header, body)
		if err != nil {
			s.Count("malformed")
			return &problem{http.StatusBadRequest, err.Error()}
		}
		event, err := hook.Glance(delivery.Name, body)
		if err != nil {
			s.Count("malformed")
			return &problem{http.StatusBadRequest, err.Error()}
		}
		return s.store(w, r, delivery, event)
	}
}

func (s *server) store(w http.ResponseWriter, r *http.Request, delivery forge.Delivery, event forge.Event) error {
	fresh, err := s.Store.StoreDelivery(r.Context(), delivery, event, s.Now())
	if err != nil {
		s.Count("failed")
		return err
	}
	code, result := http.StatusAccepted, "stored"
	switch {
	case !fresh:
		code, result = http.StatusOK, "known"
	case event.Kind == forge.EventUnused || event.Kind == forge.EventPing:
		code, result = http.StatusOK, "unused"
	}
	s.Count(result)
	s.Logger.Info("delivery", "delivery", delivery.ID, "event", delivery.Name, "action", event.Action, "repository", event.Repo.FullName(), "result", result)
	answer(w, code, map[string]any{"result": result})
	return nil
}

// readBody reads a body of at most limit bytes. One that says it is longer is refused unread.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		w.Header().Set("Connection", "close")
		return nil, &http.MaxBytesError{Limit: limit}
	}
	limited := http.MaxBytesReader(w, r.Body, limit)
	if r.ContentLength < 0 || r.ContentLength > believed {
		return io.ReadAll(limited)
	}
	body := make([]byte, r.ContentLength)
	_, err := io.ReadFull(limited, body)
	return body, err
}

// believed is up to what length a body's own word is taken for it: memory for more is given as it comes.
const believed = 64 << 10
