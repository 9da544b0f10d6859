package survey_test

import (
	"strings"
	"testing"

	"ferry/promotion/config"
	"ferry/promotion/survey"
)

// FuzzRecognise gives it strange paths with images: it never panics, and what it writes is a configuration that finds the apps it names.
func FuzzRecognise(f *testing.F) {
	for _, path := range []string{"apps/cart/dev/k.yaml", "dev/cart.yaml", "01-dev/eu/Ünïcode app/x.yml", "clusters/a b/'x\"/all/values-prod.yaml", "pre-prod/-/dev.yaml", "overlays/no/true.yaml",
		"prod/prod/prod.yaml", "dev/{app}/x.yaml", "envs/é/.lock/a..b.yaml", "dev.dev-dev/dev.yaml", "null/staging/0x1F.yaml", "overlays/\u2028/мост.yaml"} {
		f.Add(path, strings.Replace(path, "dev", "prod", 1), "ghcr.io/acme/cart")
	}
	f.Fuzz(func(t *testing.T, one, other, image string) {
		var files []survey.File
		for i, path := range []string{one, other, strings.Replace(one, "dev", "staging", 1), "x/" + one, "x/" + other} {
			if survey.Wanted(path) {
				content := "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - image: " + image + ":1." + strings.Repeat("1", i+1) + "\n"
				files = append(files, survey.Read(path, []byte(content)))
			}
		}
		s := survey.Recognise("some repository", files)
		if len(s.Apps) == 0 {
			return
		}
		c, err := config.Parse(config.File, []byte(s.Configuration()))
		if err != nil {
			t.Fatalf("%v\n%s", err, s.Configuration())
		}
		for _, a := range s.Apps {
			for _, found := range a.Releases {
				places := c.Places(found.Path)
				if len(places) != 1 || places[0].App != a.Name || places[0].Environment != found.Environment {
					t.Fatalf("%q is of %v, and not of %s in %s\n%s", found.Path, places, a.Name, found.Environment, s.Configuration())
				}
			}
		}
	})
}
