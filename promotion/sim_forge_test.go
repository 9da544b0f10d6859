package promotion_test

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"ferry/forge"
	"ferry/promotion"
)

type simPlace struct{ app, env string }

func (p simPlace) String() string { return p.app + " in " + p.env }

// simForge is a forge: the default branch as a line of revisions, pull requests, and the statuses on commits.
type simForge struct {
	seq      int64 // of the head
	content  map[simPlace]string
	line     []simRevision // the oldest first
	pulls    []*simPull    // by number, from 1
	statuses map[string]forge.Status
	posted   int
}

type simRevision struct {
	seq     int64
	place   simPlace
	content string
	tag     string // that stands in it
}

// simPull is a promotion's pull request at the forge.
type simPull struct {
	number       int
	place        simPlace
	open, merged bool
	closer       string // who closed it without a merge
	said         bool   // Ferry's comment stands there that it is superseded
	head         forge.SHA
	known        bool // Ferry made the head
	pusher       string
	shows        promotion.PullWish  // what Ferry made of it last
	base         map[simPlace]string // what stood in the files that it changes when the head was made
	title, body  string
	mergeSeq     int64
	headAt       time.Time // since when it stands at its head
	heads        []forge.SHA
	anew         bool               // somebody wants it made anew, whatever lies on top
	reviews      []promotion.Review // the newest of each person
	armed        string             // who told the forge to merge it by itself
	reopened     bool
}

func (f *simForge) pull(number int) *simPull { return f.pulls[number-1] }

// openOn returns the open pull request of a promotion's branch; a forge has at most one.
func (f *simForge) openOn(place simPlace) *simPull {
	for i := len(f.pulls) - 1; i >= 0; i-- {
		if p := f.pulls[i]; p.open && p.place == place {
			return p
		}
	}
	return nil
}

// commit lets the content stand at the place from a new revision on.
func (f *simForge) commit(place simPlace, content string) {
	f.seq++
	f.stand(place, content)
}

func (f *simForge) stand(place simPlace, content string) {
	f.content[place] = content
	f.line = append(f.line, simRevision{f.seq, place, content, simTag(content)})
}

// simPlaceOf returns the place whose manifest stands at a path.
func simPlaceOf(path string) simPlace {
	parts := strings.Split(path, "/")
	return simPlace{parts[1], parts[2]}
}

// merges says whether Git merges the pull request: what it changes did not change on the base meanwhile.
func (f *simForge) merges(p *simPull) bool {
	for place, was := range p.base {
		if f.content[place] != was {
			return false
		}
	}
	return p.open
}

// merge merges the pull request. Nothing of it is known to Ferry yet.
func (f *simForge) merge(p *simPull) {
	f.seq++
	for _, file := range p.shows.Files {
		f.stand(simPlaceOf(file.Path), string(file.Content))
	}
	p.open, p.merged, p.armed, p.mergeSeq = false, true, "", f.seq
}

// reopens says whether the forge lets a pull request be opened again: its branch stands as it was, and no other is open on it.
func (f *simForge) reopens(p *simPull) bool {
	if p.open || p.merged || p.closer == simFerry {
		return false
	}
	for _, later := range f.pulls[p.number:] {
		if later.place == p.place {
			return false
		}
	}
	return true
}

// simManifest returns a manifest of the app with its image at each of the tags, of the form tag or tag@digest.
func simManifest(app string, tags ...string) string {
	var b strings.Builder
	b.WriteString("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nimages:\n")
	for _, t := range tags {
		tag, digest, _ := strings.Cut(t, "@")
		fmt.Fprintf(&b, "- name: ghcr.io/acme/%s\n  newTag: %q # by hand\n", app, tag)
		if digest != "" {
			fmt.Fprintf(&b, "  digest: %s\n", digest)
		}
	}
	return b.String()
}

// simUnreadable is what no manifest may look like.
const simUnreadable = "images:\n- name: ghcr.io/acme/checkout\n  newTag: {{ .Tag }}\n"

var simTagForm = regexp.MustCompile(`(?m)^  newTag: "?([^"\n]*)"? # by hand$`)

// simTag reads which tag stands in a manifest; "" where that is none, or several.
func simTag(content string) string {
	found := simTagForm.FindAllStringSubmatch(content, -1)
	if len(found) == 0 {
		return ""
	}
	for _, f := range found[1:] {
		if f[1] != found[0][1] {
			return ""
		}
	}
	return found[0][1]
}
