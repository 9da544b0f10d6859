package policy_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/promotion/policy"
)

func language(t *testing.T) *policy.Language {
	t.Helper()
	l, err := policy.NewLanguage()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func facts() policy.Facts {
	image := policy.Image{Name: "ghcr.io/acme/checkout", Tag: "1.4.2"}
	return policy.Facts{
		App:         policy.App{Name: "checkout", Group: "platform", Source: "acme/checkout"},
		Environment: policy.Environment{Name: "prod", Clusters: []string{"eu", "us"}},
		Release:     policy.Release{Version: "1.4.2", Images: []policy.Image{image}},
		Current:     policy.Release{Version: "1.4.1"},
		Change:      "patch", Intent: "promotion", Asker: "dora", Approvals: []string{"ann", "bob"},
		Upstream: []policy.Upstream{{Environment: "staging", Converged: true, Healthy: true, Soaked: 25 * time.Hour}},
	}
}

func TestAllows(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]bool{
		`true`:                         true,
		`change in ["patch", "minor"]`: true,
		`change == "major"`:            false,
		`app.group == "platform" && environment.name == "prod"`:                             true,
		`release.images.all(i, i.digest != "")`:                                             false,
		`release.images.exists(i, i.name.startsWith("ghcr.io/acme/"))`:                      true,
		`upstream.all(u, u.converged && u.soaked >= duration("24h"))`:                       true,
		`approvals.size() >= 2 && "ann" in approvals`:                                       true,
		`approvals.exists(a, a in ["eve"])`:                                                 false,
		`asker in ["ann", "dora"]`:                                                          true,
		`change != "major" || upstream.all(u, u.soaked > duration("72h"))`:                  true,
		`upstream.exists(u, u.environment == "staging" && u.healthy)`:                       true,
		`upstream.all(u, duration("26h") <= u.soaked)`:                                      false,
		`release.images.all(i, i.commit != "")`:                                             false,
		`sets.contains(environment.clusters, ["eu"])`:                                       true,
		`release.version.matches("^[0-9]+\\.[0-9]+\\.[0-9]+$") && current.version != asker`: true,
		`environment.name.lowerAscii().split("-")[0] == "prod"`:                             true,
	} {
		p, err := language(t).Compile(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		if got, err := p.Allows(facts()); err != nil || got != want {
			t.Errorf("%s is %t, %v, want %t", expression, got, err, want)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]policy.Error{
		`change == `:                           {Line: 1, Column: 11, Reason: "Syntax error"},
		"true &&\n  chnge == 'major'":          {Line: 2, Column: 3, Reason: "undeclared reference to 'chnge'"},
		`release.tag == "1"`:                   {Line: 1, Column: 8, Reason: "undefined field 'tag'"},
		`upstream[0].soaked > 3`:               {Line: 1, Column: 20, Reason: "no matching overload"},
		`change`:                               {Line: 1, Column: 1, Reason: "true or false"},
		``:                                     {Line: 1, Column: 1, Reason: "Syntax error"},
		`release.version.matches("^v[0-9+$")`:  {Line: 1, Column: 25, Reason: "no regular expression: error parsing regexp: missing closing ]"},
		`matches(release.version, "^v(")`:      {Line: 1, Column: 26, Reason: "no regular expression"},
		`"(".matches("x") && "(".matches("(")`: {Line: 1, Column: 33, Reason: "no regular expression"},
		`upstream.all(u, u.soaked > duration("3d"))`: {Line: 1, Column: 37, Reason: `"3d" is no duration: CEL's have h, m and s, but no d for days; three days are 72h`},
		"true ||\n duration('x') > duration('1h')":   {Line: 2, Column: 11, Reason: "no duration"},
		`timestamp("2026-12-24") > timestamp(asker)`: {Line: 1, Column: 11, Reason: "no timestamp"},
		strings.Repeat("true || ", 600):              {Line: 1, Column: 1, Reason: "at most 4096"},
	} {
		_, err := language(t).Compile(expression)
		var at *policy.Error
		if !errors.As(err, &at) || at.Line != want.Line || at.Column != want.Column || !strings.Contains(at.Reason, want.Reason) {
			t.Errorf("%.40q: %v, want %v", expression, err, &want)
		}
	}
}

func TestCompileRefusesCost(t *testing.T) {
	t.Parallel()
	for _, expression := range []string{
		`upstream.all(a, upstream.all(b, upstream.all(c, upstream.all(d, a.converged && b.converged && c.converged && d.converged))))`,
		`[1, 2, 3, 4].all(a, [1, 2, 3, 4].all(b, release.images.all(c, release.images.all(d, release.images.all(e, a + b == size(c.name + d.name + e.name))))))`,
		`"a"` + strings.Repeat(`.replace("a", "aaaaaaaaaa")`, 100) + ` == ""`,
		`release.images.all(a, release.images.all(b, release.images.all(c, a.name == b.name && b.name == c.name)))`,
		`["a"]` + strings.Repeat(`.map(s, s + s)`, 100) + ` == []`,
		`[[1]]` + strings.Repeat(`.map(s, s + s)`, 30) + `.all(l, l.all(x, x > 0))`,
		`["a", "b"]` + strings.Repeat(`.map(s, ["a", "b", "c", "d", "e", "f"].join(s))`, 60) + ` == []`,
	} {
		_, err := language(t).Compile(expression)
		var at *policy.Error
		if !errors.As(err, &at) || !strings.Contains(at.Reason, "may take too long") {
			t.Errorf("%.80s: %v", expression, err)
		}
	}
}

// TestCompileTakesListsWithinLists: what compares the images of two releases is not too expensive, nor for as many images as an app may have.
func TestCompileTakesListsWithinLists(t *testing.T) {
	t.Parallel()
	many := facts()
	many.Release.Images = nil
	for i := range 50 {
		many.Release.Images = append(many.Release.Images, policy.Image{Name: fmt.Sprintf("ghcr.io/acme/platform/service-%d", i), Tag: "1.4.2"})
	}
	many.Current.Images = slices.Clone(many.Release.Images)
	many.Current.Version = many.Release.Version
	for _, expression := range []string{
		`release.images.all(i, current.images.exists(j, j.name == i.name))`,
		`release.images.all(i, current.images.exists(j, j == i))`,
		`release.images.filter(i, current.images.exists(j, j.name == i.name && j.tag != i.tag)).size() <= 1`,
		`release.images.all(i, current.images.exists(j, j.name == i.name && j.tag.split(".")[0] == i.tag.split(".")[0]))`,
		`release.images.map(i, i.name).join(",") == current.images.map(i, i.name).join(",")`,
		`release == current`,
		`release.images[0] == current.images[0]`,
		`release.images == current.images`,
		`upstream.filter(u, u.healthy).all(u, u.converged) && size(upstream) == 1`,
		`{"prod": "dora"}[environment.name] == asker`,
		`(upstream + upstream).exists(u, u.soaked > duration("24h")) && (asker == "" ? upstream : upstream)[0].healthy`,
	} {
		p, err := language(t).Compile(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		if allowed, err := p.Allows(many); err != nil || !allowed {
			t.Errorf("%s is %t, %v", expression, allowed, err)
		}
	}
}

// TestNoSoakIsHidden: what would use a soak without its name is refused, for nobody would look again when it changes.
func TestNoSoakIsHidden(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		`dyn(upstream[0])["soaked"] >= duration("24h")`:                                             "no dyn",
		`[upstream[0], 1].exists(x, x["soaked"] >= duration("24h"))`:                                "no dyn",
		`{"a": upstream[0], "b": 1}["a"]["soaked"] >= duration("24h")`:                              "no dyn",
		`google.protobuf.Struct{fields: {"a": upstream[0]}}.fields["a"]["soaked"] > duration("1h")`: "",
		`upstream[0] == upstream[0]`:                                                                "compared by its fields",
		`upstream != []`:                                                                            "compared by its fields",
		`upstream[0] in upstream`:                                                                   "compared by its fields",
		`sets.contains(upstream, [upstream[0]])`:                                                    "compared by its fields",
		`{"a": upstream[0]} == {"a": upstream[1]}`:                                                  "compared by its fields",
		`upstream[0].healthy == policy.Upstream{soaked: duration("1h")}.healthy`:                    "makes none of its own",
	} {
		_, err := language(t).Compile(expression)
		var at *policy.Error
		if !errors.As(err, &at) || !strings.Contains(at.Reason, want) {
			t.Errorf("%s: %v, want %s", expression, err, want)
		}
	}
}

func TestSoakIsOnlyComparedWithALength(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]policy.Error{
		`upstream.all(u, u.soaked >= upstream[0].soaked)`:                             {Line: 1, Column: 18},
		"upstream.all(u,\n u.soaked + duration('1h') > duration('2h'))":               {Line: 2, Column: 3},
		`upstream.map(u, u.soaked).exists(d, d > duration("1h"))`:                     {Line: 1, Column: 18},
		`upstream.all(u, string(u.soaked) == "1h")`:                                   {Line: 1, Column: 25},
		`upstream.all(u, u.soaked > duration(change))`:                                {Line: 1, Column: 18},
		`upstream.all(u, u.soaked == duration("1h"))`:                                 {Line: 1, Column: 18},
		`upstream.all(u, dyn(u).soaked == duration("1h") || u.soaked.getHours() > 3)`: {Line: 1, Column: 23},
	} {
		_, err := language(t).Compile(expression)
		var at *policy.Error
		if !errors.As(err, &at) || at.Line != want.Line || !strings.Contains(at.Reason, "soaked can only be compared") {
			t.Errorf("%s: %v", expression, err)
		}
	}
	p, err := language(t).Compile(`upstream.all(u, u.soaked >= duration("24h")) && (change != "major" || upstream.exists(u, duration("72h") < u.soaked || u.soaked < duration("24h")))`)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.SoakLengths(); !slices.Equal(got, []time.Duration{24 * time.Hour, 72 * time.Hour}) {
		t.Errorf("SoakLengths = %v", got)
	}
}

func TestNeedsNoHistory(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]bool{
		`change != "older"`: true,
		`intent == "rollback" || release.images.all(i, i.tag != "latest")`: true,
		`release.images.size() == current.images.size()`:                   true,
		`change == "patch" || upstream.all(u, u.healthy)`:                  false,
		`change == "patch" || approvals.size() > 1`:                        false,
		`size(upstream) == 1`:                                              false,
		`release.images.all(i, i.commit != "")`:                            false,
		`release == current`:                                               false,
		`release.images == current.images`:                                 false,
		`release.images[0] in current.images`:                              false,
	} {
		p, err := language(t).Compile(expression)
		if err != nil || p.NeedsNoHistory() != want {
			t.Errorf("%s: %t, %v", expression, p.NeedsNoHistory(), err)
		}
	}
}

func TestAsksApprovals(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]bool{`asker == "approvals"`: false, `change == "patch" || size(approvals) > 1`: true, `[1].exists(a, a == 1)`: false} {
		p, err := language(t).Compile(expression)
		if err != nil || p.AsksApprovals() != want {
			t.Errorf("%s: %t, %v", expression, p.AsksApprovals(), err)
		}
	}
}

func TestAllowsFails(t *testing.T) {
	t.Parallel()
	f := facts()
	f.Asker = strings.Repeat("a", 200_000)
	for expression, want := range map[string]string{
		`upstream[7].converged`: "index",
		`asker.replace("a", "aa").replace("a", "aa").size() > 400000`: "cost",
		`int(release.version) > 3`:                                    "int",
	} {
		p, err := language(t).Compile(expression)
		if err != nil {
			t.Fatal(err)
		}
		if allowed, err := p.Allows(f); err == nil || allowed || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is %t, %v", expression, allowed, err)
		}
	}
	if allowed, err := (policy.Policy{}).Allows(f); allowed || err == nil {
		t.Errorf("no policy is %t, %v", allowed, err)
	}
}

func FuzzCompile(f *testing.F) {
	f.Add(`change in ["patch"]`)
	f.Add(`upstream.all(u, u.soaked > duration("1h"))`)
	f.Add(`[1,2].map(x, x * 2).exists(y, y == 4)`)
	l, err := policy.NewLanguage()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		p, err := l.Compile(expression)
		var at *policy.Error
		if err != nil && (!errors.As(err, &at) || at.Line < 1 || at.Column < 1) {
			t.Fatalf("%q: %v", expression, err)
		}
		if err == nil {
			_, _ = p.Allows(facts())
		}
	})
}
