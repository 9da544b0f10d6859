package manifest

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"
)

// notText matches what a loader of YAML 1.1 or 1.2 may take for something other than a string when it stands without
// quotes (yaml.org/type and YAML 1.2.2, section 10.3), and what is near enough to it to be worth quotes: tools differ.
var notText = []*regexp.Regexp{
	regexp.MustCompile(`^(?i:~|null|true|false|yes|no|on|off|y|n|<<|=)$`),
	regexp.MustCompile(`^[-+]?[0-9_]*\.?[0-9_]*([eE][-+]?[0-9_]+)?$`),          // 1.10, 007, 1_0, 1e3, 7e00123, 1234567
	regexp.MustCompile(`^[-+]?0[xXoObB][0-9a-fA-F_]+$`),                        // 0x1F, 0o17, 0b11
	regexp.MustCompile(`^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$`),       // 1:30, to the base of 60
	regexp.MustCompile(`^[-+]?\.?(?i:inf|nan)$`),                               // .inf
	regexp.MustCompile(`^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ][0-9:.Zz+-]*)?$`), // 2024-01-02
}

// plainText matches what stands without quotes safely, in block and in flow style, as far as its letters go.
var plainText = regexp.MustCompile(`^[A-Za-z0-9_/]([A-Za-z0-9._/@+=~:-]*[A-Za-z0-9._/@+=~-])?$`)

func isPlainText(value string) bool { return plainText.MatchString(value) }

// needsQuotes tells whether value, written plain, would be read as something else, or could be taken for a number, boolean, date or null.
func needsQuotes(value string) bool {
	for _, form := range notText {
		if form.MatchString(value) {
			return true
		}
	}
	return !isPlainText(value)
}

// isNumber tells whether what stands at n without quotes is a number or a truth value to a loader of YAML 1.1 or 1.2, or in JSON.
func isNumber(n *yaml.Node) bool {
	const isText = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.TaggedStyle | blockScalar
	if n == nil || n.Kind != yaml.ScalarNode || n.Style&isText != 0 || n.Value == "" {
		return false
	}
	switch n.ShortTag() {
	case "!!int", "!!float", "!!bool":
		return true
	}
	return numeric.MatchString(n.Value)
}

// numeric matches the numbers and truth values of YAML 1.1 that are texts in 1.2.
var numeric = regexp.MustCompile(`^([-+]?[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?|[-+]?0[xXoObB][0-9a-fA-F_]+|(?i:yes|no|on|off))$`)

// escape writes a text between double quotes.
func escape(value string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value)
}

// keepsType tells whether a setting stays what it is without quotes: a number that a loader gives back as it was written, true or false.
func (c change) keepsType() bool {
	if !c.isSetting || c.scalar.Kind != yaml.ScalarNode {
		return false
	}
	switch c.scalar.ShortTag() {
	case "!!int":
		n, err := strconv.Atoi(c.value)
		return err == nil && strconv.Itoa(n) == c.value
	case "!!bool":
		return c.value == "true" || c.value == "false"
	}
	return false
}

// checkSetting refuses a value that cannot stand on one line.
func checkSetting(n *yaml.Node, s Setting) *Refusal {
	isControl := func(r rune) bool { return !unicode.IsGraphic(r) || r == unicode.ReplacementChar }
	switch {
	case strings.ContainsFunc(s.Value, isControl):
		return refuse(n, KindInvalid, "the value for %s has line breaks or characters that cannot be shown", s.Key)
	case isTemplated(text(n)) && text(n) != s.Value:
		return refuse(n, KindTemplated, "%q is a template; name the file it takes its values from", text(n))
	case n.Style&blockScalar != 0 && (s.Value == "" || strings.TrimSpace(s.Value) != s.Value):
		return refuse(n, KindNotScalar, "%s is a block of text; write it on one line", s.Key)
	}
	return nil
}
