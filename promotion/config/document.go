package config

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"
)

const (
	// MaxSize is the size of the largest file that is read, in bytes.
	MaxSize = 1 << 20
	// maxDepth is several times what the deepest key needs.
	maxDepth = 32
	// maxExpanded is how many nodes the aliases of a file may stand for, all together.
	maxExpanded = 10_000
)

// document returns the root of the only document, or nil after noting why the file can't be read.
func (r *reporter) document(data []byte) *yaml.Node {
	r.bytes = data
	if len(data) > MaxSize {
		r.at(1, 1, "the file has %d bytes, more than the %d that are read; use patterns or discover instead of listing", len(data), MaxSize)
		return nil
	}
	if !r.readable(data) {
		return nil
	}
	loader, err := yaml.NewLoader(bytes.NewReader(data), yaml.WithPlugin(loaderlimits.New(loaderlimits.DepthValue(maxDepth))))
	if err != nil {
		r.at(1, 1, "the file can't be read: %v", err)
		return nil
	}
	var first, second yaml.Node
	err = loader.Load(&first)
	if errors.Is(err, io.EOF) || err == nil && isEmpty(&first) {
		r.at(1, 1, `the file is empty; it begins with "apiVersion: %s"`, apiVersion)
		return nil
	}
	if err != nil {
		r.syntax(err, data)
		return nil
	}
	switch err := loader.Load(&second); {
	case err == nil:
		r.failAs(ruleNotReadable, &second, `a second YAML document begins here; the file holds one, remove the "---"`)
		return nil
	case !errors.Is(err, io.EOF):
		r.syntax(err, data)
		return nil
	}
	root := first.Content[0]
	if !r.boundAliases(root) {
		return nil
	}
	return root
}

// isEmpty says whether a document holds nothing.
func isEmpty(doc *yaml.Node) bool {
	return len(doc.Content) == 0 || doc.Content[0].Tag == "!!null"
}

// readable notes the first character that can't stand in the file. The line breaks that only some readers count
// (U+0085, U+2028, U+2029) are refused too, so that a line number means the same line everywhere.
func (r *reporter) readable(data []byte) bool {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	line, column := 1, 1
	for i := 0; i < len(data); {
		c, size := utf8.DecodeRune(data[i:])
		if c == utf8.RuneError && size == 1 {
			r.at(line, column, "the file is not valid UTF-8 here; save it as UTF-8")
			return false
		}
		if unprintable(c) {
			r.at(line, column, "the character %U can't stand in the file; remove it", c)
			return false
		}
		column++
		if c == '\n' || c == '\r' && (i+1 == len(data) || data[i+1] != '\n') {
			line, column = line+1, 1
		}
		i += size
	}
	return true
}

// unprintable says whether a character is a control character, a line break of Unicode's, or none at all.
func unprintable(c rune) bool {
	switch {
	case c == '\t', c == '\n', c == '\r':
		return false
	case c < 0x20, c >= 0x7f && c <= 0x9f, c == 0x2028, c == 0x2029, c == 0xfeff, c == 0xfffe, c == 0xffff:
		return true
	}
	return false
}

// syntax notes what the YAML parser found. A quote that is never closed is reported where it opens, not where the file ends.
func (r *reporter) syntax(err error, data []byte) {
	var e *yaml.LoadError
	if !errors.As(err, &e) {
		r.at(1, 1, "this is not YAML: %v", err)
		return
	}
	mark := e.Mark
	if mark.Line == 0 || e.ContextMark.Line > 0 && strings.Contains(e.Message, "end of stream") {
		mark = e.ContextMark
	}
	line, column := within(data, mark.Line, mark.Column)
	switch {
	case strings.Contains(e.Message, "exceeded max depth"):
		r.at(line, column, "this is nested deeper than %d levels", maxDepth)
	case strings.Contains(e.Message, "incompatible YAML document"):
		r.at(line, column, "remove the %%YAML line, the file is read as YAML without it")
	case e.ContextMsg != "":
		r.at(line, column, "this is not YAML: %s, %s", e.ContextMsg, e.Message)
	default:
		r.at(line, column, "this is not YAML: %s", e.Message)
	}
}

// within returns the position, or the end of the last line that has something where the parser points behind it.
func within(data []byte, line, column int) (int, int) {
	text := strings.TrimPrefix(string(data), "\ufeff")
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if line <= len(lines) {
		return line, column
	}
	return len(lines), utf8.RuneCountInString(lines[len(lines)-1]) + 1
}

// boundAliases notes an error where an alias holds itself, or where all aliases together stand for too much.
func (r *reporter) boundAliases(root *yaml.Node) bool {
	b := aliasBounds{sizes: map[*yaml.Node]int{}}
	b.size(root)
	switch {
	case b.circle != nil:
		r.failAs(ruleNotReadable, b.circle, "the alias *%s stands inside of what it stands for", b.circle.Value)
	case b.over != nil:
		r.failAs(ruleNotReadable, b.over, "the aliases up to here stand for more than %d values; write fewer", maxExpanded)
	default:
		return true
	}
	return false
}

// aliasBounds counts what aliases stand for without following any of them twice.
type aliasBounds struct {
	sizes    map[*yaml.Node]int // of anchored nodes; 0 while one is being counted
	expanded int
	circle   *yaml.Node
	over     *yaml.Node
}

// size returns how many nodes a node stands for, and keeps the first alias that goes wrong.
func (b *aliasBounds) size(n *yaml.Node) int {
	if n.Kind == yaml.AliasNode {
		return b.aliasSize(n)
	}
	if n.Anchor != "" {
		b.sizes[n] = 0
	}
	total := 1
	for _, c := range n.Content {
		total = min(total+b.size(c), MaxSize*2)
	}
	if n.Anchor != "" {
		b.sizes[n] = total
	}
	return total
}

func (b *aliasBounds) aliasSize(n *yaml.Node) int {
	size := b.sizes[n.Alias]
	if size == 0 && b.circle == nil {
		b.circle = n
	}
	b.expanded = min(b.expanded+size, MaxSize*2)
	if b.expanded > maxExpanded && b.over == nil {
		b.over = n
	}
	return size
}

// deref returns what an alias stands for, and any other node as it is.
func deref(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}
