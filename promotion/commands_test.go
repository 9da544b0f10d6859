package promotion_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

const ferryYAML = `apiVersion: ferry/v1
environments:
  - name: dev
  - name: staging
    from: [dev]
  - name: prod
    from: [staging]
apps:
  - name: checkout
    images: [ghcr.io/acme/checkout]
    manifests: ["apps/checkout/{env}/kustomization.yaml"]
  - name: cart
    images: [ghcr.io/acme/cart]
    manifests: ["apps/cart/{env}/kustomization.yaml"]
`

func TestParseCommands(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, want string }{
		{"nothing", "Looks good to me", ""},
		{"one", "/hold", "hold"},
		{"with words", "/hold checkout prod  because of  the audit", "hold checkout prod because of the audit"},
		{"in capitals", "/HOLD Prod", "hold Prod"},
		{"prefixed", "/ferry hold prod", "hold prod"},
		{"prefixed, twice a stroke", "/Ferry /hold", "hold"},
		{"the prefix alone", "/ferry", "help"},
		{"a ferryboat", "/ferryboat now", ""},
		{"CRLF", "first\r\n/hold prod\r\nlast\r\n", "hold prod"},
		{"several", "/hold prod\ntext\n/status\n/retry", "hold prod|status|retry"},
		{"a bit indented", "   /hold", "hold"},
		{"not first", "please /hold", ""},
		{"a path", "/etc/passwd is\n/home/ann\n/hold/on", ""},
		{"another bot's", "/lgtm\n/assign @bob", ""},
		{"unknown with the prefix", "/ferry hodl", "hodl"},
		{"known and later", "/drop checkout", "drop checkout"},
		{"quoted", "> /hold\n>> /hold\n  > /hold", ""},
		{"in a list", "- /hold\n* /hold\n1. /hold", ""},
		{"indented code", "text\n\n    /hold\n\t/hold", ""},
		{"fenced", "```\n/hold\n```\n/status", "status"},
		{"fenced with a language", "```sh\n/hold\n```", ""},
		{"fenced with tildes", "~~~\n/hold\n```\n/hold\n~~~\n/status", "status"},
		{"a longer fence", "````\n```\n/hold\n```\n/hold\n````\n/status", "status"},
		{"an opening inside a fence does not close it", "```\n```go\n/hold\n```\n/status", "status"},
		{"a fence that is never closed", "```\n/hold", ""},
		{"code in one line is no fence", "```inline```\n/hold", "hold"},
		{"a HTML comment", "<!-- /hold -->\n/status", "status"},
		{"a HTML comment over lines", "<!--\n/hold\n-->\n/status", "status"},
		{"a HTML comment that is never closed", "<!--\n/hold", ""},
		{"a HTML comment's mark inside a line", "I wrote <!-- there\n/hold", "hold"},
		{"a HTML comment's mark in a fence", "```\n<!--\n```\n/hold\n```\n-->\n```", "hold"},
		{"a fence's mark in a HTML comment", "<!--\n```\n-->\n/hold", "hold"},
		{"after a HTML comment in a line", "please <!-- x --> /hold", ""},
		{"around a HTML comment over lines", "please <!--\n--> /hold", ""},
		{"an end before the beginning", "--> <!-- a\n/hold", "hold"},
		{"too many", strings.Repeat("/status\n", 50), strings.TrimSuffix(strings.Repeat("status|", 10), "|")},
		{"no-break space", "/hold\u00a0prod", "hold prod"},
		{"a full stop", "/hold.", "hold"},
		{"a comma", "/hold, please", "hold please"},
		{"a question", "/approve?", ""},
		{"nearly a command", "/rollbak staging\n/frezze staging because\n/aprove\n/hodl", "rollbak staging|frezze staging because|aprove|hodl"},
		{"the opposite of a command", "/unfreeze prod\n/unhold\n/unapprove", "unfreeze prod|unhold"},
		{"too short to be nearly one", "/hol\n/dro", ""},
		{"other bots'", "/retest\n/lgtm\n/assign @bob\n/unassign\n/test all\n/close\n/reopen\n/label x\n/kind bug\n/area ci\n/cc @bob\n/milestone v1\n/rebase\n/merge\n/remove\n/retitle x\n/rerun\n/restart\n/recheck\n/lock\n/unlock\n/backport\n/deploy\n/build\n/run\n/plan\n/apply\n/azp run\n/shrug\n/sig x\n/triage accepted\n/priority high\n/lifecycle stale\n/title x\n/draft\n/ready\n/done\n/todo\n/due\n/move\n/clone\n/relate x\n/review\n/verify\n/format\n/preview\n/sync\n/diff\n/check\n/meow\n/woof\n/joke\n/skip\n/stop\n/start", ""},
		{"preformatted", "<pre>\n/hold\n</pre>\n/status", "status"},
		{"preformatted, with an attribute", "<PRE lang=\"sh\">\n\n/hold\n</PRE>\n/status", "status"},
		{"preformatted, never closed", "<pre>\n/hold", ""},
		{"preformatted inside a line", "say <pre>\n/hold\n</pre>\n/status", "status"},
		{"preformatted in one line", "say <pre>this</pre>\n/hold", "hold"},
		{"code over lines", "<code>\n/hold\n</code>\n/status", "status"},
		{"a tag that is only named", "I wrote <code> there, and `<pre>`\n/hold", "hold"},
		{"a tag in a quote", "> <pre>\n\n/hold", "hold"},
		{"quoted by a tag", "<blockquote>\n/hold\n</blockquote>\n/status", "status"},
		{"quoted by a tag, with empty lines", "<blockquote>\n\n/hold\n\n</blockquote>\n\n/status", "status"},
		{"quoted by a tag within a line", "she wrote <blockquote>\n/hold\n</blockquote> and I\n/status", "status"},
		{"quoted by tags in tags", "<blockquote><blockquote>\n\n/hold\n</blockquote>\n\n/freeze prod x\n\n</blockquote>\n\n/status", "status"},
		{"quoted by a tag that nothing closes", "<blockquote>\n\n/hold", ""},
		{"code over lines with empty ones", "<code>\n\n/hold\n\n</code>\n\n/status", "status"},
		{"a table's code", "<table><tr><td><pre>\n/hold\n\n/hold\n</pre></td></tr></table>\n\n/status", "status"},
		{"a code span over lines", "we say `please\n/hold\nnow` and\n/status", "status"},
		{"a code span of two strokes over lines", "we say ``a ` b\n/hold\n`` and\n/status", "status"},
		{"a stroke that is escaped", "it costs \\`so\n/hold\n`", "hold"},
		{"a stroke that nothing closes", "it's `here\n/hold", "hold"},
		{"a tag over lines", "see <a\nhref=\"x\"\n> there\n/status", "status"},
		{"a comment's tag", "<!-- <pre> -->\n/hold", "hold"},
		{"folded", "<details><summary>more</summary>\n\n/hold\n\n</details>", "hold"},
		{"folded without empty lines", "<details>\n/hold\n</details>", "hold"},
		{"a fence in a list", "- so\n  ```\n  /hold\n  ```\n\n/status", "status"},
		{"right behind a quote, or a list", "> he said\n/hold\n\n- so\n/status", "hold|status"},
		{"under a line of text", "so\n/hold\n---\n/status", "hold|status"},
	}
	for _, test := range tests {
		var got []string
		for _, c := range promotion.ParseCommands(test.body, "") {
			got = append(got, strings.Join(append([]string{c.Name}, c.Words...), " "))
		}
		if strings.Join(got, "|") != test.want {
			t.Errorf("%s: %q, want %q", test.name, strings.Join(got, "|"), test.want)
		}
	}
}

// TestManyCommandsAndWords: what is left out of a comment is said, an approval has no other words, and none goes with a /drop of the same comment.
func TestManyCommandsAndWords(t *testing.T) {
	t.Parallel()
	body := strings.Repeat("/status cart dev\n", 9) + "/hold prod\n/hold staging money\n/freeze dev x"
	out := tried(t, body, false, "Not done, for one comment has at most 10 commands: `/hold staging money`; `/freeze dev x`. Say the rest in another one.", func(s *promotion.CommandScene) { s.Left = promotion.CommandsLeft(body, "") })
	if len(out.Holds) != 1 || len(out.Freezes) != 0 {
		t.Errorf("%+v", out)
	}
	for said, words := range map[string]string{
		"/rollbak staging": "`/rollbak` is not a command of Ferry's. Did you mean `/rollback`?", "/frezze staging because": "Did you mean `/freeze`?",
		"/aprove": "Did you mean `/approve`?", "/hodl": "Did you mean `/hold`?", "/unfreeze prod": "Did you mean `/thaw`?",
		"/approve nothere": "Nothing was approved: `nothere` is no app", "/approve once CI is green": "Nothing was approved", "/approve staging prod": "`prod` is another one",
	} {
		if out := tried(t, said, false, words, bound); len(out.Approvals) > 0 {
			t.Errorf("%s: %+v", said, out)
		}
	}
	tried(t, "/approve checkout staging", true, "Approved", bound)
	for _, said := range []string{"/drop cart\n/approve", "/approve\n/drop cart"} {
		out := tried(t, said, false, "`/approve` is void: `/drop` in the same comment changes what #7 shows.", bound, func(s *promotion.CommandScene) {
			s.App, s.Views[0].Group, s.Views[1].Group = "shop", "shop", "shop"
		})
		if len(out.Approvals) > 0 {
			t.Errorf("%s: %+v", said, out)
		}
	}
}

// TestCommentsThatMeanHarm: what takes long to read elsewhere does not here, also where it is far longer than a forge takes.
func TestCommentsThatMeanHarm(t *testing.T) {
	t.Parallel()
	for _, part := range []string{"> ", "- 1. ", "> - ", "[a](", "![[]()", "*a_ ", "`a``b", "<!--", "<pre>", "x <a ", "</pre>"} {
		began := time.Now()
		if got := promotion.ParseCommands("/status\n\n"+strings.Repeat(part, 400_000/len(part)), ""); len(got) != 1 {
			t.Errorf("%q many times: %+v", part, got)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%q many times takes %s", part, took)
		}
	}
}

func FuzzParseCommands(f *testing.F) {
	for _, seed := range []string{"/hold prod for 2h", "> /hold\n```\n/status\n```", "<!-- x --> /ferry /retry\r\n", "~~~\n<!--\n~~~", "--><!--/hold", "<blockquote>\n\n`/hold\n/status`\n</blockquote>", "<div>\n/hold\n<pre>\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		commands := promotion.ParseCommands(body, "")
		if len(commands) > 10 {
			t.Fatalf("%d commands", len(commands))
		}
		for _, c := range commands {
			if c.Name == "" || strings.ToLower(c.Name) != c.Name || strings.Trim(c.Name, "abcdefghijklmnopqrstuvwxyz") != "" {
				t.Fatalf("%q is no name of a command", c.Name)
			}
			if !strings.Contains(strings.ToLower(body), c.Name) && c.Name != "help" {
				t.Fatalf("nobody said %q", c.Name)
			}
		}
		quoted := "> " + strings.ReplaceAll(strings.NewReplacer("<!--", "", "-->", "").Replace(body), "\n", "\n> ")
		if got := promotion.ParseCommands(quoted, ""); len(got) != 0 {
			t.Fatalf("%+v is obeyed out of a quote", got)
		}
		fence := strings.Repeat("~", len(body)+3)
		if got := promotion.ParseCommands(fence+"\n"+body+"\n"+fence, ""); len(got) != 0 {
			t.Fatalf("%+v is obeyed out of code", got)
		}
	})
}

// scene is the issue of a repository with two apps: checkout has 1.1.0 in dev and 1.0.0 behind it, cart stands at 3.0.0 everywhere.
func scene(t *testing.T) promotion.CommandScene {
	t.Helper()
	c, err := config.Parse(config.File, []byte(ferryYAML))
	if err != nil {
		t.Fatal(err)
	}
	cell := func(name, tag string) promotion.EnvironmentView {
		return promotion.EnvironmentView{Name: name, Release: release(tag), State: promotion.DeploymentConverged}
	}
	return promotion.CommandScene{Config: c, Login: "ann", Permission: forge.PermissionWrite, Now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC),
		Views: []promotion.View{
			{App: "cart", Environments: []promotion.EnvironmentView{cell("dev", "3.0.0"), cell("staging", "3.0.0"), cell("prod", "3.0.0")}},
			{App: "checkout", Environments: []promotion.EnvironmentView{cell("dev", "1.1.0"), cell("staging", "1.0.0"), cell("prod", "1.0.0")}},
		}}
}

func onPull(s *promotion.CommandScene) { s.App, s.Environment = "checkout", "staging" }

func execute(t *testing.T, body string, change ...func(*promotion.CommandScene)) promotion.Outcome {
	t.Helper()
	s := scene(t)
	for _, c := range change {
		c(&s)
	}
	return promotion.Execute(promotion.ParseCommands(body, ""), s)
}

func wantAnswer(t *testing.T, out promotion.Outcome, reaction forge.Reaction, words string) {
	t.Helper()
	if out.Reaction != reaction || !strings.Contains(out.Answer, words) {
		t.Errorf("%s: %q, want %s: …%s…", out.Reaction, out.Answer, reaction, words)
	}
}

// tried executes a comment on the scene after all changes that are not nil. It fails unless the answer has those words, and is a refusal where it is not
// allowed.
func tried(t *testing.T, body string, allowed bool, words string, changes ...func(*promotion.CommandScene)) promotion.Outcome {
	t.Helper()
	out := execute(t, body, slices.DeleteFunc(changes, func(c func(*promotion.CommandScene)) bool { return c == nil })...)
	reaction := forge.ReactionRefused
	if allowed {
		reaction = forge.ReactionDone
	}
	wantAnswer(t, out, reaction, words)
	return out
}

func TestHoldCommand(t *testing.T) {
	t.Parallel()
	tests := []struct {
		body             string
		pull             bool
		app, environment string
		reason           string
		length           time.Duration
		answer           string
	}{
		{"/hold checkout", false, "checkout", "", "", 0, "Held: ann holds checkout (/resume checkout lifts it)."},
		{"/hold prod", false, "", "prod", "", 0, "ann holds prod"},
		{"/hold prod checkout audit", false, "checkout", "prod", "audit", 0, "ann holds checkout in prod: audit"},
		{"/hold `checkout`, to prod", false, "checkout", "prod", "", 0, ""},
		{"/hold all", false, "", "", "", 0, "ann holds everything"},
		{"/hold all prod", false, "", "prod", "", 0, "ann holds prod"},
		{"/hold prod for 2h", false, "", "prod", "", 2 * time.Hour, "until 2026-03-02 11:00:00 UTC"},
		{"/hold prod the audit for 3d", false, "", "prod", "the audit", 72 * time.Hour, ""},
		{"/hold prod FOR 2H the audit", false, "", "prod", "the audit", 2 * time.Hour, ""},
		{"/hold prod waiting for bob", false, "", "prod", "waiting for bob", 0, ""},
		{"/hold prod good for 2h of work", false, "", "prod", "good for 2h of work", 0, ""},
		{"/hold", true, "checkout", "staging", "", 0, ""},
		{"/hold for 2h prod money", true, "", "prod", "money", 2 * time.Hour, ""},
		{"/hold prod everything is broken", true, "", "prod", "everything is broken", 0, ""},
		{"/hold for 30m", true, "checkout", "staging", "", 30 * time.Minute, ""},
	}
	for _, test := range tests {
		var where []func(*promotion.CommandScene)
		if test.pull {
			where = append(where, onPull)
		}
		out := execute(t, test.body, where...)
		want := promotion.Hold{App: test.app, Environment: test.environment, Reason: test.reason, Actor: "ann", At: scene(t).Now}
		if test.length > 0 {
			want.Until = want.At.Add(test.length)
		}
		if len(out.Holds) != 1 || !reflect.DeepEqual(out.Holds[0], want) {
			t.Errorf("%s: %+v, want %+v (%s)", test.body, out.Holds, want, out.Answer)
		}
		wantAnswer(t, out, forge.ReactionDone, test.answer)
	}
}

func TestRefusedCommands(t *testing.T) {
	t.Parallel()
	reader := func(s *promotion.CommandScene) { s.Permission = forge.PermissionTriage }
	tests := []struct {
		body   string
		change func(*promotion.CommandScene)
		words  string
	}{
		{"/hold", nil, "Name an app (`cart`, `checkout`) or an environment (`dev`, `staging`, `prod`), or `all`."},
		{"/hold the whole thing", nil, "`/hold` what?"},
		{"/hold prod for 2", nil, "`2`: that is not a duration"},
		{"/hold prod for 9999999d", nil, "not a duration"},
		{"/hold prod for 0h", nil, "not a duration"},
		{"/promote", nil, "`/promote` what?"},
		{"/promote 1.1.0", nil, "Nothing was done: `/promote` takes no release. `/promote cart` promotes what stands upstream; `/hotfix ENVIRONMENT 1.1.0 REASON` brings just that release, wherever it comes from, and `/rollback ENVIRONMENT to 1.1.0` one that stood there before."},
		{"/promote checkout ghcr.io/acme/checkout:1.1.0", nil, "`/hotfix ENVIRONMENT ghcr.io/acme/checkout:1.1.0 REASON`"},
		{"/retry 1.1.0", nil, "`1.1.0` is no app and no environment here, and `/retry` takes no release."},
		{"/promote checkuot", nil, "`checkuot` is no app and no environment here. Did you mean `checkout`?"},
		{"/retry", nil, "`/retry` what?"},
		{"/status @everyone", nil, "`@everyone` is no app"},
		{"/resume", func(s *promotion.CommandScene) { s.Holds = make([]promotion.Hold, 2) }, "`/resume` what?"},
		{"/ferry hodl prod", nil, "`/hodl` is not a command of Ferry's. Did you mean `/hold`?"},
		{"/drop checkout", nil, "`checkout` goes alone: close its pull request, or say `/hold checkout`."},
		{"/drop", nil, "`/drop` which app?"},
		{"/hold prod", reader, "@ann, you may not `/hold`: it needs write permission in this repository, and you have triage."},
		{"/resume all", reader, "you may not `/resume`"},
		{"/promote all", reader, "you may not `/promote`"},
		{"/retry all", reader, "you may not `/retry`"},
		{"/status", func(s *promotion.CommandScene) { s.Permission = forge.PermissionNone }, "you may not `/status`"},
	}
	for _, test := range tests {
		change := test.change
		if change == nil {
			change = func(*promotion.CommandScene) {}
		}
		out := execute(t, test.body, change)
		wantAnswer(t, out, forge.ReactionRefused, test.words)
		if out.Decides() || len(out.Retry) != 0 {
			t.Errorf("%s: refused, and yet %+v", test.body, out)
		}
	}
}

func TestReadersMayAsk(t *testing.T) {
	t.Parallel()
	reader := func(s *promotion.CommandScene) { s.Permission = forge.PermissionRead }
	wantAnswer(t, execute(t, "/status checkout prod", reader), forge.ReactionDone, "**checkout** in **prod**: `1.0.0` runs there")
	wantAnswer(t, execute(t, "/status prod checkout", reader), forge.ReactionDone, "**checkout** in **prod**")
	wantAnswer(t, execute(t, "/status", reader, onPull), forge.ReactionDone, "**checkout** in **staging**")
	help := execute(t, "/help", reader)
	for _, name := range []string{"status", "hold", "resume", "freeze", "thaw", "block", "unblock", "promote", "retry", "help"} {
		wantAnswer(t, help, forge.ReactionDone, "| `/"+name)
	}
	if out := execute(t, "/status", reader); strings.Count(out.Answer, " in **") != 6 {
		t.Errorf("not all of it: %s", out.Answer)
	}
}

func TestOneRefusalAmongSeveral(t *testing.T) {
	t.Parallel()
	out := execute(t, "/hold prod\n/promote nothing-like-it\n/retry cart prod")
	wantAnswer(t, out, forge.ReactionRefused, "Held: ann holds prod")
	wantAnswer(t, out, forge.ReactionRefused, "is no app")
	if len(out.Holds) != 1 || !reflect.DeepEqual(out.Retry, [][2]string{{"cart", "prod"}}) {
		t.Errorf("%+v", out)
	}
}

func TestResumeCommand(t *testing.T) {
	t.Parallel()
	holds := []promotion.Hold{{ID: 1, Actor: "bob"}, {ID: 2, App: "checkout", Actor: "bob"}, {ID: 3, Environment: "prod", Actor: "bob"},
		{ID: 4, App: "checkout", Environment: "prod", Actor: "bob"}, {ID: 5, App: "cart", Environment: "staging", Actor: "bob"}}
	tests := []struct {
		body  string
		on    []int64
		pull  bool
		want  []int64
		words string
	}{
		{"/resume all", nil, false, []int64{1, 2, 3, 4, 5}, "Lifted: the hold of bob on everything."},
		{"/resume checkout", nil, false, []int64{2, 4}, "Held still: bob holds everything (/resume all lifts it); bob holds prod (/resume prod lifts it)."},
		{"/resume prod", nil, false, []int64{3, 4}, "Held still"},
		{"/resume prod checkout", nil, false, []int64{4}, "Held still"},
		{"/resume dev", []int64{3}, false, nil, "Nobody holds that."},
		{"/resume", []int64{3}, false, []int64{3}, "Lifted: the hold of bob on prod."},
		{"/resume", []int64{2, 5}, true, nil, "Held still: bob holds checkout (/resume checkout lifts it)."},
		{"/resume checkout\n/resume checkout", []int64{2}, false, []int64{2}, "Nobody holds that."},
	}
	for _, test := range tests {
		out := execute(t, test.body, func(s *promotion.CommandScene) {
			for _, h := range holds {
				if test.on == nil || strings.Contains(fmt.Sprint(test.on), fmt.Sprint(h.ID)) {
					s.Holds = append(s.Holds, h)
				}
			}
			if test.pull {
				onPull(s)
			}
		})
		if !reflect.DeepEqual(out.Resumed, test.want) {
			t.Errorf("%s lifts %v, want %v: %s", test.body, out.Resumed, test.want, out.Answer)
		}
		wantAnswer(t, out, forge.ReactionDone, test.words)
	}
}

func TestPromoteCommand(t *testing.T) {
	t.Parallel()
	tests := []struct {
		body   string
		pull   bool
		change func(*promotion.CommandScene)
		want   string // app/environment=version
		words  string
	}{
		{"/promote checkout", false, nil, "checkout/staging=1.1.0", "`checkout` goes to `1.1.0` in `staging`"},
		{"/promote all", false, nil, "checkout/staging=1.1.0", ""},
		{"/promote checkout to staging", false, nil, "checkout/staging=1.1.0", ""},
		{"/promote staging checkout", false, nil, "checkout/staging=1.1.0", ""},
		{"/promote", true, nil, "checkout/staging=1.1.0", ""},
		{"/promote checkout prod", false, nil, "", "nothing to promote"},
		{"/promote cart", false, nil, "", "nothing to promote"},
		{"/promote cart", true, nil, "", "nothing to promote"},
		{"/promote checkout dev", false, nil, "", "nothing to promote"},
		{"/promote checkout", false, func(s *promotion.CommandScene) { s.Views[1].Environments[0].Problem = "mixed" }, "", "nothing to promote"},
		{"/promote checkout", false, func(s *promotion.CommandScene) { s.Views[1].Environments[1].Release = nil }, "", "nothing to promote"},
		{"/promote checkout prod", false, func(s *promotion.CommandScene) {
			s.Views[1].Environments[2].Problem, s.Views[1].Environments[2].Release = "mixed", nil
		}, "checkout/prod=1.0.0", ""},
	}
	for _, test := range tests {
		out := execute(t, test.body, func(s *promotion.CommandScene) {
			if test.pull {
				onPull(s)
			}
			if test.change != nil {
				test.change(s)
			}
		})
		var got []string
		for app, intents := range out.Intents {
			for environment, i := range intents {
				got = append(got, app+"/"+environment+"="+i.Release.Version())
				if i.Actor != "ann" || !i.At.Equal(scene(t).Now) {
					t.Errorf("%s: %+v", test.body, i)
				}
			}
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: %v, want %s (%s)", test.body, got, test.want, out.Answer)
		}
		wantAnswer(t, out, forge.ReactionDone, test.words)
	}
}

func TestRetryCommand(t *testing.T) {
	t.Parallel()
	tests := []struct {
		body string
		pull bool
		want int
	}{{"/retry checkout", false, 3}, {"/retry all", false, 6}, {"/retry all prod", false, 2}, {"/retry", true, 1}, {"/retry prod", true, 1}, {"/retry cart staging", true, 1}}
	for _, test := range tests {
		var where []func(*promotion.CommandScene)
		if test.pull {
			where = append(where, onPull)
		}
		if out := execute(t, test.body, where...); len(out.Retry) != test.want {
			t.Errorf("%s: %v, want %d", test.body, out.Retry, test.want)
		}
	}
}

// Commands of one comment are carried out in order, and each sees the one before.
func TestCommandsSeeTheOnesBefore(t *testing.T) {
	t.Parallel()
	held := promotion.Execute(promotion.ParseCommands("/hold prod freeze\n/status checkout prod\n/resume prod", ""), scene(t))
	if len(held.Holds) != 0 || len(held.Resumed) != 0 || !strings.Contains(held.Answer, "Lifted: the hold of ann on prod") || !strings.Contains(held.Answer, "freeze") {
		t.Errorf("a hold and its end: %+v", held)
	}
	refused := promotion.Execute(promotion.ParseCommands("/hold prod for -1h", ""), scene(t))
	if len(refused.Holds) != 0 || refused.Reaction != forge.ReactionRefused {
		t.Errorf("a hold that ends before it begins: %+v", refused)
	}
}
