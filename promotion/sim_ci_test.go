package promotion_test

import (
	"slices"
	"strings"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// simChecks are the checks that CI posted on commits, and those that Ferry has read, by the commit.
type simChecks struct {
	posted, read map[forge.SHA][]forge.Check

	given   []promotion.CheckedCommit // what the database gives of them, up to
	upTo    int64                     // that revision and
	minor   int                       // that release
	changed bool                      // and whether anything was read since
}

// reads notes what stands at the forge.
func (c *simChecks) reads(at forge.SHA) {
	before, known := c.read[at]
	if list := c.posted[at]; !known || !slices.Equal(before, list) {
		c.read[at], c.changed = list, true
	}
}

// postCheck lets CI, or somebody else, say how a check stands on a revision, or on the commit that a tag was built from.
func (s *sim) postCheck() {
	at := sha(max(1, s.forge.seq-s.r.Int64N(8)))
	if s.minor > 0 && s.r.IntN(6) == 0 {
		at = simSource(simTagOf(1 + s.r.IntN(s.minor)))
	}
	c := forge.Check{Name: simPick(s, []string{"e2e", "e2e", "scan", "lint"}), By: simPick(s, []string{"ci", "trivy", "trivy", "mallory"}),
		State: simPick(s, []forge.State{forge.Success, forge.Success, forge.Success, forge.Pending, forge.Failure}), At: s.now}
	s.checks.posted[at] = append(slices.DeleteFunc(slices.Clone(s.checks.posted[at]), func(x forge.Check) bool { return x.Name == c.Name }), c)
	s.note("%s posts %s on %s: %s", c.By, c.Name, at.Short(), c.State)
}

// readChecks reads what is wanted, and what deliveries told of.
func (s *sim) readChecks() {
	for at := range s.checks.posted {
		s.checks.reads(at)
	}
	for _, f := range s.facts {
		for _, w := range f.wants {
			s.checks.reads(w.SHA)
		}
		f.dirty = true
	}
}

// checked returns what was read, as the database gives it.
func (s *sim) checked() []promotion.CheckedCommit {
	c := &s.checks
	if c.changed || c.upTo != s.heads || c.minor != s.minor {
		c.given, c.upTo, c.minor, c.changed = s.checksRead(), s.heads, s.minor, false
	}
	return c.given
}

func (s *sim) checksRead() (list []promotion.CheckedCommit) {
	names := []string{"e2e", "lint", "scan"}
	for seq := s.heads; seq > 0; seq-- {
		if checks, known := s.checks.read[sha(seq)]; known {
			list = append(list, promotion.CheckedCommit{SHA: sha(seq), Seq: seq, Names: names, Checks: checks})
		}
	}
	for n := range s.minor {
		at := simSource(simTagOf(n + 1))
		if checks, known := s.checks.read[at]; known {
			for _, app := range s.apps {
				list = append(list, promotion.CheckedCommit{Target: "acme/" + app, SHA: at, Names: names, Checks: checks})
			}
		}
	}
	return list
}

// want writes down what a plan wants to know of checks.
func (s *sim) want(f *simFacts, wants []promotion.CheckWant) {
	before := f.wants
	f.wants = slices.Clone(wants)
	for i := range f.wants {
		w := &f.wants[i]
		w.Since = s.now
		for _, b := range before {
			if b.Environment == w.Environment && b.Target == w.Target && b.SHA == w.SHA && b.Deployment == w.Deployment && slices.Equal(b.Names, w.Names) {
				w.Since = b.Since
			}
		}
	}
}

// checksGreen says whether each check that the environment asks for is green on some commit, as far as Ferry has read: on a revision at which the tag
// stood upstream, or on the commit that it was built from.
func (s *sim) checksGreen(place simPlace, tag string) bool {
	env, _ := s.settings(place.env)
	commits := []forge.SHA{simSource(tag)}
	for _, from := range env.From {
		for _, stay := range s.stays(simPlace{place.app, from}) {
			for seq := stay.first; stay.tag == tag && seq <= s.heads && (stay.last == 0 || seq <= stay.last); seq++ {
				commits = append(commits, sha(seq))
			}
		}
	}
	for _, check := range env.Checks {
		if !slices.ContainsFunc(commits, func(at forge.SHA) bool { return s.isGreen(at, check) }) {
			return false
		}
	}
	return true
}

func (s *sim) isGreen(at forge.SHA, check config.Check) bool {
	return slices.ContainsFunc(s.checks.read[at], func(c forge.Check) bool {
		return c.Name == check.Name && c.State == forge.Success && (check.PostedBy == "" || check.PostedBy == c.By)
	})
}

// policiesLet says whether the environment's policies let the promotion in.
func (s *sim) policiesLet(place simPlace, m promotion.Promotion) bool {
	env, _ := s.settings(place.env)
	tag := m.Release.Version()
	return !slices.ContainsFunc(env.Policies, func(p config.Policy) bool {
		switch p.Name {
		case "no-mains":
			return m.Intent != promotion.IntentRollback && strings.HasPrefix(tag, "main-")
		case "soaked":
			return slices.ContainsFunc(env.From, func(from string) bool { return s.soakedAtMost(simPlace{place.app, from}, tag) < 15*time.Minute })
		}
		return true
	})
}
