package agent

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ferry/forge"
	"ferry/promotion"
)

// report is the body of POST /api/v1/reports.
type report struct {
	App        string           `json:"app,omitempty"`
	Cluster    string           `json:"cluster,omitempty"`
	Revision   forge.SHA        `json:"revision"`
	Health     promotion.Health `json:"health"`
	Images     []string         `json:"images,omitempty"`
	Message    string           `json:"message,omitempty"`
	ObservedAt time.Time        `json:"observed_at"`
	Every      string           `json:"every,omitempty"`
}

// says reports whether the other report says the same, at another time.
func (r report) says(other report) bool {
	return r.Revision == other.Revision && r.Health == other.Health && r.Message == other.Message && slices.Equal(r.Images, other.Images)
}

// The bounds of the images of a report.
const (
	maxImages     = 200
	maxImageBytes = 1024
)

// cleanImages returns what of the images a report may hold, in one order: the whole report would be refused for one that is not an image
// reference. It fails, and still returns the others, where it left some out.
func cleanImages(images []string) ([]string, error) {
	var good []string
	var bad error
	for _, image := range images {
		if image == "" || len(image) > maxImageBytes || strings.ContainsFunc(image, func(r rune) bool { return r <= ' ' || r > '~' }) {
			bad = fmt.Errorf("%.60q is not an image reference", image)
			continue
		}
		good = append(good, image)
	}
	slices.Sort(good)
	if good = slices.Compact(good); len(good) > maxImages {
		return good[:maxImages], fmt.Errorf("%d images run; a report holds %d", len(good), maxImages)
	}
	return good, bad
}
