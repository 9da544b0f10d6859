package promotion_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

func TestCommitOfTag(t *testing.T) {
	t.Parallel()
	commit := "0123456789abcdef0123456789abcdef01234567"
	tests := map[string]forge.SHA{
		"sha-" + commit:                  forge.SHA(commit),
		"main-" + commit:                 forge.SHA(commit),
		"1.2.0-sha-" + commit:            forge.SHA(commit),
		commit:                           forge.SHA(commit),
		"main-" + commit[:12]:            "",
		"sha-" + commit + "0":            "",
		"x" + commit:                     "",
		"sha-" + strings.ToUpper(commit): "",
		strings.Repeat("0", 40):          "",
		"1.2.0":                          "",
		"":                               "",
	}
	for tag, want := range tests {
		if got := promotion.CommitOfTag(tag); got != want {
			t.Errorf("CommitOfTag(%q) = %q, want %q", tag, got, want)
		}
	}
}

func TestSourceNames(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, file string
		want       bool
	}{
		{"named", "environments: [acme/other, acme/environments]", true},
		{"named in other letters", "environments: [Acme/Environments]", true},
		{"another's", "environments: [evil/environments]", false},
		{"nobody", "", false},
		{"not a list", "environments: acme/environments", false},
		{"not YAML", "environments: [", false},
		{"too long", "environments: [acme/environments]\n#" + strings.Repeat("x", 70_000), false},
	}
	for _, test := range tests {
		if got := promotion.SourceNames([]byte(test.file), "acme/environments"); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}

func TestDecisionsComeBack(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 2, 9, 0, 0, 123_456_000, time.UTC)
	digest := "sha256:" + strings.Repeat("ab", 32)
	want := promotion.Decisions{
		Stops: promotion.Stops{
			Holds: []promotion.Hold{
				{Actor: "ann", At: at},
				{App: "checkout", Environment: "prod", Actor: "bob", At: at, Until: at.Add(time.Hour), Reason: "\"quoted\": yes\n- # @all \u202e |"},
				{Environment: "null", Actor: "123", At: at, Reason: "true"},
			},
			Freezes: []promotion.Freeze{{Environment: "prod", Actor: "ann", At: at, Until: at.Add(time.Hour), Reason: "# an incident"}, {Actor: "bob", At: at, Reason: "null"}},
			Blocks: []promotion.Block{
				{App: "checkout", Image: promotion.Image{Tag: "1.20"}, Actor: "ann", At: at, Reason: "it: loses orders"},
				{App: "cart", Environment: "prod", Image: promotion.Image{Name: "localhost:5000/a", Tag: "007", Digest: digest}, Actor: "123", At: at},
				{App: "cart", Image: promotion.Image{Digest: digest}, Actor: "ann", At: at, Reason: "x"},
			},
		},
		Lifts: []promotion.Lift{{Place: config.Place{App: "cart", Environment: "prod"}, Number: 12, Actor: "ann", At: at}},
		Asked: []promotion.Asked{
			{App: "checkout", Environment: "prod", Intent: promotion.Intent{Release: of("localhost:5000/a:1.20", "b:007@sha256:abc"), Actor: "ann: # @all", At: at}},
		},
		Baseline: []promotion.Baseline{
			{App: "checkout", Environment: "dev", Release: of("localhost:5000/a:1.20", "b:007@sha256:abc")},
			{App: "checkout", Environment: "prod", Release: of("a")},
		},
	}
	content, err := want.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	got, err := promotion.ParseDecisions(content)
	if err != nil {
		t.Fatalf("%v in\n%s", err, content)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v\nfrom\n%s", got, want, content)
	}
	if again, _ := got.Marshal(); string(again) != string(content) {
		t.Fatalf("it is written differently:\n%s", again)
	}
	if !strings.HasPrefix(string(content), "# Ferry's decisions") || strings.Contains(string(content), "0001-01-01") {
		t.Fatalf("%s", content)
	}
}

func TestParseDecisionsRefuses(t *testing.T) {
	t.Parallel()
	none, err := promotion.Decisions{}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := promotion.ParseDecisions(none); err != nil || len(got.Holds)+len(got.Baseline) != 0 {
		t.Errorf("no decisions: %+v, %v", got, err)
	}
	for name, content := range map[string]string{
		"nothing": "", "not YAML": "holds: [", "another version": "apiVersion: ferry/v2\n", "no version": "holds: []\n",
		"unknown keys": "apiVersion: ferry/v1\nreleases: []\n", "no release": "apiVersion: ferry/v1\nblocks: [{app: a, release: 'a b', by: ann, at: 2026-03-02T09:00:00Z}]\n", "not a time": "apiVersion: ferry/v1\nholds: [{by: ann, at: yesterday}]\n",
		"nothing asked": "apiVersion: ferry/v1\nasked: [{app: a, environment: b, by: ann, at: 2026-03-02T09:00:00Z}]\n",
	} {
		if got, err := promotion.ParseDecisions([]byte(content)); err == nil || !strings.Contains(err.Error(), "ferry-state") {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestHandMadeGates(t *testing.T) {
	t.Parallel()
	until := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	const cart, both = `[{"App":"cart","Environment":"prod"}]`, `[{"App":"cart","Environment":"prod"},{"App":"checkout","Environment":"dev"}]`
	tests := []struct {
		name, changes string
		holds         []promotion.Hold
		state         forge.State
		words         string
		due           time.Time
	}{
		{"no release", `[]`, []promotion.Hold{{Actor: "ann"}}, forge.Success, "changes no release", time.Time{}},
		{"nobody holds", cart, nil, forge.Success, "nothing stops", time.Time{}},
		{"held elsewhere", cart, []promotion.Hold{{App: "cart", Environment: "dev"}, {App: "checkout"}, {Environment: "dev"}}, forge.Success, "nothing stops", time.Time{}},
		{"the app is held", cart, []promotion.Hold{{App: "cart", Actor: "ann", Reason: "audit"}}, forge.Failure, "cart in prod; hold: ann holds cart: audit (/resume cart lifts it)", time.Time{}},
		{"the environment is held", cart, []promotion.Hold{{Environment: "prod", Actor: "ann", Until: until}}, forge.Failure, "ann holds prod until 2026-03-02 09:00:00 UTC (/resume prod", until},
		{"both are held", cart, []promotion.Hold{{App: "cart", Environment: "prod", Actor: "ann"}}, forge.Failure, "/resume cart prod", time.Time{}},
		{"everything is held", both, []promotion.Hold{{Actor: "ann"}}, forge.Failure, "ann holds everything (/resume all lifts it)", time.Time{}},
		{"the second is held", both, []promotion.Hold{{App: "checkout", Actor: "ann"}}, forge.Failure, "checkout in dev", time.Time{}},
	}
	for _, test := range tests {
		got, due, err := promotion.HandMadeGates(nil, sha(5), []byte(test.changes), promotion.Stops{Holds: test.holds}, until.Add(-time.Hour))
		if err != nil || got.State != test.state || !strings.Contains(got.Description, test.words) || !due.Equal(test.due) || got.SHA != sha(5) || got.Context != "ferry/gates" {
			t.Errorf("%s: %+v, due %s, %v", test.name, got, due, err)
		}
	}
	if _, _, err := promotion.HandMadeGates(nil, sha(5), []byte(`{`), promotion.Stops{}, until); err == nil {
		t.Error("what cannot be read says that nothing is changed")
	}
}

func TestConfigStatus(t *testing.T) {
	t.Parallel()
	c, err := config.Parse(config.File, []byte(ferryYAML))
	if err != nil {
		t.Fatal(err)
	}
	_, broken := config.Parse(config.File, []byte("apiVersion: ferry/v1\nenvironmens: []\n"))
	if broken == nil {
		t.Fatal(errors.New("the broken file is read"))
	}
	tests := []struct {
		config  *config.Config
		problem string
		state   forge.State
		words   string
	}{
		{c, "", forge.Success, "in force: 3 environments"},
		{nil, "", forge.Success, "is gone: Ferry is off"},
		{c, broken.Error(), forge.Failure, "(the last good one stays in force)"},
		{nil, broken.Error(), forge.Failure, ".ferry.yaml:2:1"},
	}
	for _, test := range tests {
		got := promotion.ConfigStatus(sha(5), test.config, test.problem, nil)
		if got.State != test.state || !strings.Contains(got.Description, test.words) || got.Context != "ferry/config" {
			t.Errorf("%+v, want %s …%s…", got, test.state, test.words)
		}
	}
}
