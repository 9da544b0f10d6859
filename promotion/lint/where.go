package lint

import (
	"ferry/promotion"
	"ferry/promotion/checkout"
)

// whereStands returns the first place of an image in the environment.
func whereStands(env *checkout.Environment, name string) (path string, at promotion.Spot) {
	for _, f := range env.Files {
		for i, image := range f.Images {
			if image.Name == name {
				return f.Path, f.At(i)
			}
		}
	}
	return env.Files[0].Path, promotion.Spot{}
}

// whereMixed returns the first place that disagrees with one before it.
func whereMixed(app *checkout.App, env *checkout.Environment) (path string, at promotion.Spot) {
	for _, want := range app.Images {
		var before promotion.Release
		for _, f := range env.Files {
			for i, image := range f.Images {
				if image.Name != want.Name {
					continue
				}
				if here := (promotion.Release{image}); before == nil {
					before = here
				} else if !here.Same(before) {
					return f.Path, f.At(i)
				}
			}
		}
	}
	return env.Files[0].Path, promotion.Spot{}
}
