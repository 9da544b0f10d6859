package sandbox

import (
	"fmt"
	"slices"
)

// hold keeps a delivery back.
func (h *hooks) hold(due *dueHook) {
	h.mu.Lock()
	defer h.mu.Unlock()
	due.delivery.Fault = "held on purpose"
	h.keep(due.delivery)
	h.held = append(h.held, due)
}

// take returns the held deliveries with the given ids, in that order, and all of them where none is given. They are held no
// longer.
func (h *hooks) take(ids []int64) ([]*dueHook, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(ids) == 0 {
		all := h.held
		h.held = nil
		return all, nil
	}
	var found []*dueHook
	left := slices.Clone(h.held)
	for _, id := range ids {
		i := slices.IndexFunc(left, func(due *dueHook) bool { return due.delivery.ID == id })
		if i < 0 {
			return nil, fmt.Errorf("sandbox: Release: no delivery %d is held", id)
		}
		found = append(found, left[i])
		left = slices.Delete(left, i, i+1)
	}
	h.held = left
	return found, nil
}

// waiting returns the deliveries that are not sent yet, oldest first.
func (h *hooks) waiting() []Delivery {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []Delivery
	for _, due := range slices.Concat(h.busy, h.queue, h.held) {
		all = append(all, *due.delivery)
	}
	return all
}

// Held returns the deliveries that Faults.Hold keeps back, oldest first.
func (s *Sandbox) Held() []Delivery {
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	var all []Delivery
	for _, due := range s.hooks.held {
		all = append(all, *due.delivery)
	}
	return all
}

// Release sends held deliveries, in the order of the given ids, all of them in their own order where none is given. It fails
// where one of them is not held, and then sends none.
func (s *Sandbox) Release(ids ...int64) error {
	found, err := s.hooks.take(ids)
	if err != nil {
		return err
	}
	for _, due := range found {
		s.hooks.enqueue(due)
	}
	return nil
}
