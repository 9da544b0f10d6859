package promotion

import (
	"fmt"
	"slices"
	"strings"

	"ferry/forge"
)

// mostShownChanges is how many pull requests, and how many other commits, a body lists of one source repository.
const mostShownChanges = 25

// sourceWords says from which commits the images were built, and what changed in their source between what stands and what comes.
func (s *Snapshot) sourceWords(b *strings.Builder, env *Environment, c choice) {
	var old Release
	if current := env.Current(); current != nil {
		old = current.Release
	}
	var said []string
	var told []ChangeKey
	for _, image := range c.release {
		a, ok := s.source(image)
		if !ok || a.Commit == "" {
			fmt.Fprintf(b, "\nThe source of %s is unknown: CI gave no commit with it%s.\n", code(image.Name), s.lookedUp(image))
			continue
		}
		k, changed := s.changeOf(old, image)
		line := "Built from " + code(a.Source+"@"+string(a.Commit))
		if changed && s.ForgeURL != "" {
			line += fmt.Sprintf(" ([changes](%s/%s/compare/%s...%s))", s.ForgeURL, k.Source, k.Base, k.Head)
		}
		if !slices.Contains(said, line) {
			said = append(said, line)
			b.WriteString("\n" + line + ".\n")
		}
		if changed && !slices.Contains(told, k) {
			told = append(told, k)
			s.between(k).tell(b, s.ForgeURL)
		}
	}
}

// tell lists what changed: pull requests first, then the other commits, the newest first.
func (c SourceChange) tell(b *strings.Builder, forgeURL string) {
	switch {
	case c.State != ChangeRead:
		return
	case c.Relation == forge.Behind:
		b.WriteString("This goes back: every commit in it stands here already.\n")
		return
	case c.Relation == forge.Diverged && c.Total == 0:
		b.WriteString("The two have no history in common.\n")
		return
	case c.Relation == forge.Diverged:
		b.WriteString("The two went different ways: some commits of what stands here are not in it.\n")
	case c.Total == 0:
		return
	}
	var pulls, others []string
	var numbers []int
	for _, one := range slices.Backward(c.Commits) {
		switch {
		case one.Pull == 0:
			others = append(others, one.line(c.Source, forgeURL))
		case !slices.Contains(numbers, one.Pull):
			numbers = append(numbers, one.Pull)
			pulls = append(pulls, one.line(c.Source, forgeURL))
		}
	}
	fmt.Fprintf(b, "\n%s in %s:\n\n", counted(c.Total, len(pulls)), code(c.Source))
	list(b, pulls, "pull requests")
	list(b, others, "other commits")
	if more := c.Total - len(c.Commits); more > 0 {
		fmt.Fprintf(b, "- … and %d older commits\n", more)
	}
}

func counted(commits, pulls int) string {
	words := fmt.Sprintf("%d commits", commits)
	if commits == 1 {
		words = "1 commit"
	}
	switch pulls {
	case 0:
		return words
	case 1:
		return words + ", 1 pull request"
	}
	return words + fmt.Sprintf(", %d pull requests", pulls)
}

func list(b *strings.Builder, lines []string, what string) {
	for _, line := range lines[:min(len(lines), mostShownChanges)] {
		b.WriteString("- " + line + "\n")
	}
	if more := len(lines) - mostShownChanges; more > 0 {
		fmt.Fprintf(b, "- … and %d more %s\n", more, what)
	}
}

// line is one line of the list. What people wrote stands in code spans: there it can mention nobody, refer to nothing and be no markup.
func (c SourceCommit) line(source, forgeURL string) string {
	name, address := code(c.SHA.Short()), fmt.Sprintf("%s/%s/commit/%s", forgeURL, source, c.SHA)
	if c.Pull > 0 {
		name, address = fmt.Sprintf("\\#\u200b%d", c.Pull), fmt.Sprintf("%s/%s/pull/%d", forgeURL, source, c.Pull)
	}
	if forgeURL != "" {
		name = fmt.Sprintf("[%s](%s)", name, address)
	}
	if subject := code(c.Subject); subject != "" {
		name += " " + subject
	}
	if author := code(c.Author); author != "" {
		name += " by " + author
	}
	return name
}
