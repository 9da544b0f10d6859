package promotion

import (
	"fmt"
	"strings"

	"ferry/forge"
	"ferry/promotion/config"
)

// Proposal is what a pull request of somebody's would make of the configuration and of manifests, as read at its head. Nothing is acted on from it.
type Proposal struct {
	Head      forge.SHA
	Config    *ProposedConfig // where it changes a part of the configuration, and what comes out can be read
	Removed   bool            // it removes .ferry.yaml
	Manifests int             // it changes
	Findings  []config.Finding
	Cut       bool // it changes more than was looked at
	Fork      bool // it comes from another repository
}

// ProposedConfig is what a configuration is read from.
type ProposedConfig struct {
	File     []byte
	Included []config.Included
}

// Parse returns the proposed configuration.
func (p ProposedConfig) Parse() (*config.Config, error) {
	return config.Parse(config.File, p.File, p.Included...)
}

// UnreadableFinding returns the finding of a manifest that cannot be read. The problem may begin with its place.
func UnreadableFinding(path, problem string) config.Finding {
	f := config.Finding{File: path, Line: 1, Column: 1, Severity: config.SeverityError, Rule: "manifest-unreadable", Message: problem, Do: "Mend the file as the message says."}
	if rest, ok := strings.CutPrefix(problem, path+":"); ok {
		var line, column int
		if n, err := fmt.Sscanf(rest, "%d:%d:", &line, &column); err == nil && n == 2 {
			_, f.Message, _ = strings.Cut(rest, ": ")
			f.Line, f.Column = line, column
		}
	}
	return f
}
