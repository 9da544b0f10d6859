package manifest

import (
	"fmt"

	"go.yaml.in/yaml/v4"
)

// The kinds of a Refusal.
const (
	KindAmbiguous    = "ambiguous"     // more than one reading, or an edit that would change more than the image
	KindDigestPinned = "digest-pinned" // a digest stands and the new one is not known
	KindDuplicateKey = "duplicate-key" // loaders disagree about which of the two counts
	KindEncoding     = "encoding"      // not UTF-8
	KindInvalid      = "invalid"       // not YAML, or an edit or a text that is no image
	KindLimit        = "limit"         // too large, too deep, or aliases that expand to too much
	KindNotFound     = "not-found"     // the image does not stand in the file
	KindNotScalar    = "not-scalar"    // a mapping or list, or a text over several lines, stands where tag or digest belongs
	KindSharedAnchor = "shared-anchor" // the same bytes stand for something else too
	KindTemplated    = "templated"     // a template or variable stands in the place of what would be written
)

// Refusal is why a manifest is not read or not edited. Reason is a sentence for a person. Line and Column are counted
// from 1 in lines and characters; they are 0 where the reason is the file as a whole.
type Refusal struct {
	Path         string
	Line, Column int
	Kind         string
	Reason       string
}

// Error returns the reason with its place in the form that editors and annotations understand.
func (r *Refusal) Error() string {
	if r.Line == 0 {
		return fmt.Sprintf("%s: %s (%s)", r.Path, r.Reason, r.Kind)
	}
	return fmt.Sprintf("%s:%d:%d: %s (%s)", r.Path, r.Line, r.Column, r.Reason, r.Kind)
}

// refuse returns a Refusal at the place of n, still without its path.
func refuse(n *yaml.Node, kind, format string, args ...any) *Refusal {
	return &Refusal{Line: n.Line, Column: n.Column, Kind: kind, Reason: fmt.Sprintf(format, args...)}
}

// place returns the refusal with the file's path.
func (f *file) place(r *Refusal) *Refusal {
	r.Path = f.path
	return r
}
