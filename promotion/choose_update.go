package promotion

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"ferry/promotion/config"
)

// chooseUpdate returns what is to come into a first environment that Ferry updates: the newest of what CI announced that nobody wants out.
func (s *Snapshot) chooseUpdate(env *Environment, now time.Time) choice {
	current := env.Current()
	if env.Update == config.UpdateNone {
		return choice{nothing: "the first environment: a new image arrives here by a commit"}
	}
	if current == nil || current.Problem != "" {
		return choice{nothing: "Ferry updates this environment once its manifests are whole"}
	}
	left := slices.DeleteFunc(slices.Clone(s.Announced), func(a Announced) bool { return !s.announcedLater(a, current) || s.takenAway(env, a) })
	out := choice{nothing: "CI has announced nothing newer"}
	for first := true; len(left) > 0; first = false {
		newest := newestOfEach(left)
		release := current.Release
		for _, a := range newest {
			release = release.With(a.Image)
		}
		if env.merging(release) {
			return choice{nothing: fmt.Sprintf("%s was merged, and its revision is being read", release.Version())}
		}
		why := s.whyNotUpdated(env, release)
		if why == "" {
			return choice{release: release, intent: IntentUpdate, asker: "CI", gates: s.evaluate(env, release, now)}
		}
		if first {
			out.nothing = why
		}
		over := passedOver(newest, env.blocked(release))
		left = slices.DeleteFunc(left, func(a Announced) bool { return a.Image == over.Image })
	}
	return out
}

// whyNotUpdated says who wants the release out of the environment; nothing where nobody does.
func (s *Snapshot) whyNotUpdated(env *Environment, release Release) string {
	if r := env.rejected(release); r != nil {
		return r.words() + "; reopening it or /unblock lifts that"
	}
	if b := env.blocked(release); b != nil {
		return b.words()
	}
	if h := s.heldBack(env, release); h != nil {
		return h.words()
	}
	return ""
}

// newestOfEach returns of each image what CI announced last or, where that is a version, the newest version. The list comes in the order in which CI
// announced, and so does what is returned.
func newestOfEach(list []Announced) (newest []Announced) {
	for _, a := range slices.Backward(list) {
		i := slices.IndexFunc(newest, func(n Announced) bool { return n.Image.Name == a.Image.Name })
		switch {
		case i < 0:
			newest = append(newest, a)
		case NewRelease(a.Image).compareVersions(NewRelease(newest[i].Image)) == Newer:
			newest[i] = a
		}
	}
	slices.SortFunc(newest, func(a, b Announced) int { return cmp.Compare(a.Seq, b.Seq) })
	return newest
}

// passedOver returns which of the images gives way where they are not to come together: the one that somebody blocks, else what CI announced last.
func passedOver(newest []Announced, b *Block) Announced {
	if b != nil && len(b.Rest) == 0 {
		if i := slices.IndexFunc(newest, func(a Announced) bool { return b.Image.meant(a.Image) }); i >= 0 {
			return newest[i]
		}
	}
	return newest[len(newest)-1]
}

// takenAway says whether somebody has replaced the image in the environment, or a newer one, since CI announced it: Ferry does not bring it again. Nor
// does CI by announcing again a version that an older one replaced.
func (s *Snapshot) takenAway(env *Environment, a Announced) bool {
	for i := 1; i < len(env.History); i++ {
		image, ok := env.History[i].Release.Image(a.Image.Name)
		if !ok {
			continue
		}
		after := env.History[i-1]
		same := NewRelease(image).Same(NewRelease(a.Image))
		if after.Since.After(a.At) && (same || s.announcedOrder(a, image) == Older) {
			return true
		}
		if next, ok := after.Release.Image(a.Image.Name); same && ok && NewRelease(a.Image).compareVersions(NewRelease(next)) == Newer {
			return true
		}
	}
	return false
}

// announcedLater says whether what CI announced is to replace what stands: never something older by version, and never something announced
// before a person's own commit.
func (s *Snapshot) announcedLater(a Announced, current *Deployment) bool {
	old, ok := current.Release.Image(a.Image.Name)
	if !ok || NewRelease(old).Same(NewRelease(a.Image)) {
		return false
	}
	order := s.announcedOrder(a, old)
	return order == Newer || order == Unordered && a.At.After(current.Since)
}

// announcedOrder says where what CI announced stands to another image of the name: by version, else by the order in which CI announced both.
func (s *Snapshot) announcedOrder(a Announced, image Image) Order {
	if order := NewRelease(a.Image).compareVersions(NewRelease(image)); order != Unordered {
		return order
	}
	other, ok := s.source(image)
	switch {
	case !ok || other.Seq == 0 || other.Seq == a.Seq: // nobody announced it
		return Unordered
	case a.Seq > other.Seq:
		return Newer
	}
	return Older
}

// source returns what CI announced of the image, or what its tag says.
func (s *Snapshot) source(image Image) (Announced, bool) {
	for _, a := range s.Sources {
		if NewRelease(a.Image).Same(NewRelease(image)) {
			return a, true
		}
	}
	return Announced{}, false
}
