package promotion

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"ferry/forge"
	"ferry/promotion/config"
)

// HandMadeGates returns ferry/gates of a pull request that somebody made by hand: closed by a hold on an environment or app whose release it
// changes; else open at once. The time is when a hold ends by itself.
func HandMadeGates(head forge.SHA, changes []byte, holds []Hold) (c Contribution, due time.Time, err error) {
	var places []config.Place
	if err := json.Unmarshal(changes, &places); err != nil {
		return c, due, err
	}
	c = Contribution{SHA: head, Context: GatesContext, State: forge.Success, Description: "it changes no release"}
	if len(places) > 0 {
		c.Description = fmt.Sprintf("nothing stops what it changes: %s in %s", places[0].App, places[0].Environment)
		if len(places) > 1 {
			c.Description = fmt.Sprintf("nothing stops the %d releases it changes", len(places))
		}
	}
	for _, p := range places {
		for _, h := range holds {
			if (h.App == "" || h.App == p.App) && (h.Environment == "" || h.Environment == p.Environment) {
				c.State, c.Description = forge.Failure, fmt.Sprintf("it changes %s in %s; hold: %s", p.App, p.Environment, h.words())
				return c, h.Until, nil
			}
		}
	}
	return c, due, nil
}

// ConfigStatus returns what the status ferry/config says on the commit that changed .ferry.yaml.
// empty are environments for which no manifest was found: often a name or a pattern that is written wrongly.
func ConfigStatus(sha forge.SHA, c *config.Config, problem string, empty []string) Contribution {
	out := Contribution{SHA: sha, Context: ConfigContext, State: forge.Success, Description: config.File + " is gone: Ferry is off here"}
	switch {
	case problem != "" && c != nil:
		out.State, out.Description = forge.Failure, problem+" (the last good one stays in force)"
	case problem != "":
		out.State, out.Description = forge.Failure, problem
	case c != nil:
		out.Description = fmt.Sprintf("in force: %d environments", len(c.Environments))
		if len(empty) > 0 {
			out.Description += "; no manifest was found for " + strings.Join(empty, ", ")
		}
	}
	return out
}
