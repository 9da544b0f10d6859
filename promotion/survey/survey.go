// Package survey recognises the environments and apps of an environment repository from the layout of its folders and from what its files contain, and writes the configuration to begin with.
package survey

import (
	"cmp"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"ferry/promotion/manifest"
)

// MaxSize is the size in bytes beyond which a file is not looked at: bigger ones are generated.
const MaxSize = 1 << 20

// File is what the survey knows of one file.
type File struct {
	Path    string
	Problem string // why it cannot be read as a manifest; "" where it can
	chart   string // the name of the Helm chart that it describes
	listing manifest.Listing
}

// Wanted reports whether the survey has to see the file at a path.
func Wanted(name string) bool {
	switch path.Ext(name) {
	case ".yaml", ".yml", ".json":
	default:
		return path.Base(name) == "Kustomization"
	}
	for segment := range strings.SplitSeq(name, "/") {
		if segment == "" || strings.HasPrefix(segment, ".") || segment == "node_modules" || segment == "vendor" || strings.TrimSpace(segment) != segment {
			return false
		}
	}
	return isWritable(name) && strings.Count(name, "/") < 32 && len(name) < 512
}

// isWritable tells paths that a pattern of the configuration can name.
func isWritable(name string) bool {
	return utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool {
		return strings.ContainsRune("*?[]{}\\", r) || r != ' ' && !unicode.IsGraphic(r) || unicode.Is(unicode.Zs, r) && r != ' ' || r == utf8.RuneError
	})
}

// Read reads one file. It may be called from several goroutines.
func Read(name string, content []byte) File {
	f := File{Path: name}
	if len(content) > MaxSize {
		f.Problem = "it is bigger than 1 MiB"
		return f
	}
	listing, err := manifest.List(name, content)
	if err != nil {
		f.Problem = strings.TrimPrefix(err.Error(), name+":")
		return f
	}
	f.listing = listing
	if path.Base(name) == "Chart.yaml" {
		f.chart = listing.Name
	}
	return f
}

// Survey is what was recognised.
type Survey struct {
	Environments []Environment `json:"environments"` // upstream first
	Apps         []App         `json:"apps"`         // by name
	LeftOut      []LeftOut     `json:"left_out"`
	Guesses      []string      `json:"guesses"` // what a person should confirm

	entries []entry
}

// Environment is one environment.
type Environment struct {
	Name  string   `json:"name"`
	Dir   string   `json:"dir"`
	From  []string `json:"from"`
	Why   string   `json:"why"`   // why it stands there in the order
	Guess bool     `json:"guess"` // its place in the order is not certain
	Apps  int      `json:"apps"`
	stage stage
	spot  spot
}

// App is one app.
type App struct {
	Name         string   `json:"name"`
	Images       []string `json:"images"`
	Environments []string `json:"environments"` // upstream first
	Manifests    []string `json:"manifests"`    // with {env}
	Files        int      `json:"files"`
	Releases     []Found  `json:"releases"`
}

// Found is the tag of an image in an environment.
type Found struct {
	Environment string `json:"environment"`
	Image       string `json:"image"`
	Tag         string `json:"tag"`
	Path        string `json:"path"`
}

// LeftOut is something that looks like a part of it and is not in the configuration.
type LeftOut struct {
	What   string `json:"what"`
	Reason string `json:"reason"`
}

// Recognise looks at all files of a repository, in any order. name is the repository's, for an app that no path names. Nothing is
// recognised where Survey.Apps is empty.
func Recognise(name string, files []File) *Survey {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	w := &work{name: name, survey: &Survey{}, left: map[string]string{}, charts: map[string]string{}}
	for _, f := range files {
		w.charts[path.Dir(f.Path)] = cmp.Or(w.charts[path.Dir(f.Path)], f.chart)
	}
	in, without := locate(withImages(files))
	w.dropPreviews(&in)
	w.findUnits(in)
	w.findApps(files)
	w.keepApps()
	w.nameEnvironments()
	w.order()
	w.report(files, without)
	w.compose(files)
	w.survey.fillLists()
	return w.survey
}

// fillLists makes a list of each that has nothing in it: programs read [] and not null.
func (s *Survey) fillLists() {
	s.Environments = append([]Environment{}, s.Environments...)
	s.Apps = append([]App{}, s.Apps...)
	s.LeftOut = append([]LeftOut{}, s.LeftOut...)
	s.Guesses = append([]string{}, s.Guesses...)
	for i := range s.Environments {
		s.Environments[i].From = append([]string{}, s.Environments[i].From...)
	}
}

// withImages returns the files that have images or parts of them.
func withImages(files []File) []File {
	return slices.DeleteFunc(slices.Clone(files), func(f File) bool { return len(f.listing.Images) == 0 && len(f.listing.Values) == 0 })
}

// work is a survey that is going on.
type work struct {
	name   string
	survey *Survey
	units  []*unit
	apps   []*app
	left   map[string]string // what → reason
	charts map[string]string // by folder
}

func (w *work) leave(what, reason string) {
	if _, known := w.left[what]; !known {
		w.left[what] = reason
	}
}

// dropPreviews leaves out environments that come and go.
func (w *work) dropPreviews(in *[]located) {
	*in = slices.DeleteFunc(*in, func(l located) bool {
		if l.spot.preview {
			w.leave("environment "+l.spot.value, "a preview or local environment: nothing is promoted into it")
		}
		return l.spot.preview
	})
}
