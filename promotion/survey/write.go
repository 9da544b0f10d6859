package survey

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Configuration returns the text of a .ferry.yaml for what was recognised, with comments for whoever reads it first. It is empty where
// nothing was recognised.
func (s *Survey) Configuration() string {
	if len(s.Apps) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("# What Ferry does in this repository, as `ferry init` recognised it. Check it with `ferry lint`, and see what it would do with `ferry plan`.\n")
	if len(s.Guesses) > 0 {
		b.WriteString("#\n# Guesses; please confirm them:\n")
		for _, g := range s.Guesses {
			writeComment(&b, "# - ", "#   ", g)
		}
	}
	b.WriteString("apiVersion: ferry/v1\n# mode: observe          # to watch first: Ferry then writes nothing but one issue that says what it would do\n\nenvironments:\n")
	for i, e := range s.Environments {
		writeEnvironment(&b, i, e)
	}
	b.WriteString("\napps:\n")
	for i, e := range s.entries {
		if i > 0 && (len(e.apps) > 0 || e.manifests != nil) {
			b.WriteByte('\n')
		}
		s.writeEntry(&b, e)
	}
	return b.String()
}

// commentWidth is how long the lines of comments become.
const commentWidth = 130

func writeComment(b *strings.Builder, first, next, text string) {
	line := first
	for i, word := range strings.Fields(oneLine(text)) {
		if i > 0 && len(line)+1+len(word) > commentWidth {
			b.WriteString(line + "\n")
			line = next + word
			continue
		}
		if i > 0 {
			line += " "
		}
		line += word
	}
	b.WriteString(line + "\n")
}

// oneLine keeps what a path may contain from ending a comment.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, text)
}

func writeEnvironment(b *strings.Builder, i int, e Environment) {
	lines := []string{"name: " + scalar(e.Name)}
	if e.Dir != e.Name {
		lines = append(lines, "dir: "+scalar(e.Dir))
	}
	if len(e.From) > 0 {
		lines = append(lines, "from: "+flow(e.From))
	}
	lines[len(lines)-1] += "   # " + oneLine(e.Why)
	if len(e.From) > 0 {
		lines = append(lines, "# soak: 1h             # to let a release be healthy upstream for this long first")
	}
	if i == 0 {
		lines = append(lines, "# update: pr           # to let Ferry bring new images here, as CI announces them", "# converge: merge      # where nobody reports what really runs, in each such environment")
	}
	writeItem(b, lines)
}

func writeItem(b *strings.Builder, lines []string) {
	for i, line := range lines {
		mark := "    "
		if i == 0 {
			mark = "  - "
		}
		b.WriteString(mark + line + "\n")
	}
}

func (s *Survey) writeEntry(b *strings.Builder, e entry) {
	if len(e.apps) > 0 {
		names := make([]string, len(e.apps))
		for i, a := range e.apps {
			names[i] = a.name
		}
		writeComment(b, "  # ", "  # ", fmt.Sprintf("%d apps: %s", len(names), someOf(names)))
	}
	var lines []string
	if e.discover != "" {
		lines = append(lines, "discover: "+quoted(e.discover))
	} else {
		lines = append(lines, "name: "+scalar(e.name))
	}
	lines = append(lines, s.imageLines(e.images)...)
	if len(e.except) > 0 {
		lines = append(lines, "except: "+flow(e.except)+"   # "+e.note)
	}
	lines = append(lines, manifestLines(e.manifests)...)
	if e.overrides != nil {
		lines = append(lines, "environments:")
		for _, env := range slices.Sorted(maps.Keys(e.overrides)) {
			lines = append(lines, "  "+scalar(env)+": {from: "+flow(e.overrides[env])+"}")
		}
	}
	if e.source != "" {
		lines = append(lines, "# source: "+quoted(e.source)+"   # a guess by the image's name: the repository it is built from gets the statuses too")
	}
	writeItem(b, lines)
}

// maxListed is how many apps of a pattern the comment names.
const maxListed = 12

func someOf(names []string) string {
	if len(names) > maxListed {
		return strings.Join(names[:maxListed], ", ") + " …"
	}
	return strings.Join(names, ", ")
}

func (s *Survey) imageLines(images []image) []string {
	if len(images) == 0 {
		return nil
	}
	plain := make([]string, len(images))
	simple := true
	for i, img := range images {
		plain[i] = img.name
		simple = simple && len(img.in) == 0
	}
	if line := "images: " + flow(plain); simple && len(line) < commentWidth {
		return []string{line}
	}
	lines := []string{"images:"}
	for _, img := range images {
		if len(img.in) == 0 {
			lines = append(lines, "  - "+scalar(img.name))
			continue
		}
		lines = append(lines, "  - name: "+scalar(img.name))
		var pulled []string
		for _, env := range slices.Sorted(maps.Keys(img.in)) {
			pulled = append(pulled, scalar(s.nameOf(env))+": "+scalar(img.in[env]))
		}
		lines = append(lines, "    in: {"+strings.Join(pulled, ", ")+"}   # pulled from elsewhere there")
	}
	return lines
}

func manifestLines(manifests []manifestEntry) []string {
	if len(manifests) == 0 {
		return nil
	}
	lines := []string{"manifests:"}
	for _, m := range manifests {
		if len(m.keys) == 0 {
			lines = append(lines, "  - "+quoted(m.path))
			continue
		}
		lines = append(lines, "  - path: "+quoted(m.path))
		if m.image != "" {
			lines = append(lines, "    image: "+scalar(m.image))
		}
		lines = append(lines, "    keys: "+quotedFlow(m.keys)+"   # the image's name does not stand beside its tag")
	}
	return lines
}

// plainForm is what needs no quotes in YAML wherever it stands, and is no number, date or word with a meaning.
var plainForm = regexp.MustCompile(`^[a-z][a-zA-Z0-9._/-]*(:[0-9]+/[a-zA-Z0-9._/-]+)?$`)

func scalar(text string) string {
	switch strings.ToLower(text) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		return quoted(text)
	}
	if plainForm.MatchString(text) {
		return text
	}
	return quoted(text)
}

// quoted returns a text in double quotes, which YAML reads as JSON does.
func quoted(text string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(text); err != nil {
		return `""` // a text can always be encoded
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func flow(list []string) string {
	out := make([]string, len(list))
	for i, text := range list {
		out[i] = scalar(text)
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func quotedFlow(list []string) string {
	out := make([]string, len(list))
	for i, text := range list {
		out[i] = quoted(text)
	}
	return "[" + strings.Join(out, ", ") + "]"
}
