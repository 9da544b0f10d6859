package promotion_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"ferry/promotion"
	"ferry/promotion/config"
)

// TestBodySaysWhereItHasRun: since when, for how long healthily, and what became of it; and time alone does not rewrite it.
func TestBodySaysWhereItHasRun(t *testing.T) {
	t.Parallel()
	w := line(t, func(_, prod *config.Environment) { prod.Soak = 24 * time.Hour })
	w.arrive("dev", "1.1.0")
	w.wait(time.Hour)
	w.merge("staging")
	w.report("staging", promotion.HealthHealthy)
	w.look()
	w.says("prod", "from **1.0.0** to **1.1.0**.", "### Where it has run",
		"- **dev** healthy since 2026-03-02 09:00:00 UTC\n- **staging** healthy since 2026-03-02 10:00:00 UTC\n",
		"| soak | waiting | 24h in staging, done at 2026-03-03 10:00:00 UTC |", "<details>\n<summary>Commands</summary>")
	before := w.wishes["prod"].Body
	w.wait(3 * time.Hour)
	w.look()
	if now := w.wishes["prod"].Body; now != before {
		t.Errorf("time alone rewrote it:\n%s\n%s", before, now)
	}
	w.report("staging", promotion.HealthDegraded)
	w.look()
	w.says("prod", "- **staging** since 2026-03-02 10:00:00 UTC, and is degraded now\n")
	w.report("staging", promotion.HealthHealthy)
	w.look()
	w.says("prod", "- **staging** since 2026-03-02 10:00:00 UTC, healthy again since it was degraded at 2026-03-02 13:00:00 UTC\n")
	w.wait(time.Hour)
	w.arrive("dev", "1.2.0")
	w.says("prod", "- **dev** until something else came, where it converged at 2026-03-02 09:00:00 UTC\n")
	w.says("staging", "- **dev** healthy since 2026-03-02 14:00:00 UTC\n")
}

// says fails unless the body of the pull request into the environment has the words, in this order.
func (w *world) says(env string, words ...string) {
	w.t.Helper()
	body := w.wishes[env].Body
	rest := body
	for _, one := range words {
		_, after, ok := strings.Cut(rest, one)
		if !ok {
			w.t.Fatalf("into %s the body lacks %q (in this order):\n%s", env, one, body)
		}
		rest = after
	}
}

// TestBodyListsEachImage: with digests, those that stay last, and not without end.
func TestBodyListsEachImage(t *testing.T) {
	t.Parallel()
	w := line(t)
	digest := "@sha256:" + strings.Repeat("0123456789abcdef", 4)
	w.commit("staging", "1.0.0"+digest)
	w.report("staging", promotion.HealthHealthy)
	w.arrive("dev", "1.1.0@sha256:"+strings.Repeat("fedcba9876543210", 4))
	w.says("staging", "| `ghcr.io/acme/checkout` | `1.0.0` `sha256:0123456789a…` | `1.1.0` `sha256:fedcba98765…` |")
}

// FuzzBody: whatever tags, people and agents say, the body keeps its marks, fits, and holds no markup, mention or reference but Ferry's own.
func FuzzBody(f *testing.F) {
	for _, s := range []string{"", "@all", "<!-- ferry:end -->", "</details><b>", "`` ` @ann", "[x](javascript:alert(1))", "fixes #12", "fixes acme/web#12 GH-7", "a|b\r\n| c |", "\u202e\u2028# h", "![i](http://x/y.png)", "$`x`$", "\\<img>", "&lt;", "https://github.com/a/b/issues/1"} {
		f.Add(s, s)
	}
	spans := regexp.MustCompile("`[^`\n]*`")
	own := strings.NewReplacer("<!-- ferry:begin -->", "", "<!-- ferry:end -->", "", "<details>\n<summary>Commands</summary>", "", "</details>", "")
	bad := regexp.MustCompile(`[<>]|@[^\x{200b}]|(^|[^\\])#[0-9]|(^|[^\\])[\[*_~$](?:[^*]|$)|\x{202e}|\x{2028}|\r|(?i)\bgh-[0-9]|/(issues|pull)/[0-9]`)
	f.Fuzz(func(t *testing.T, tag, words string) {
		w := line(t)
		w.arrive("dev", "1.1.0")
		w.s.Sources = []promotion.Announced{{Image: promotion.ParseImage(image + ":1.1.0"), Source: words, Commit: sha(77)}}
		w.env("staging").Intent = &promotion.Intent{Release: release("1.1.0"), Actor: words, At: w.now}
		w.env("staging").Holds = []promotion.Hold{{ID: 1, App: words, Actor: words, Reason: words}}
		w.env("staging").Current().Release = promotion.Release{{Name: image, Tag: tag, Digest: words}}
		w.env("dev").Reports[0].Message = words
		w.env("staging").Promotion.Superseded = []promotion.Release{{{Name: image, Tag: words}}}
		plan := promotion.MakePlan(w.s, w.now)
		body := ""
		for _, wish := range plan.Pulls {
			body += wish.Body
		}
		if body == "" {
			return // nothing newer than that tag
		}
		if strings.Count(body, begin) != 1 || strings.Count(body, end) != 1 || !strings.HasPrefix(body, begin) || !strings.HasSuffix(body, end) || utf8.RuneCountInString(body) > 50_000 {
			t.Fatalf("marks or length:\n%s", body)
		}
		text := strings.ReplaceAll(own.Replace(spans.ReplaceAllString(body, "")), "**", "")
		gates, _, _ := strings.Cut(text, "\n\n\n")
		if m := bad.FindString(strings.ReplaceAll(gates, "\n### ", "\n")); m != "" {
			t.Fatalf("%q in\n%s", m, body)
		}
	})
}

// TestBodyFits: a release of many images with long names, many gates with long reasons and everything superseded still is a body that a forge takes.
func TestBodyFits(t *testing.T) {
	t.Parallel()
	w := line(t)
	w.arrive("dev", "1.1.0")
	long := strings.Repeat("<&@#*_", 2000)
	for i := range 40 {
		w.env("staging").Holds = append(w.env("staging").Holds, promotion.Hold{ID: int64(i), Actor: long, Reason: long})
		w.env("staging").Blocks = append(w.env("staging").Blocks, promotion.Block{ID: int64(i), App: "other", Actor: long, Reason: long})
	}
	var many []promotion.Release
	for i := range 500 {
		many = append(many, release(fmt.Sprint(long, i)))
	}
	w.env("staging").Promotion.Superseded = many
	w.look()
	wish := w.wishes["staging"]
	if n := utf8.RuneCountInString(wish.Body); n > 50_000 || !strings.HasPrefix(wish.Body, begin) || !strings.HasSuffix(wish.Body, end) {
		t.Errorf("%d characters, ending in %q", n, wish.Body[max(0, len(wish.Body)-80):])
	}
	if n := utf8.RuneCountInString(promotion.MergeBody(strings.Repeat("x", 70_000), wish.Body)); n > 65_536 {
		t.Errorf("%d characters", n)
	}
}
