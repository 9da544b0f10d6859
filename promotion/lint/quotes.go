package lint

import (
	"fmt"

	"ferry/promotion/checkout"
	"ferry/promotion/config"
)

// checkQuotes returns the tags that a loader may take for another text than the one that Ferry promotes.
func checkQuotes(env *checkout.Environment) []config.Finding {
	var out []config.Finding
	for _, f := range env.Files {
		for i, image := range f.Images {
			at := f.At(i)
			if !at.IsNumber {
				continue
			}
			one := finding(ruleNotQuoted, f.Path, fmt.Sprintf("the tag %s of %s is no text in YAML without quotes, and what runs may be another tag; quote it", image.Tag, image.Name))
			one.Line, one.Column = at.Line, at.Column
			out = append(out, one)
		}
	}
	return out
}
