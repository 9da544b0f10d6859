package config_test

import (
	"strings"
	"testing"

	"ferry/promotion/config"
	"ferry/promotion/policy"
)

// rule compiles an expression.
func rule(t *testing.T, text string) policy.Policy {
	t.Helper()
	l, err := policy.NewLanguage()
	if err != nil {
		t.Fatal(err)
	}
	p, err := l.Compile(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPolicyErrorsStandInTheFile: what is wrong with an expression is shown where it stands in the file, however YAML writes it.
func TestPolicyErrorsStandInTheFile(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`policy: true`:                                               "2:9: policy must be text; put it in quotes",
		`policy: chnge == "major"`:                                   "2:9: policy: undeclared reference to 'chnge'",
		`policy: "ö" == chnge`:                                       "2:13: this is not YAML",
		`policy: '"ö" == chnge'`:                                     "2:17: policy: undeclared reference to 'chnge'",
		`policy: "\u00f6 == chnge"`:                                  "(in line 1, column 1 of the expression)",
		`policy: "change == \"x\" || chnge"`:                         "2:9: policy: undeclared reference to 'chnge' (did you mean 'change'?) (in line 1, column 18 of the expression)",
		`policy: "size(change)"`:                                     "2:10: policy: the expression results in int; it must be true or false",
		`policy: ""`:                                                 "2:9: policy must not be empty",
		`policy: [{name: a, rule: "chnge"}]`:                         "2:27: rule: undeclared reference to 'chnge'",
		`policy: [{name: a, rule: 'release.x'}]`:                     "2:34: rule: undefined field 'x'",
		"policy: |\n  change == 'major' &&\n    chnge == 'x'":        "4:5: policy: undeclared reference",
		"policy: |\r\n  change == 'major' &&\r\n    chnge\r\n":       "4:5: policy: undeclared reference",
		"policy: |\n\n  change == 'major' &&\n  chnge":               "5:3: policy: undeclared reference",
		"policy: |2\n    chnge &&\n  true":                           "3:5: policy: undeclared reference",
		"policy: |\n\n":                                              "2:9: policy must not be empty",
		`policy: '  chnge'`:                                          "2:12: policy: undeclared reference",
		`policy: "upstream.all(u, u.soaked > duration('3d'))"`:       `three days are 72h`,
		"policy: >-\n  change == 'major' &&\n  chnge":                "2:9: policy: undeclared reference to 'chnge' (did you mean 'change'?) (in line 1, column 22 of the expression)",
		"policy: change == 'major' &&\n  chnge":                      "2:9: policy: undeclared reference",
		`policy: [{name: a, rule: "true"}, {name: a, rule: "true"}]`: `2:35: the policy "a" stands here already`,
		`policy: "upstream.all(a, upstream.all(b, upstream.all(c, upstream.all(d, a.healthy && d.healthy))))"`: "2:10: policy: the expression may take too long",
		`policy: "` + strings.Repeat("true || ", 600) + `true"`:                                                "2:10: policy: the expression has 4804 bytes; at most 4096",
		`policy: "upstream.all(u, u.soaked == duration('1h'))"`:                                                "soaked can only be compared with a length",
		`policy: [` + strings.TrimSuffix(strings.Repeat(`{name: a, rule: "true"}, `, 51), ", ") + `]`:          "policy has 51 values; at most 50",
		"policy: &p chnge": "2:12: policy: undeclared reference to 'chnge' (did you mean 'change'?)",
	} {
		_, err := config.Parse(config.File, []byte("apiVersion: ferry/v1\n"+text+"\nenvironments: [{name: dev}]\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// TestPolicyInABlock: an expression is what stands between the spaces and line breaks of YAML's blocks.
func TestPolicyInABlock(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"|\n\n  change == 'major'", ">\n  \n  change ==\n  'major'\n\n", "|2\n    change == 'major'", "|+\n  change == 'major'\n\n", `" change == 'major'\n"`} {
		c, err := config.Parse(config.File, []byte("apiVersion: ferry/v1\npolicy: "+text+"\nenvironments: [{name: dev}]\n"))
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if got := c.Environments[0].Policies[0].Rule.String(); got != "change == 'major'" {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// TestPoliciesAddUp: those of the top level, the environment, the app and the app there count together.
func TestPoliciesAddUp(t *testing.T) {
	t.Parallel()
	c, err := config.Parse(config.File, []byte(`apiVersion: ferry/v1
policy: 'intent != "x"'
environments:
  - name: dev
  - {name: prod, from: [dev], policy: [{name: small, rule: 'change != "major"', reason: ask the team}]}
apps:
  - {name: web, images: [web], manifests: ['{env}/web.yaml'], policy: 'asker != "y"', environments: {prod: {policy: [{name: own, rule: "app.name == 'web'"}]}}}
  - {name: api, images: [api], manifests: ['{env}/api.yaml']}
`))
	if err != nil {
		t.Fatal(err)
	}
	for place, want := range map[config.Place]string{
		{App: "web", Environment: "prod"}: `intent != "x"|change != "major"|asker != "y"|app.name == 'web'|`,
		{App: "web", Environment: "dev"}:  `intent != "x"|asker != "y"|`,
		{App: "api", Environment: "prod"}: `intent != "x"|change != "major"|`,
	} {
		env, _ := c.Settings(place.App, place.Environment)
		got := ""
		for _, p := range env.Policies {
			got += p.Rule.String() + "|"
		}
		if got != want {
			t.Errorf("%v: %s, want %s", place, got, want)
		}
	}
}
