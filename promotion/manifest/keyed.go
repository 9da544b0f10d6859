package manifest

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// keyedSites returns where the keys of t lead. A tag and a digest that belong together are one site: side by side in a mapping, or the only ones.
func (f *file) keyedSites(t Target) ([]site, *Refusal) {
	var tags, digests []spot
	var sites []site
	for _, key := range t.Keys {
		s, refusal := f.spot(key)
		if refusal != nil {
			return nil, refusal
		}
		switch kind, refusal := kindOf(s, key, t.Name); {
		case refusal != nil:
			return nil, refusal
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

// What a key can lead to.
const (
	tagValue = iota // also tag@digest
	digestValue
	refValue
)

// kindOf tells what stands at a spot.
func kindOf(s spot, key Key, name string) (kind int, refusal *Refusal) {
	n := s.value()
	if n.Kind != yaml.ScalarNode {
		return 0, refuse(n, KindNotScalar, "%s is a mapping or list, not a value; name the key of the tag in it", key)
	}
	value := text(n)
	if refusal := checkText(n); refusal != nil {
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
	at := referenceSite(s.value())
	at.written, at.Name = at.Name, name
	at.stand = stand{nil, s.written, nil}
	return at
}

// pairSpots puts tags and digests together.
func pairSpots(name string, tags, digests []spot) (sites []site) {
	for _, tag := range tags {
		digest := spot{}
		for i, d := range digests {
			if d.owner == tag.owner || len(tags) == 1 && len(digests) == 1 {
				digest, digests = d, append(digests[:i:i], digests[i+1:]...)
				break
			}
		}
		if digest.written == nil {
			digest = digestBeside(tag)
		}
		sites = append(sites, pairOf(name, tag, digest))
	}
	for _, d := range digests {
		sites = append(sites, pairOf(name, spot{}, d))
	}
	return sites
}

// digestBeside returns the digest that stands beside a tag, as the charts' authors name it.
func digestBeside(tag spot) spot {
	for _, name := range []string{strings.Replace(strings.Replace(tag.name, "tag", "digest", 1), "Tag", "Digest", 1), "digest"} {
		if v := written(tag.owner, name); v != nil && name != tag.name && text(resolve(v)) != "" {
			return spot{owner: tag.owner, name: name, written: v}
		}
	}
	return spot{}
}

func pairOf(name string, tag, digest spot) site {
	var t, d *yaml.Node
	if tag.written != nil {
		t = tag.value()
	}
	if digest.written != nil {
		d = digest.value()
	}
	s := pairSite(&yaml.Node{Kind: yaml.ScalarNode, Value: name}, t, d)
	if s.Line == 0 {
		s.Line, s.Column = t.Line, t.Column
	}
	return s
}
