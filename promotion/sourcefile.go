package promotion

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// SourceNames says whether a source repository's .ferry-source.yaml names the environment repository: `environments: [owner/name]`. A file that
// cannot be read names nobody. Forges tell names apart without regard to case.
func SourceNames(content []byte, environmentRepository string) bool {
	var file struct {
		Environments []string `yaml:"environments"`
	}
	if len(content) > 64<<10 || yaml.Unmarshal(content, &file) != nil {
		return false
	}
	return slices.ContainsFunc(file.Environments, func(name string) bool { return strings.EqualFold(name, environmentRepository) })
}
