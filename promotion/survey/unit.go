package survey

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// unit is one file as the environments have it: a path with {env}.
type unit struct {
	template string
	segments []string // of the template
	env      int      // the segment with {env}
	files    map[string]located
	app      part
}

// part is the piece of a template that names the app.
type part struct {
	segment, start, end int
	name                string
	base                int // how good such a place is
}

// findUnits puts the environments' files together.
func (w *work) findUnits(in []located) {
	byTemplate := map[string]*unit{}
	for _, l := range in {
		u := byTemplate[l.template]
		if u == nil {
			u = &unit{template: l.template, segments: strings.Split(l.template, "/"), files: map[string]located{}}
			u.env = slices.IndexFunc(u.segments, func(s string) bool { return strings.Contains(s, envMark) })
			byTemplate[l.template] = u
			w.units = append(w.units, u)
		}
		u.files[l.spot.value] = l
	}
	names := map[string]map[string]bool{} // by pattern, the apps that it would find
	for _, u := range w.units {
		for _, p := range u.parts() {
			pattern := u.pattern(p)
			if names[pattern] == nil {
				names[pattern] = map[string]bool{}
			}
			names[pattern][p.name] = true
		}
	}
	for _, u := range w.units {
		u.chooseApp(names)
	}
}

// parts returns the pieces of the template that may name the app.
func (u *unit) parts() []part {
	var list []part
	last := len(u.segments) - 1
	for i, segment := range u.segments {
		switch {
		case i == u.env:
			list = append(list, besideEnv(i, segment)...)
		case i < last && !isGeneric(segment):
			p := part{i, 0, len(segment), segment, 18}
			if i < u.env {
				p.base = 18 - min(9, u.env-i) // the nearest
			} else {
				p.base = 20 - min(9, i-u.env)
			}
			list = append(list, p)
		case i == last:
			if p, ok := trimGeneric(i, stem(segment)); ok {
				p.base = 4
				list = append(list, p)
			}
		}
	}
	return list
}

// besideEnv returns what stands beside {env} in its segment: checkout-{env}.yaml.
func besideEnv(i int, segment string) []part {
	var list []part
	before, after, _ := strings.Cut(stem(segment), envMark)
	if p, ok := trimGeneric(i, before); ok {
		p.base = 30
		list = append(list, p)
	}
	if p, ok := trimGeneric(i, after); ok {
		p.base = 30
		p.start += len(before) + len(envMark)
		p.end += len(before) + len(envMark)
		list = append(list, p)
	}
	return list
}

// trimGeneric returns the words of a text without the generic ones around them.
func trimGeneric(segment int, text string) (part, bool) {
	list := tokens(text)
	for len(list) > 0 && isGeneric(list[0].text) {
		list = list[1:]
	}
	for len(list) > 0 && isGeneric(list[len(list)-1].text) {
		list = list[:len(list)-1]
	}
	if len(list) == 0 || isNumber(list[0].text) && len(list) == 1 {
		return part{}, false
	}
	p := part{segment: segment, start: list[0].start, end: list[len(list)-1].end}
	p.name = text[p.start:p.end]
	return p, true
}

// chooseApp takes the piece that an image is called after, else the one in whose place most others stand.
func (u *unit) chooseApp(names map[string]map[string]bool) {
	score := func(p part) int {
		s := p.base + 2*min(len(names[u.pattern(p)]), 10)
		switch u.likeImage(p.name) {
		case 2:
			s += 100
		case 1:
			s += 30
		}
		return s
	}
	list := u.parts()
	if len(list) == 0 {
		return
	}
	u.app = slices.MaxFunc(list, func(a, b part) int {
		return cmp.Or(cmp.Compare(score(a), score(b)), cmp.Compare(b.segment, a.segment))
	})
}

// likeImage says whether one of the unit's images is called like that: 2, or has a name that contains it: 1.
func (u *unit) likeImage(name string) int {
	best := 0
	name = strings.ToLower(name)
	for _, f := range u.files {
		for _, i := range f.listing.Images {
			switch last := path.Base(i.Name); {
			case last == name || path.Base(i.Pulled) == name:
				return 2
			case len(name) > 2 && strings.Contains(last, name):
				best = 1
			}
		}
	}
	return best
}

// pattern returns the template with {app} for a piece, and wherever else a folder or a file is called just like it.
func (u *unit) pattern(p part) string {
	if p.name == "" {
		return u.template
	}
	out := slices.Clone(u.segments)
	for i, s := range out {
		switch {
		case i == p.segment:
			out[i] = s[:p.start] + appMark + s[p.end:]
		case s == p.name:
			out[i] = appMark
		case i == len(out)-1 && stem(s) == p.name:
			out[i] = appMark + strings.TrimPrefix(s, p.name)
		}
	}
	return strings.Join(out, "/")
}

// scope returns the pattern down to the app: units of one scope and one name are one app.
func (u *unit) scope() string {
	segments := strings.Split(u.pattern(u.app), "/")
	at := slices.IndexFunc(segments, func(s string) bool { return strings.Contains(s, appMark) })
	if at < 0 {
		return strings.Join(segments[:u.env+1], "/")
	}
	return strings.Join(segments[:at+1], "/")
}
