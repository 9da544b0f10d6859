package manifest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// splice replaces raw[start:end] by text, which makes the change, or a part of it.
type splice struct {
	start, end int
	text       string
	change     change
}

// apply returns the file with the changes made, and verified.
func (f *file) apply(changes []change) ([]byte, error) {
	_, edited, refusal := f.edit(changes)
	if refusal != nil {
		return nil, f.place(refusal)
	}
	return edited, nil
}

// edit returns the changes as splices and the file with them made, and verified.
func (f *file) edit(changes []change) ([]splice, []byte, *Refusal) {
	f.isJSON = looksJSON(f.raw)
	var splices []splice
	for _, c := range changes {
		made, refusal := f.splices(c)
		if refusal != nil {
			return nil, nil, refusal
		}
		for _, s := range made {
			s.change = c
			splices = append(splices, s)
		}
	}
	slices.SortStableFunc(splices, func(a, b splice) int { return cmp.Compare(a.start, b.start) })
	edited := join(f.raw, splices)
	if refusal := f.verify(edited, splices); refusal != nil {
		return nil, nil, refusal
	}
	return splices, edited, nil
}

// join returns raw with the splices made, which are in order.
func join(raw []byte, splices []splice) []byte {
	var out bytes.Buffer
	out.Grow(len(raw) + 256)
	at := 0
	for _, s := range splices {
		out.Write(raw[at:max(at, s.start)])
		out.WriteString(s.text)
		at = s.end
	}
	out.Write(raw[at:])
	return out.Bytes()
}

// splices returns the bytes of one change.
func (f *file) splices(c change) ([]splice, *Refusal) {
	var s splice
	var refusal *Refusal
	switch {
	case c.scalar == nil:
		s, refusal = f.spliceInsert(c)
	case c.inside != nil:
		return f.texts[c.scalar].outward(c.inside)
	default:
		s, refusal = f.spliceScalar(c)
	}
	return []splice{s}, refusal
}

// spliceScalar replaces the text of a scalar: in the quotes that stand there, else in those that the new one needs.
func (f *file) spliceScalar(c change) (splice, *Refusal) {
	if r := checkTag(c.scalar); r != nil {
		return splice{}, r
	}
	at, refusal := f.locate(c.scalar)
	if refusal != nil {
		return splice{}, refusal
	}
	s := splice{start: at.start, end: at.end}
	switch at.style {
	case '\'':
		s.text = strings.ReplaceAll(c.value, "'", "''")
	case '"':
		s.text = escape(c.value)
	case '|':
		s.text = c.value
	default:
		s.text = c.value
		if f.quotes(c) {
			s.text = `"` + escape(c.value) + `"`
		}
		if at.style == 'e' {
			s.text = " " + s.text
		}
	}
	if c.keep > 0 && strings.HasPrefix(s.text, c.value[:c.keep]) {
		s.start, s.text = s.start+c.keep, s.text[c.keep:]
	}
	return s, nil
}

// quotes tells whether the new value of a plain scalar needs quotes.
func (f *file) quotes(c change) bool {
	switch {
	case c.scalar.Style&yaml.TaggedStyle != 0:
		return !isPlainText(c.value) // !!str says already that it is a text
	case c.keepsType():
		return false
	}
	return f.isJSON || needsQuotes(c.value)
}

// checkTag refuses a value that a tag of YAML makes something other than a string or what it looks like.
func checkTag(n *yaml.Node) *Refusal {
	if n.Style&yaml.TaggedStyle == 0 || n.ShortTag() == "!!str" {
		return nil
	}
	return refuse(n, KindNotScalar, "it is declared as %s, not as a string; remove that tag", n.Tag)
}

// looksJSON tells JSON, in which every string has to be quoted, from other YAML in flow style.
func looksJSON(raw []byte) bool {
	start := bytes.TrimLeft(raw, " \t\r\n")
	return len(start) > 0 && (start[0] == '{' || start[0] == '[') && json.Valid(raw)
}

// spliceInsert adds pairs behind a value: within the braces of a flow mapping, or as the next lines of a block mapping.
func (f *file) spliceInsert(c change) (splice, *Refusal) {
	entry := c.insert.entry
	end, refusal := f.valueEnd(entry.Content[c.insert.after])
	if refusal != nil {
		return splice{}, refusal
	}
	separator := ", "
	if entry.Style&yaml.FlowStyle == 0 {
		end = f.lineEnd(end)
		separator = f.lineBreak(end) + strings.Repeat(" ", entry.Content[c.insert.after-1].Column-1)
	}
	var text strings.Builder
	for _, p := range c.insert.pairs {
		key, value := p.key, p.value
		if f.isJSON {
			key = `"` + key + `"`
		}
		if f.isJSON || needsQuotes(value) {
			value = `"` + value + `"`
		}
		text.WriteString(separator + key + ": " + value)
	}
	return splice{start: end, end: end, text: text.String()}, nil
}

// valueEnd returns where a value ends, its closing quote included.
func (f *file) valueEnd(n *yaml.Node) (int, *Refusal) {
	if n.Kind == yaml.AliasNode {
		return f.offset(n.Line, n.Column) + len("*") + len(n.Value), nil
	}
	at, refusal := f.locate(n)
	if at.style == '\'' || at.style == '"' {
		at.end++
	}
	return at.end, refusal
}

// lineBreak returns the break at at, or at the end of the file the one that the file uses.
func (f *file) lineBreak(at int) string {
	if at < len(f.raw) {
		return string(f.raw[at : at+breakSize(f.raw[at:])])
	}
	if bytes.Contains(f.raw, []byte("\r\n")) {
		return "\r\n"
	}
	return "\n"
}
