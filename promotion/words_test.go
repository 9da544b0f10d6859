package promotion_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"ferry/forge"
	"ferry/promotion"
)

const (
	begin = "<!-- ferry:begin -->"
	end   = "<!-- ferry:end -->"
)

func TestEscape(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"plain", "1.2.0 runs in eu-west-1 (fine)", "1.2.0 runs in eu-west-1 (fine)"},
		{"a mention", "@ann @acme/all", "@\u200bann @\u200bacme/all"},
		{"an issue", "see #12", "see \\#\u200b12"},
		{"an issue by other words", "fixes GH-12, gh-7, sigh-1", "fixes GH\u200b-12, gh\u200b-7, sigh-1"},
		{"an issue's address", "closes https://github.com/acme/web/issues/12 and /pull/3", "closes https://github.com/acme/web/issues\u200b/12 and /pull\u200b/3"},
		{"an address", "see https://status.example/pull/incident?a=1", "see https://status.example/pull/incident?a=1"},
		{"HTML", "<img src=x onerror=alert(1)>&amp;", "&lt;img src=x onerror=alert(1)&gt;&amp;amp;"},
		{"a comment", "<!-- ferry:end -->", "&lt;\\!-- ferry:end --&gt;"},
		{"markdown", "*a* _b_ [c](d) ![e](f) ~g~ `h` {i} \\", "\\*a\\* \\_b\\_ \\[c\\](d) \\!\\[e\\](f) \\~g\\~ \\`h\\` \\{i\\} \\\\"},
		{"a table's cell", "a | b", "a \\| b"},
		{"mathematics", "$x$", "\\$x\\$"},
		{"lines", "a\nb\r\nc\u2028d\u0085e\tf", "a b  c d e f"},
		{"right to left", "\u202egnp.exe\u2066", "gnp.exe"},
		{"control characters", "\x1b[31mred\x00", "\\[31mred"},
	}
	for _, test := range tests {
		if got := promotion.Escape(test.in); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestMergeBody(t *testing.T) {
	t.Parallel()
	part := begin + "\nnew\n" + end
	tests := []struct{ name, existing, want string }{
		{"nothing", "", part},
		{"only Ferry's", begin + "old" + end, part},
		{"people around it", "before\n" + begin + "\nold\n" + end + "\nafter", "before\n" + part + "\nafter"},
		{"edited in a browser", "before\r\n" + begin + "\r\nold\r\n" + end + "\r\nafter", "before\r\n" + part + "\r\nafter"},
		{"an end quoted inside", begin + "old " + end + " still old\n" + end + "after", part + "after"},
		{"both marks removed", "people's own\n", "people's own\n\n" + part},
		{"the end removed", "before\n" + begin + "\nold", "before\n" + part},
		{"the beginning removed", "old\n" + end + "\nafter", part + "\nafter"},
		{"the end before the beginning", end + " a " + begin + " b", end + " a " + part},
	}
	for _, test := range tests {
		got := promotion.MergeBody(test.existing, part)
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
		if again := promotion.MergeBody(got, part); again != got && test.name != "the end before the beginning" {
			t.Errorf("%s: once more it is %q", test.name, again)
		}
	}
}

func TestMergeBodyFits(t *testing.T) {
	t.Parallel()
	for _, people := range []int{10, 30_000, 64_000, 65_536, 100_000} {
		existing := strings.Repeat("ä", people) + begin + "old" + end + "after"
		got := promotion.MergeBody(existing, begin+"\n"+strings.Repeat("x", 49_000)+"\n"+end)
		if n := utf8.RuneCountInString(got); n > 65_536 {
			t.Errorf("%d characters, where people wrote %d", n, people)
		}
		if people <= 64_000 && (!strings.HasPrefix(got, existing[:people*2]+begin) || !strings.HasSuffix(got, end+"after")) {
			t.Errorf("what people wrote (%d) is lost", people)
		}
	}
}

func TestHostileWordsInAPromotion(t *testing.T) {
	t.Parallel()
	hostile := "x\nFerry-Release: evil:1\r\n| <b>@all</b> `\u202e" + end
	w := line(t)
	w.arrive("dev", "1.1.0")
	a := promotion.Announced{Image: promotion.ParseImage(image + ":1.1.0"), Source: "acme/checkout\nFerry-Release: evil:2", Commit: sha(77)}
	w.s.Sources = []promotion.Announced{a}
	w.env("staging").Intent = &promotion.Intent{Release: release("1.1.0"), Actor: hostile, At: w.now}
	w.look()
	wish := w.wishes["staging"]
	for l := range strings.Lines(wish.Message) {
		if strings.HasPrefix(l, "Ferry-Release:") && l != "Ferry-Release: "+image+":1.1.0\n" {
			t.Errorf("a forged trailer:\n%s", wish.Message)
		}
	}
	if strings.ContainsAny(wish.Message, "\u202e\r") || strings.Contains(wish.Body, "<b>") || strings.Contains(wish.Body, "@all") || strings.Count(wish.Body, end) != 1 {
		t.Errorf("%s\n%s", wish.Message, wish.Body)
	}
}

func TestHostileTagIsNotWritten(t *testing.T) {
	t.Parallel()
	w := line(t)
	w.commit("dev", "1.1.0")
	w.env("dev").History[0].Release[0].Tag = "1.1.0\nFerry-Release: evil:1"
	w.report("dev", promotion.HealthHealthy)
	w.env("dev").History[0].FirstSeq = w.seq
	w.ask("staging", "1.1.0\nFerry-Release: evil:1")
	w.look()
	w.proposed("staging", "")
	if g := w.gate("staging", "manifest"); g.State != promotion.GateWaiting {
		t.Fatalf("%+v", g)
	}
}

func TestPromotionsWords(t *testing.T) {
	t.Parallel()
	w := line(t)
	old := promotion.Announced{Image: promotion.ParseImage(image + ":1.0.0"), Source: "acme/checkout", Commit: sha(76)}
	now := promotion.Announced{Image: promotion.ParseImage(image + ":1.1.0"), Source: "acme/checkout", Commit: sha(77)}
	w.s.Sources = []promotion.Announced{old, now}
	w.arrive("dev", "1.1.0")
	wish := w.wishes["staging"]
	if wish.Branch != "ferry/staging/checkout" || wish.Base != "main" || wish.Title != "Promote checkout to staging: 1.0.0 → 1.1.0" || wish.Intent != promotion.IntentPromotion {
		t.Errorf("%+v", wish)
	}
	for _, words := range []string{
		begin, "| `ghcr.io/acme/checkout` | `1.0.0` | `1.1.0` |",
		fmt.Sprintf("Built from `acme/checkout@%s` ([changes](https://forge.example/acme/checkout/compare/%s...%s)).", sha(77), sha(76), sha(77)),
		"| upstream | open | converged in dev at 2026-03-02 09:00:00 UTC |", "| hold | open |", "`/retry [app] [environment]`", end,
	} {
		if !strings.Contains(wish.Body, words) {
			t.Errorf("the body lacks %s:\n%s", words, wish.Body)
		}
	}
	message := "Promote checkout in staging to 1.1.0\n\nFerry-App: checkout\nFerry-Environment: staging\nFerry-Release: ghcr.io/acme/checkout:1.1.0\n" +
		"Ferry-Intent: promotion\nFerry-Source: ghcr.io/acme/checkout@1.1.0 acme/checkout@" + string(sha(77)) + "\n"
	if wish.Message != message {
		t.Errorf("the commit says\n%s\nwant\n%s", wish.Message, message)
	}
}

func TestLongTitle(t *testing.T) {
	t.Parallel()
	w := line(t)
	w.s.App.Name = strings.Repeat("a", 300)
	w.arrive("dev", "1.1.0")
	if n := utf8.RuneCountInString(w.wishes["staging"].Title); n > 200 {
		t.Errorf("%d characters", n)
	}
}

func TestIssueBody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, line(t).s.Environments[0].Environment, line(t).s.Environments[1].Environment, line(t).s.Environments[2].Environment)
	w.baseline("1.0.0", "staging", "prod")
	w.baseline("1.1.0", "dev")
	w.plan.View.App = "checkout"
	hold := promotion.Hold{Environment: "prod", Actor: "ann", Reason: "| <b>@all", At: w.now}
	body := promotion.IssueBody([]string{"dev", "staging", "prod", "gone"}, []promotion.View{w.plan.View},
		promotion.Stops{Holds: []promotion.Hold{hold}, Freezes: []promotion.Freeze{promotion.Freeze(hold)}}, nil,
		[]promotion.Throttle{{Forge: forge.GitHub, Until: w.now}})
	for _, words := range []string{
		begin, "GitHub's rate limit until " + w.now.Format("2006-01-02 15:04:05 UTC"), "| app | dev | staging | prod | gone |", "| checkout | `1.1.0` ✅ | `1.0.0` ✅ | `1.0.0` ✅ | – |",
		"### Differences from before Ferry", "/promote checkout staging brings it here", "### Freezes", "- ann froze prod: \\| &lt;b&gt;@\u200ball (/thaw prod lifts it), since 2026-03-02", "### Holds", "- ann holds prod: \\| &lt;b&gt;@\u200ball (/resume prod lifts it), since 2026-03-02", end,
	} {
		if !strings.Contains(body, words) {
			t.Errorf("the issue lacks %s:\n%s", words, body)
		}
	}
	if strings.HasPrefix(w.plan.View.Environments[0].Message, "waiting") || strings.Contains(body, "Who never reported") {
		t.Errorf("who has reported is said not to have:\n%s", body)
	}
}

// TestIssueNamesStopsThatCoverNothing: what somebody froze is not forgotten where its environment, its app or its group is called otherwise now.
func TestIssueNamesStopsThatCoverNothing(t *testing.T) {
	t.Parallel()
	views := []promotion.View{{App: "cart", Group: "shop", Environments: []promotion.EnvironmentView{{Name: "prod"}}}, {App: "off"}}
	stop := func(app, environment string, members ...string) promotion.Hold {
		return promotion.Hold{App: app, Environment: environment, Apps: members, Actor: "ann"}
	}
	for gone, h := range map[string]promotion.Hold{"": stop("", ""), " ": stop("cart", "prod"), "  ": stop("shop", ""), "   ": stop("fleet", "", "cart"),
		"old": stop("", "old"), "older": stop("cart", "older"), "off": stop("off", "prod"), "crew": stop("crew", "prod", "off")} {
		gone = strings.TrimSpace(gone)
		want := "covers nothing: there is no " + gone + " any more (`was: " + gone + "` on what that is called now carries it over)"
		for _, stops := range []promotion.Stops{{Holds: []promotion.Hold{h}}, {Freezes: []promotion.Freeze{promotion.Freeze(h)}}} {
			body := promotion.IssueBody([]string{"prod"}, views, stops, nil, nil)
			if strings.Contains(body, "covers nothing") != (gone != "") || gone != "" && !strings.Contains(body, want) {
				t.Errorf("%+v:\n%s", h, body)
			}
		}
	}
	blocked := promotion.Stops{Blocks: []promotion.Block{{App: "off", Image: promotion.Image{Tag: "1"}, Actor: "ann"}, {App: "cart", Environment: "old", Image: promotion.Image{Tag: "1"}, Actor: "ann"}}}
	if body := promotion.IssueBody([]string{"prod"}, views, blocked, nil, nil); strings.Count(body, "covers nothing") != 2 {
		t.Errorf("of blocks:\n%s", body)
	}
}

func TestIssueBodyFitsAndKeepsItsMarks(t *testing.T) {
	t.Parallel()
	var views []promotion.View
	for i := range 3000 {
		name := fmt.Sprintf("app-%d", i)
		views = append(views, promotion.View{App: name, Environments: []promotion.EnvironmentView{{Name: "dev", Release: release(strings.Repeat("v", 120)), Proposed: release("2"),
			Gates: []promotion.Gate{{Name: "upstream", State: promotion.GateWaiting, Reason: strings.Repeat("because ", 200)}}}}})
	}
	body := promotion.IssueBody([]string{"dev"}, views, promotion.Stops{}, nil, nil)
	if n := utf8.RuneCountInString(body); n > 65_536 || !strings.HasPrefix(body, begin) || !strings.HasSuffix(body, end) {
		t.Errorf("%d characters, ending in %q", n, body[len(body)-40:])
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	tests := []struct {
		name string
		view promotion.EnvironmentView
		want string
	}{
		{"runs, and nothing comes", promotion.EnvironmentView{Name: "prod", Release: release("1"), State: promotion.DeploymentConverged, ConvergedAt: at, Why: "nothing new upstream"},
			"**shop** in **prod**: `1` runs there since 2026-03-02 09:00:00 UTC. Nothing is on its way: nothing new upstream."},
		{"no manifest", promotion.EnvironmentView{Name: "prod"}, "**shop** in **prod**: no manifest there."},
		{"mixed", promotion.EnvironmentView{Name: "prod", Problem: "mixed: <b>"}, "**shop** in **prod**: mixed: &lt;b&gt;."},
		{"hostile message", promotion.EnvironmentView{Name: "prod", Release: release("`1`"), State: promotion.DeploymentDegraded, Message: "@all <b>"},
			"**shop** in **prod**: `1` is degraded: @\u200ball &lt;b&gt;."},
		{"open", promotion.EnvironmentView{Name: "prod", Release: release("1"), State: promotion.DeploymentPending, Proposed: release("2"), Number: 7},
			"**shop** in **prod**: `1` is pending. #7 brings `2`.\n- every gate is open: merging the pull request releases it"},
		{"waiting", promotion.EnvironmentView{Name: "prod", Release: release("1"), State: promotion.DeploymentPending, Proposed: release("2"), Gates: []promotion.Gate{{Name: "soak", State: promotion.GateWaiting, Reason: "1h"}}},
			"**shop** in **prod**: `1` is pending. `2` is to come next.\n- soak is waiting: 1h"},
		{"held", promotion.EnvironmentView{Name: "prod", Release: release("1"), State: promotion.DeploymentPending, Held: "ann holds prod"},
			"**shop** in **prod**: `1` is pending.\n- ann holds prod"},
	}
	for _, test := range tests {
		if got := test.view.Explain("shop"); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestStatusesFit(t *testing.T) {
	t.Parallel()
	w := line(t)
	w.commit("dev", "1.1.0")
	w.report("dev", promotion.HealthFailed, func(r *promotion.Report) { r.Message = strings.Repeat("no\n", 500) })
	for _, c := range w.look().Contributions {
		s := promotion.Fold(c.Context, "https://ferry.example", map[string]promotion.Contribution{"checkout": c})
		if utf8.RuneCountInString(s.Description) > forge.MaxStatusDescription || strings.Contains(s.Description, "\n") || s.State != forge.Failure {
			t.Errorf("%+v", s)
		}
	}
}
