package sandbox

import (
	"strings"
	"testing"
)

// It has no door of its own, and the pages would hide most of what may go wrong.
func TestMarkdown(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ in, want string }{
		"heading":          {"## Gates `x`", "<h2>Gates <code>x</code></h2>\n"},
		"paragraph":        {"one\ntwo\n\nthree", "<p>one<br>\ntwo</p>\n<p>three</p>\n"},
		"tags":             {"<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"},
		"hidden":           {"a<!-- ferry:\nbegin -->b", "<p>ab</p>\n"},
		"emphasis":         {"**a** and _b_ and ~~c~~ not snake_case_name or 2 * 3 * 4", "<p><strong>a</strong> and <em>b</em> and <del>c</del> not snake_case_name or 2 * 3 * 4</p>\n"},
		"code with a fan":  {"`a*b*<c>`", "<p><code>a*b*&lt;c&gt;</code></p>\n"},
		"open code":        {"`a and b", "<p>`a and b</p>\n"},
		"link":             {"[a **b**](https://example.com/?a=1&b=2)", `<p><a href="https://example.com/?a=1&amp;b=2" rel="noreferrer">a <strong>b</strong></a></p>` + "\n"},
		"script link":      {"[a](javascript:alert(1))", "<p>[a](javascript:alert(1))</p>\n"},
		"other host":       {`[a](//evil.example) [b](/\evil.example)`, `<p>[a](//evil.example) [b](/\evil.example)</p>` + "\n"},
		"link with quotes": {`[a](https://x"onclick="y)`, `<p><a href="https://x&#34;onclick=&#34;y" rel="noreferrer">a</a></p>` + "\n"},
		"bare link":        {"see https://example.com/a.", `<p>see <a href="https://example.com/a" rel="noreferrer">https://example.com/a</a>.</p>` + "\n"},
		"list":             {"- [x] a\n  more\n- b", "<ul>\n<li>☑ a more</li>\n<li>b</li>\n</ul>\n"},
		"numbers":          {"1. a\n2. b", "<ol>\n<li>a</li>\n<li>b</li>\n</ol>\n"},
		"quote":            {"> a\n> b", "<blockquote>a<br>\nb<br>\n</blockquote>\n"},
		"fence":            {"```yaml\na: <b>\n```\nc", "<pre><code>a: &lt;b&gt;\n</code></pre>\n<p>c</p>\n"},
		"open fence":       {"```\na", "<pre><code>a\n</code></pre>\n"},
		"table":            {"|a|b|\n|-|:-:|\n|1|2\\|3|", "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>2|3</td></tr></tbody></table>\n"},
		"fold":             {"<details>\n<summary>more & more</summary>\n\ntext", "<details>\n<summary>more &amp; more</summary>\n<p>text</p>\n</details>\n"},
		"end of no fold":   {"</details>", "<p>&lt;/details&gt;</p>\n"},
		"rule":             {"a\n\n---\n\nb", "<p>a</p>\n<hr>\n<p>b</p>\n"},
		"escaped":          {`\*a\*`, "<p>*a*</p>\n"},
		"nothing":          {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := string(markdown(test.in)); got != test.want {
				t.Errorf("markdown(%q) =\n%s\nwant\n%s", test.in, got, test.want)
			}
		})
	}
}

func FuzzMarkdown(f *testing.F) {
	for _, s := range []string{"# a", "|a|\n|-|\n", "**a", "`", "[a](b)", "<details>", "- a\n  b", "*_~`[\\"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		html := strings.ToLower(string(markdown(s)))
		for _, bad := range []string{"<script", "<img", "javascript:\"", " onclick=\""} {
			if strings.Contains(html, bad) {
				t.Errorf("markdown(%q) contains %q", s, bad)
			}
		}
	})
}
