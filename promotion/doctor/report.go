package doctor

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"ferry/forge"
)

// Report is what one look has found.
type Report struct {
	Findings []Finding
	Missed   []string // what could not be looked at, for a reason that passes: what an earlier look found there still counts
	Failure  error    // that reason, nil where nothing was missed
}

// Everything among what was missed says that hardly anything could be looked at.
const Everything = "everything"

const unexamined = "unexamined"

// Miss adds that a place could not be looked at, and what else could not be therefore.
func (r *Report) Miss(where, page string, err error, also ...string) {
	r.Findings = append(r.Findings, Finding{Problem, unexamined, where, "it could not be looked at: " + err.Error(), remedy(err), page})
	if passes(err) {
		r.Missed, r.Failure = append(append(r.Missed, where), also...), errors.Join(r.Failure, err)
	}
}

func passes(err error) bool {
	var limited *forge.RateLimited
	return errors.As(err, &limited) || errors.Is(err, forge.ErrUnavailable) || errors.Is(err, forge.ErrUnauthorized)
}

// remedy is what to do where something could not be looked at.
func remedy(err error) string {
	var limited *forge.RateLimited
	switch {
	case errors.As(err, &limited):
		return fmt.Sprintf("look again after %s, or look for who else uses this App", limited.Until.UTC().Format("15:04:05 UTC"))
	case errors.Is(err, forge.ErrUnavailable):
		return "look again; where it stays so, see whether the forge answers from this machine"
	case errors.Is(err, forge.ErrUnauthorized):
		return "see that Ferry has the App's newest key, and that the App is still installed there"
	}
	return "see on that page that the forge lets this App in: that its owner has accepted it, and that no list of allowed addresses keeps it out"
}

// With returns the findings, and those of an earlier look at what was missed this time.
func (r Report) With(earlier []Finding) []Finding {
	all := slices.Clone(r.Findings)
	for _, f := range earlier {
		missed := func(where string) bool {
			return where == Everything || f.Where == where || strings.HasPrefix(f.Where, where+"@")
		}
		again := func(found Finding) bool { return found.Where == f.Where && found.Rule == f.Rule }
		if f.Rule != unexamined && slices.ContainsFunc(r.Missed, missed) && !slices.ContainsFunc(r.Findings, again) {
			all = append(all, f)
		}
	}
	return all
}
