package manifest

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// textIn returns the YAML that stands as the text of a scalar, each text parsed once. Its refusals name the places in f.
func (f *file) textIn(scalar *yaml.Node) (*file, *Refusal) {
	if inner, known := f.texts[scalar]; known {
		return inner, nil
	}
	inner := &file{path: f.path, raw: []byte(scalar.Value), isText: true, outer: f, scalar: scalar}
	if refusal := inner.read(); refusal != nil {
		return nil, inner.translate(refusal)
	}
	if f.texts == nil {
		f.texts = map[*yaml.Node]*file{}
	}
	f.texts[scalar] = inner
	return inner, nil
}

// readBlock adds the images in a text of Helm values.
func readBlock(r *reading, at *yaml.Node) {
	scalar := resolve(at)
	if r.isFull() || scalar.Kind != yaml.ScalarNode || !r.names.mentioned(scalar.Value) {
		return
	}
	inner, refusal := r.file.textIn(scalar)
	var sites []site
	if refusal == nil {
		if sites, refusal = inner.sites(r.names); refusal != nil {
			refusal = inner.translate(refusal)
		}
	}
	if refusal != nil {
		r.addUnreadable(at, scalar, refusal)
		return
	}
	for _, s := range sites {
		s.Line, s.Column = inner.outside(s.Line, s.Column)
		s.block, s.home = at, inner
		switch {
		case s.refusal != nil:
			s.refusal = inner.translate(s.refusal)
		case scalar.Style&yaml.LiteralStyle == 0:
			s.refusal = refuse(scalar, KindNotScalar, "%s stands in a text that is quoted or folded; write the values as a block (`|`), or as valuesObject", s.Name)
		}
		r.add(s)
	}
}

// addUnreadable adds each image that the text mentions as a place that cannot be read.
func (r *reading) addUnreadable(at, scalar *yaml.Node, refusal *Refusal) {
	for _, name := range r.names.in(scalar.Value) {
		r.add(site{Image: Image{Name: name, Line: scalar.Line, Column: scalar.Column}, block: at, refusal: refusal})
	}
}

// in returns the names that a text mentions, in order.
func (ns names) in(text string) (found []string) {
	for written, asked := range ns {
		if strings.Contains(text, written[strings.LastIndexByte(written, '/')+1:]) && !slices.Contains(found, asked) {
			found = append(found, asked)
		}
	}
	slices.Sort(found)
	return found
}

func (ns names) mentioned(text string) bool { return ns[anyName] != "" || len(ns.in(text)) > 0 }

// headerLine returns the line of f at which a scalar's own text begins, behind its anchor and tag.
func (f *file) headerLine(scalar *yaml.Node) int {
	at := f.skipProperties(f.offset(scalar.Line, scalar.Column))
	line, found := slices.BinarySearch(f.starts(), at)
	if found {
		line++
	}
	return line
}

// outside returns where a place of the text stands in the file around it; for a text that is no literal block, where that begins.
func (f *file) outside(line, column int) (int, int) {
	if f.outer == nil || line == 0 {
		return line, column
	}
	if f.scalar.Style&yaml.LiteralStyle == 0 {
		return f.scalar.Line, f.scalar.Column
	}
	innerStart, outerLine := f.offset(line, 1), line+f.outer.headerLine(f.scalar)
	outerStart := f.outer.offset(outerLine, 1)
	if innerStart < 0 || outerStart < 0 {
		return f.scalar.Line, f.scalar.Column
	}
	indent := f.outer.lineEnd(outerStart) - outerStart - (f.lineEnd(innerStart) - innerStart)
	return outerLine, column + max(indent, 0)
}

// translate returns a refusal of the text as one of the file around it.
func (f *file) translate(r *Refusal) *Refusal {
	if f.outer == nil {
		return r
	}
	t := *r
	if t.Line, t.Column = f.outside(r.Line, r.Column); r.Line == 0 {
		t.Line, t.Column = f.scalar.Line, f.scalar.Column
	}
	return &t
}

// outward returns splices of the text as splices of the file around it. The parser took the indentation away line by line, so that each line of the
// text ends a line of the file.
func (f *file) outward(splices []splice) ([]splice, *Refusal) {
	header := f.outer.headerLine(f.scalar)
	moved := make([]splice, len(splices))
	for i, s := range splices {
		line, found := slices.BinarySearch(f.starts(), s.start)
		if found {
			line++
		}
		innerStart, outerStart := f.offset(line, 1), f.outer.offset(header+line, 1)
		if innerStart < 0 || outerStart < 0 {
			return nil, notLocated(f.scalar)
		}
		innerText, outerText := f.raw[innerStart:f.lineEnd(innerStart)], f.outer.raw[outerStart:f.outer.lineEnd(outerStart)]
		shift := outerStart + len(outerText) - len(innerText) - innerStart
		if !strings.HasSuffix(string(outerText), string(innerText)) || strings.ContainsAny(s.text, "\r\n") || s.end > innerStart+len(innerText) {
			return nil, notLocated(f.scalar)
		}
		moved[i] = splice{start: s.start + shift, end: s.end + shift, text: s.text}
	}
	return moved, nil
}
