package manifest

import (
	"fmt"
	"regexp"
	"strings"
)

// The forms of a tag and a digest: OCI distribution specification, "Pulling manifests", and OCI image specification,
// "Digests".
var (
	tagForm    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)
	digestForm = regexp.MustCompile(`^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$`)
)

// templateMarks are characters that no image's name, tag or digest contains, and one of which every template language
// and shell needs to name a variable.
const templateMarks = "${}<>%#`()[]"

// templateForm matches how template languages and shells name a variable: $X, ${X}, {{ x }}, <% x %>, %x%, #{x}, `x`, ((x)),
// [[ x ]], and a placeholder <x> with nothing behind it.
var templateForm = regexp.MustCompile("[$`{}]|<%|%[A-Za-z_]+%|\\(\\(|\\[\\[|(^|[:@/])<[A-Za-z][A-Za-z0-9 ._-]*>$")

// beforeDefault matches what stands before the default of a shell's variable: ${X:-default} and ${X-default}.
var beforeDefault = regexp.MustCompile(`^\$\{\w+:?-`)

func isTemplated(s string) bool {
	return strings.ContainsAny(s, templateMarks) && templateForm.MatchString(s)
}

// isReferenceText tells whether s has only characters that references have. Line breaks count as such: a text over several
// lines is refused for being that.
func isReferenceText(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		isLetter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !isLetter && !strings.ContainsRune("._-:/@+\n", r)
	})
}

// splitReference splits NAME[:TAG][@DIGEST]. A colon before the last slash is a registry's port. Of a template the name is
// what stands before the tag's colon, as far as that is certain; of a variable with a default it is the default's, so that
// the place is refused instead of not found.
func splitReference(s string) (name, tag, digest string) {
	s = s[len(beforeDefault.FindString(s)):]
	if i := strings.IndexAny(s, templateMarks); i >= 0 {
		s = s[:i]
	}
	name, digest, _ = strings.Cut(s, "@")
	if colon := strings.LastIndexByte(name, ':'); colon > strings.LastIndexByte(name, '/') {
		name, tag = name[:colon], name[colon+1:]
	}
	return name, tag, digest
}

// joinReference returns what follows the name in a reference.
func joinReference(tag, digest string) string {
	var s string
	if tag != "" {
		s = ":" + tag
	}
	if digest != "" {
		s += "@" + digest
	}
	return s
}

// checkEdits refuses edits that would not write an image, or contradict each other.
func checkEdits(path string, edits []Edit) error {
	byName := make(map[string]Edit, len(edits))
	for _, e := range edits {
		reason := e.fault()
		if other, twice := byName[e.Name]; twice && (other.Tag != e.Tag || other.Digest != e.Digest || other.Pin != e.Pin) {
			reason = fmt.Sprintf("two different releases of %s are to be written", e.Name)
		}
		if reason != "" {
			return &Refusal{Path: path, Kind: KindInvalid, Reason: reason}
		}
		byName[e.Name] = e
	}
	return nil
}

// fault says what is wrong with an edit, whatever the file.
func (e Edit) fault() string {
	switch {
	case e.Name == "":
		return "an edit names no image"
	case e.Tag == "" && e.Digest == "":
		return fmt.Sprintf("the edit of %s has neither a tag nor a digest", e.Name)
	case e.Tag != "" && !tagForm.MatchString(e.Tag):
		return fmt.Sprintf("%q is not a tag: letters, digits, `_`, `.` and `-` are allowed, at most 128", e.Tag)
	case e.Digest != "" && !digestForm.MatchString(e.Digest):
		return fmt.Sprintf("%q is not a digest: sha256: and 64 hexadecimal digits are expected", e.Digest)
	}
	return ""
}
