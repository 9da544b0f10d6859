package promotion

import (
	"fmt"
	"slices"

	"ferry/promotion/config"
)

// Mended is a hotfix that stands, with every deployment of its app that is known, wherever that was.
type Mended struct {
	config.Place
	Hotfix Hotfix
	Seen   []Deployment
}

// mendedGate is the gate hotfix of somebody's own change of a release: closed where a hotfix stands and the change would take it away by what is older, or
// has stood anywhere before it. It is no gate where no hotfix stands.
func (s Stops) mendedGate(change Change) Gate {
	i := slices.IndexFunc(s.Mended, func(m Mended) bool { return m.Place == change.Place })
	if i < 0 {
		return Gate{}
	}
	h := s.Mended[i].Hotfix
	moved := change.Images.beside(h.Release)
	if len(moved) == 0 {
		return Gate{}
	}
	release := h.Release
	for _, image := range moved {
		release = release.With(image)
	}
	before := slices.ContainsFunc(s.Mended[i].Seen, func(d Deployment) bool {
		return d.Problem == "" && len(moved.beside(d.Release)) == 0 && (d.Baseline || !d.Since.After(h.At))
	})
	if !before && release.compareVersions(h.Release) != Older {
		return Gate{Name: "hotfix", State: GateOpen, Reason: "newer than the hotfix " + h.Release.Version()}
	}
	return Gate{Name: "hotfix", State: GateClosed, Reason: fmt.Sprintf("%s of %s stands there, which %s may lack (/rollback or /hotfix goes over it)",
		h.Release.Version(), h.Actor, release.versionBeside(h.Release))}
}
