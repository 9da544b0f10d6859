package main

import (
	"strings"
	"testing"

	"ferry/promotion/config"
)

// TestSoftenedPolicies: in the copy that the demo plays with every policy on one line holds, and the rest of the file stays.
func TestSoftenedPolicies(t *testing.T) {
	t.Parallel()
	text := `apiVersion: ferry/v1
policy: 'change != "major"' # ours
environments:
  - {name: dev, policy: [{name: a, rule: "release.images.all(i, i.tag != \"\")", reason: no}, {name: b, rule: 'asker == ''x'''}]}
  - name: prod
    from: [dev]
    policy:
      - name: c
        rule: change == "patch"
        reason: no
`
	softer, why := soften([]byte(text))
	c, err := config.Parse(config.File, softer)
	if err != nil {
		t.Fatalf("%v:\n%s", err, softer)
	}
	rules := 0
	for _, e := range c.Environments {
		for _, p := range e.Policies {
			if rules++; p.Rule.String() != "true" {
				t.Errorf("%s in %s is %s", p.Name, e.Name, p.Rule)
			}
		}
	}
	if rules != 5 || strings.Count(string(softer), "reason: no") != 2 || strings.Join(why, "; ") != "every policy on one line holds there" {
		t.Errorf("%d rules, %q:\n%s", rules, why, softer)
	}
}
