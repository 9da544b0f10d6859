package manifest

import (
	"fmt"

	"go.yaml.in/yaml/v4"
)

// sitesOf returns the places of the targets. An image that is looked for by its name carries the name by which it was asked for.
func (f *file) sitesOf(targets []Target) ([]site, *Refusal) {
	var found []site
	var byName []Target
	for _, t := range targets {
		if len(t.Keys) == 0 {
			byName = append(byName, t)
			continue
		}
		sites, refusal := f.keyedSites(t)
		if refusal != nil {
			return nil, refusal
		}
		found = append(found, sites...)
	}
	if len(byName) == 0 {
		return found, nil
	}
	named, refusal := f.sites(newNames(byName))
	return append(found, named...), refusal
}

// sites returns the places of all images of these names.
func (f *file) sites(names names) ([]site, *Refusal) {
	var all []site
	for _, doc := range f.docs {
		if len(doc.Content) == 0 || doc.Content[0].Kind == yaml.ScalarNode {
			continue
		}
		r := f.newReading(doc.Content[0], names)
		r.walk(resolve(doc.Content[0]))
		if all = append(all, r.found...); len(all) > maxPlaces {
			return nil, &Refusal{Kind: KindLimit, Reason: fmt.Sprintf("the images stand in more than %d places of this file; split it", maxPlaces)}
		}
	}
	return all, nil
}
