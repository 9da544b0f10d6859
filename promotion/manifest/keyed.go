package manifest

import (
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"
)

// keyedSites returns where the keys of t lead. A tag and a digest that belong together are one site: side by side in a mapping, or the only ones.
func (f *file) keyedSites(t Target) ([]site, *Refusal) {
	var tags, digests []spot
	var sites []site
	for _, key := range t.Keys {
		s, refusal := f.spot(key, t.Name)
		if refusal != nil {
			return nil, refusal
		}
		kind, refusal := kindOf(s, key, t.Name)
		if refusal == nil && kind != refValue {
			refusal, s.pulled = checkBeside(s, key, t.Name), pulledBeside(s, key, t.Name)
		}
		switch {
		case refusal != nil:
			return nil, s.translate(refusal)
		case kind == refValue:
			sites = append(sites, keyedReference(s, t.Name))
		case kind == digestValue:
			digests = append(digests, s)
		default:
			tags = append(tags, s)
		}
	}
	return append(sites, pairSpots(t.Name, tags, digests)...), nil
}

// valueAt returns where a key leads, which has to be a single value.
func (f *file) valueAt(key Key) (spot, *Refusal) {
	s, refusal := f.spot(key, "")
	switch {
	case refusal != nil:
		return s, refusal
	case s.value().Kind != yaml.ScalarNode:
		return s, s.translate(refuse(s.value(), KindNotScalar, "%s is a mapping or list, not a value; name a key in it", key))
	case strings.ContainsRune(s.value().Value, unicode.ReplacementChar): // see acceptable
		return s, s.translate(refuse(s.value(), KindNotScalar, "%s is written with escapes; write it without", key))
	}
	return s, nil
}

// What a key can lead to.
const (
	tagValue = iota // also tag@digest
	digestValue
	refValue
)

// kindOf tells what stands at a spot.
func kindOf(s spot, key Key, name string) (kind int, refusal *Refusal) {
	n := s.value()
	if isBareTemplate(n) {
		return 0, refuseTemplate(n)
	}
	if n.Kind != yaml.ScalarNode {
		return 0, refuse(n, KindNotScalar, "%s is a mapping or list, not a value; name the key of the tag in it", key)
	}
	value := text(n)
	if refusal := checkText(n, value); refusal != nil {
		return 0, refusal
	}
	switch found, _, _ := splitReference(value); {
	case strings.HasPrefix(value, "sha256:"), strings.HasPrefix(value, "sha512:"):
		return digestValue, nil
	case found == name || strings.HasSuffix(name, "/"+found) && strings.ContainsAny(value, ":/"):
		return refValue, nil
	case strings.Contains(found, "/") || found != value && !strings.HasPrefix(value, found+"@"):
		return 0, refuse(n, KindAmbiguous, "%s leads to the image %s, not to %s", key, found, name)
	}
	return tagValue, nil
}

func keyedReference(s spot, name string) site {
	return s.site(referenceSite(name, "", s.written))
}

// site returns a site whose values stand at the spot as one in the file.
func (s spot) site(at site) site {
	at.routes = append(at.routes, s.route)
	if s.home != nil {
		at.home, at.block = s.home, s.block
		at.Line, at.Column = s.home.outside(at.Line, at.Column)
		if at.refusal != nil {
			at.refusal = s.home.translate(at.refusal)
		}
	}
	return at
}

// pairSpots puts tags and digests together.
func pairSpots(name string, tags, digests []spot) (sites []site) {
	for _, tag := range tags {
		i := slices.IndexFunc(digests, func(d spot) bool {
			return d.owner == tag.owner || len(tags) == 1 && len(digests) == 1 && d.home == tag.home
		})
		digest := digestBeside(tag)
		if i >= 0 {
			digest = digests[i]
			digests = slices.Delete(slices.Clone(digests), i, i+1)
		}
		at := tag.site(pairSite(name, nil, tag.written, digest.written))
		if digest.written != nil {
			at.routes = append(at.routes, digest.route)
		}
		at.Pulled = tag.pulled
		sites = append(sites, at)
	}
	for _, d := range digests {
		at := d.site(pairSite(name, nil, nil, d.written))
		at.Pulled = d.pulled
		sites = append(sites, at)
	}
	return sites
}

// digestBeside returns the digest that stands beside a tag, under the name that goes with the tag's; no spot where there is none.
func digestBeside(tag spot) spot {
	if tag.owner == nil || tag.owner.Kind != yaml.MappingNode {
		return spot{}
	}
	for _, name := range []string{strings.Replace(strings.Replace(tag.name, "tag", "digest", 1), "Tag", "Digest", 1), "digest"} {
		if v := written(tag.owner, name); v != nil && name != tag.name && resolve(v).Kind == yaml.ScalarNode {
			return spot{owner: tag.owner, name: name, written: v, route: append(slices.Clone(tag.route[:len(tag.route)-1]), v)}
		}
	}
	return spot{}
}
