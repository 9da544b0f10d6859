package lint

import (
	"fmt"
	"io"
	"strings"

	"ferry/promotion/config"
)

// WriteGitHub writes the findings as workflow commands, from which GitHub Actions makes annotations. It fails where w does.
func WriteGitHub(w io.Writer, findings []config.Finding) error {
	// What begins a command, ends it or parts its properties is written as its code ("Workflow commands for GitHub Actions").
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	for _, f := range findings {
		place := "file=" + property.Replace(f.File)
		if f.Line > 0 {
			place += fmt.Sprintf(",line=%d", f.Line)
		}
		if f.Column > 0 {
			place += fmt.Sprintf(",col=%d", f.Column)
		}
		if _, err := fmt.Fprintf(w, "::%s %s,title=%s::%s\n", f.Severity, place, property.Replace("ferry lint: "+f.Rule), data.Replace(sentence(f))); err != nil {
			return err
		}
	}
	return nil
}
