package promotion

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"ferry/forge"
	"ferry/promotion/config"
)

// AgentReport is what an agent says of its environment. An empty App means every app there.
type AgentReport struct {
	App        string
	Cluster    string
	Revision   forge.SHA
	Health     Health
	Images     []string
	Message    string
	ObservedAt time.Time
	Every      time.Duration
}

// The bounds of a report.
const (
	MaxReports      = 1000
	maxMessageBytes = 1024
	maxImages       = 200
	maxImageBytes   = 1024
)

// FieldError is what is wrong with one field of a request.
type FieldError struct {
	Field   string
	Problem string
}

// Error names the field and what it should be.
func (e *FieldError) Error() string { return e.Field + ": " + e.Problem }

// Normalise returns the report with its defaults filled in and its message cut to 1 KiB, or a *FieldError.
func (r AgentReport) Normalise() (AgentReport, error) {
	if r.Cluster == "" {
		r.Cluster = config.DefaultCluster
	}
	if !isName(r.Cluster) {
		return r, &FieldError{"cluster", "it is no name of a cluster: at most 253 printable characters are expected"}
	}
	if r.App != "" && !isName(r.App) {
		return r, &FieldError{"app", "it is no name of an app: at most 253 printable characters are expected"}
	}
	switch r.Health {
	case HealthProgressing, HealthHealthy, HealthDegraded, HealthFailed, HealthUnknown:
	case "":
		return r, &FieldError{"health", "it is required: progressing, healthy, degraded, failed or unknown"}
	default:
		return r, &FieldError{"health", fmt.Sprintf("%q is none of progressing, healthy, degraded, failed, unknown", clip(string(r.Health), 40))}
	}
	if r.Revision != "" || r.Health != HealthFailed {
		sha, err := forge.ParseSHA(string(r.Revision))
		if err != nil || sha == "" {
			return r, &FieldError{"revision", "it is required unless health is failed: the commit that is applied, 40 hexadecimal digits"}
		}
		r.Revision = sha
	}
	if len(r.Images) > maxImages {
		return r, &FieldError{"images", fmt.Sprintf("at most %d are taken", maxImages)}
	}
	for _, ref := range r.Images {
		if ref == "" || len(ref) > maxImageBytes || strings.ContainsFunc(ref, notInReference) {
			return r, &FieldError{"images", fmt.Sprintf("%q is not an image reference", clip(ref, 60))}
		}
	}
	if r.Every < 0 {
		return r, &FieldError{"every", "it must not be negative"}
	}
	r.Message = oneLine(strings.ToValidUTF8(r.Message, "�"))
	if len(r.Message) > maxMessageBytes {
		r.Message = strings.ToValidUTF8(r.Message[:maxMessageBytes], "")
	}
	return r, nil
}

// isName says whether s can be a name: short, and of printable characters alone, which is also what the database takes.
func isName(s string) bool { return len(s) <= 253 && !strings.ContainsFunc(s, notInReference) }

func notInReference(r rune) bool {
	return unicode.IsSpace(r) || !unicode.IsPrint(r) || r == utf8.RuneError
}
