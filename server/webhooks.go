package server

import (
	"errors"
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
		if err := hook.Signed(r.Header); err != nil {
			s.Count("refused")
			w.Header().Set("Connection", "close") // the body stays unread
			return &problem{http.StatusUnauthorized, err.Error()}
		}
		body, release, err := s.readUnproven(w, r, maxDelivery)
		defer release()
		if err != nil {
			s.Count(unreadable(err))
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

// unprovenMemory is how much memory the bodies of all deliveries together may take until they are stored, beyond the first 64 KiB of each: enough for
// four of the largest. Whoever sends a body may be anybody until its signature is checked, which needs the whole of it.
const unprovenMemory = 4 * maxDelivery

// errBusy refuses what there is no memory for. Nothing waits: whoever sends slowly would keep the others out. What a delivery told of is found by the
// next sweep.
var errBusy = &problem{http.StatusServiceUnavailable, "too many large deliveries are being read; send it again later"}

func unreadable(err error) string {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.Is(err, errBusy):
		return "busy"
	case errors.As(err, &tooLarge):
		return "too large"
	}
	return "broken off"
}

// readUnproven reads a body of at most limit bytes from a sender that is not known yet. What it takes of the common memory, release gives back.
func (s *server) readUnproven(w http.ResponseWriter, r *http.Request, limit int64) (body []byte, release func(), err error) {
	var held int64
	release = func() { s.memory.Release(held) }
	if r.ContentLength > limit {
		w.Header().Set("Connection", "close")
		return nil, release, &http.MaxBytesError{Limit: limit}
	}
	from, most := http.MaxBytesReader(w, r.Body, limit), limit
	if r.ContentLength >= 0 {
		most = r.ContentLength
	}
	body = make([]byte, 0, min(most+1, believed)) // one byte more than comes lets the end be found without growing
	for {
		n, err := from.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case errors.Is(err, io.EOF):
			return body, release, nil
		case err != nil:
			return nil, release, err
		case len(body) < cap(body):
			continue
		}
		larger := min(2*int64(cap(body)), most+1)
		if !s.memory.TryAcquire(larger) {
			w.Header().Set("Connection", "close")
			return nil, release, errBusy
		}
		body = append(make([]byte, 0, larger), body...)
		s.memory.Release(held)
		held = larger
	}
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
