package sandbox

import (
	"maps"
	"slices"

	"github.com/go-chi/chi/v5"
)

func (s *Sandbox) pageRoutes(mux chi.Router) {}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
