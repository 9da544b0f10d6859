package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// maxDepth bounds nesting. Manifests stay below 60; a deeper one is no manifest.
const maxDepth = 500

// maxDocuments bounds how many documents a stream has.
const maxDocuments = 100_000

var byteOrderMark = []byte("\xef\xbb\xbf")

// file is one manifest, read: its bytes and its documents; or the text of a scalar that is YAML itself.
type file struct {
	path   string
	raw    []byte
	docs   []*yaml.Node
	isJSON bool

	isText bool                 // it is the text of scalar, which stands in outer
	outer  *file                // nil for a file
	scalar *yaml.Node           // nil for a file
	texts  map[*yaml.Node]*file // see textIn

	lines []int    // see offset
	last  position // what offset returned last
}

// parse reads content, and refuses what cannot be edited safely whatever the image.
func parse(path string, content []byte) (*file, error) {
	f := &file{path: path, raw: content}
	if r := f.read(); r != nil {
		return nil, f.place(r)
	}
	if r := f.checkTemplates(); r != nil {
		return nil, f.place(r)
	}
	return f, nil
}

func (f *file) read() *Refusal {
	if r := f.checkBytes(); r != nil {
		return r
	}
	if r := f.checkFlow(); r != nil {
		return r
	}
	docs, r := load(f.raw)
	if r != nil {
		return r
	}
	f.docs = docs
	return checkTrees(docs)
}

// checkBytes refuses by size and encoding. UTF-16 has to be refused before it is parsed: the parser would transcode it,
// and the positions it gives would mean nothing.
func (f *file) checkBytes() *Refusal {
	switch {
	case len(f.raw) > MaxSize:
		return &Refusal{Kind: KindLimit, Reason: fmt.Sprintf("the file has %d bytes, %d are allowed; split it", len(f.raw), MaxSize)}
	case bytes.HasPrefix(f.raw, []byte("\xff\xfe")), bytes.HasPrefix(f.raw, []byte("\xfe\xff")), bytes.IndexByte(f.raw, 0) >= 0:
		return &Refusal{Line: 1, Column: 1, Kind: KindEncoding, Reason: "the file is UTF-16 or binary; save it as UTF-8"}
	case !utf8.Valid(f.raw):
		line, column := firstInvalid(f.raw)
		return &Refusal{Line: line, Column: column, Kind: KindEncoding, Reason: "the file is not valid UTF-8 from here on; save it as UTF-8"}
	}
	return nil
}

// firstInvalid returns the place of the first byte that is not UTF-8.
func firstInvalid(raw []byte) (line, column int) {
	at := 0
	for at < len(raw) {
		r, size := utf8.DecodeRune(raw[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	return placeOf(raw, at)
}

// placeOf returns the line and column of the byte at an offset.
func placeOf(raw []byte, at int) (line, column int) {
	starts := lineStarts(raw[:at])
	line = len(starts)
	return line, utf8.RuneCount(raw[min(starts[line-1], at):at]) + 1
}

// load returns the documents of a stream. A panic of the parser, which reads hostile input here, is a refusal.
func load(content []byte) (docs []*yaml.Node, refusal *Refusal) {
	limits := &depthLimit{}
	shown := acceptable(content)
	at := flowStart(shown)
	if at >= 0 {
		shown = slices.Concat(shown[:at], []byte(openDocument), shown[at:])
	}
	defer func() {
		if p := recover(); p != nil {
			docs, refusal = nil, &Refusal{Kind: KindInvalid, Reason: fmt.Sprintf("the file cannot be parsed: %v", p)}
		}
	}()
	loader, err := yaml.NewLoader(bytes.NewReader(shown), yaml.WithPlugin(limits))
	if err != nil {
		return nil, notParsed(content, limits, err)
	}
	for {
		doc := new(yaml.Node)
		err := loader.Load(doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, notParsed(content, limits, err)
		}
		if docs = append(docs, doc); len(docs) > maxDocuments {
			return nil, &Refusal{Kind: KindLimit, Line: doc.Line, Column: doc.Column, Reason: fmt.Sprintf("it has more than %d documents; split it", maxDocuments)}
		}
	}
	if at >= 0 && len(docs) > 0 {
		moveLeft(docs[0], len(lineStarts(shown[:at])))
	}
	return docs, nil
}

// openDocument stands before a document in flow style when it is shown to the parser. Without it the parser takes the whole document for what may yet
// turn out to be a key, and keeps all of its tokens: 5 MB of JSON would take seconds and more than 1 GB.
const openDocument = "--- "

// flowStart returns where the first document begins, if that is with a bracket, else -1.
func flowStart(content []byte) int {
	at := 0
	if bytes.HasPrefix(content, byteOrderMark) {
		at = len(byteOrderMark)
	}
	at += len(content[at:]) - len(bytes.TrimLeft(content[at:], " \r\n"))
	if at < len(content) && (content[at] == '{' || content[at] == '[') {
		return at
	}
	return -1
}

// moveLeft corrects the columns of what stands in the line in which openDocument was shown.
func moveLeft(n *yaml.Node, line int) {
	if n.Line == line && n.Column > len(openDocument) {
		n.Column -= len(openDocument)
	}
	for _, child := range n.Content {
		moveLeft(child, line)
	}
}

// maxKeptItems bounds how many items a file may have in which the parser could meet flow style where it keeps all tokens, see openDocument.
const maxKeptItems = 500_000

// keptFlow matches the start of a sequence or mapping in flow style where a key could begin.
var keptFlow = regexp.MustCompile(`(?m)^[ \t]*([-?:][ \t]+)*[\[{]`)

// checkFlow refuses what would make the parser keep too much.
func (f *file) checkFlow() *Refusal {
	if bytes.Count(f.raw, []byte(",")) <= maxKeptItems {
		return nil
	}
	for _, at := range keptFlow.FindAllIndex(f.raw, 2) {
		if at[1]-1 == flowStart(f.raw) {
			continue
		}
		return &Refusal{Kind: KindLimit, Reason: fmt.Sprintf("it has more than %d items in brackets; split it", maxKeptItems),
			Line: len(lineStarts(f.raw[:at[0]+1])), Column: 1}
	}
	return nil
}

// acceptable shows the parser what it accepts in the place of what it does not, in the same length, so that positions hold: `%YAML 1.1` for 1.2, and
// a replacement character for the halves of surrogate pairs, in which JSON escapes emoji.
func acceptable(content []byte) []byte {
	if bytes.Contains(content, []byte("%YAML 1.2")) {
		content = bytes.ReplaceAll(content, []byte("%YAML 1.2"), []byte("%YAML 1.1"))
	}
	if bytes.Contains(content, []byte(`\ud`)) || bytes.Contains(content, []byte(`\uD`)) {
		content = surrogate.ReplaceAll(content, []byte(`\ufffd`))
	}
	return content
}

var surrogate = regexp.MustCompile(`\\u[dD][89a-fA-F][0-9a-fA-F]{2}`)

// notParsed says why the parser gave up.
func notParsed(content []byte, limits *depthLimit, err error) *Refusal {
	r := &Refusal{Kind: KindInvalid, Reason: fmt.Sprintf("this is not valid YAML: %v", err)}
	var at *yaml.LoadError
	if errors.As(err, &at) {
		r.Line, r.Column = at.Mark.Line, at.Mark.Column
		if start := flowStart(content); start >= 0 && r.Line == len(lineStarts(content[:start])) && r.Column > len(openDocument) {
			r.Column -= len(openDocument)
		}
		r.Reason = "this is not valid YAML: " + at.Message
	}
	if i := bytes.IndexFunc(content, isControl); r.Line == 0 && i >= 0 {
		r.Line, r.Column = placeOf(content, i)
		r.Reason = fmt.Sprintf("a control character stands here (%U), which YAML does not allow; remove it", content[i])
	}
	switch {
	case limits.exceeded:
		r.Kind, r.Reason = KindLimit, fmt.Sprintf("it is nested more than %d deep", maxDepth)
	case bytes.Contains(content, []byte("{{")), bytes.Contains(content, []byte("{%")):
		r.Kind, r.Reason = KindTemplated, "this is a template, not a manifest: name the file it takes its values from"
	}
	return r
}

// isControl tells the control characters of ASCII that the parser refuses without saying where they stand.
func isControl(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == '\x7f' }

// depthLimit is the parser's guard against deep nesting. Aliases are counted in checkTrees, because the parser counts
// them only while it decodes into Go values.
type depthLimit struct{ exceeded bool }

// CheckDepth implements yaml.LoaderLimitsPlugin.
func (l *depthLimit) CheckDepth(depth int, _ *yaml.DepthContext) error {
	if depth <= maxDepth {
		return nil
	}
	l.exceeded = true
	return fmt.Errorf("nested more than %d deep", maxDepth)
}

// CheckAlias implements yaml.LoaderLimitsPlugin.
func (l *depthLimit) CheckAlias(int, int) error { return nil }
