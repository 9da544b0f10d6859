package promotion

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"ferry/promotion/config"
)

// Block is a person's word that a release must not enter an environment, nor any that is promoted into from there.
type Block struct {
	ID          int64
	App         string
	Environment string  // empty: everywhere
	Image       Image   // of the release; Name is empty for any of its images, Digest for any digest of the tag
	Rest        Release // the release's other images, where exactly that release is blocked and not each that has Image
	Reason      string
	Actor       string
	At          time.Time
}

// blockGate is closed while a person blocks the release here, or somewhere upstream.
func blockGate(_ *Snapshot, env *Environment, release Release, _ time.Time) Gate {
	return blockedBy(env.Blocks, release)
}

func blockedBy(blocks []Block, release Release) Gate {
	for _, b := range blocks {
		if b.matches(release) {
			return Gate{Name: "block", State: GateClosed, Reason: b.words()}
		}
	}
	return Gate{Name: "block", State: GateOpen, Reason: "nobody blocks it"}
}

// blocked returns the block on the release in the environment, or nil.
func (e *Environment) blocked(release Release) *Block {
	for i := range e.Blocks {
		if e.Blocks[i].matches(release) {
			return &e.Blocks[i]
		}
	}
	return nil
}

// matches says whether the release has the blocked image, and the rest of what is blocked with it.
func (b Block) matches(release Release) bool {
	missing := func(i Image) bool { return !slices.ContainsFunc(release, i.meant) }
	return !missing(b.Image) && !slices.ContainsFunc(b.Rest, missing)
}

// meant says whether i, which may lack name, tag or digest, names the other image.
func (i Image) meant(other Image) bool {
	if i.Name != "" && i.Name != other.Name || i.Tag != "" && i.Tag != other.Tag {
		return false
	}
	if i.Tag == "" {
		return i.Digest != "" && i.Digest == other.Digest
	}
	return i.Digest == "" || other.Digest == "" || i.Digest == other.Digest
}

// words says who blocks what, why, and how it is lifted.
func (b Block) words() string {
	return fmt.Sprintf("%s blocks %s: %s (%s lifts it)", b.Actor, b.what(), b.Reason, b.lift())
}

// lift is the command that lifts exactly this, wherever it is written.
func (b Block) lift() string {
	return strings.TrimSpace("/unblock " + b.App + " " + b.Image.named() + " " + b.Environment)
}

// Detail names the release and says why it is blocked, for an event.
func (b Block) Detail() string {
	if b.Reason == "" {
		return b.Image.named()
	}
	return b.Image.named() + ": " + b.Reason
}

func (b Block) what() string {
	what := b.App + " " + b.Image.named()
	for _, i := range b.Rest {
		what += " with " + i.named()
	}
	if b.Environment != "" {
		what += " in " + b.Environment
	}
	return what
}

// named is the image as a command names it: its tag, with what else is known of it.
func (i Image) named() string {
	switch {
	case i.Name != "":
		return i.String()
	case i.Tag == "":
		return i.Digest
	case i.Digest != "":
		return i.Tag + "@" + i.Digest
	}
	return i.Tag
}

var imageNameForm = regexp.MustCompile(`^[a-z0-9][a-zA-Z0-9._:/-]{0,254}$`)

// parseNamed reads an image as a command names it: a tag, tag@digest, a digest, or a whole reference. It returns false for anything else.
func parseNamed(word string) (i Image, ok bool) {
	if strings.HasPrefix(word, "sha") && digestForm.MatchString(word) {
		return Image{Digest: word}, true
	}
	before, _, _ := strings.Cut(word, "@")
	if i = ParseImage(word); !strings.ContainsAny(before, ":/") {
		i.Name, i.Tag = "", before
	}
	ok = tagForm.MatchString(i.Tag) && (i.Name == "" || imageNameForm.MatchString(i.Name)) && (i.Digest == "" || digestForm.MatchString(i.Digest))
	return i, ok
}

// BlocksOn returns the blocks that keep releases of the app out of the environment: those there, everywhere, and in any environment that it is promoted
// into from, over however many. from tells from where an environment's releases come.
func (s Stops) BlocksOn(app, environment string, from func(environment string) []string) (list []Block) {
	places := []string{environment}
	for i := 0; i < len(places); i++ {
		for _, up := range from(places[i]) {
			if !slices.Contains(places, up) {
				places = append(places, up)
			}
		}
	}
	for _, b := range s.Blocks {
		if b.App == app && (b.Environment == "" || slices.Contains(places, b.Environment)) {
			list = append(list, b)
		}
	}
	return list
}

// reaches returns the environments that the block keeps the release out of, as the configuration has them: where it stands, and all that is promoted into
// from there.
func (b Block) reaches(c *config.Config) (environments []string) {
	one := Stops{Blocks: []Block{b}}
	for _, env := range c.Environments {
		if len(one.BlocksOn(b.App, env.Name, FromOf(c, b.App))) > 0 {
			environments = append(environments, env.Name)
		}
	}
	return environments
}

// FromOf returns from where releases of the app come into each environment, as the configuration has it; nothing without one.
func FromOf(c *config.Config, app string) func(environment string) []string {
	return func(environment string) []string {
		if c == nil {
			return nil
		}
		if e, ok := c.Settings(app, environment); ok {
			return e.From
		}
		e, _ := c.Environment(environment)
		return e.From
	}
}
