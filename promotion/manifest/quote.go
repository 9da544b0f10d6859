package manifest

import "regexp"

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

// needsQuotes tells whether value, written plain, could be read as a number, boolean, date or null.
func needsQuotes(value string) bool {
	for _, form := range notText {
		if form.MatchString(value) {
			return true
		}
	}
	return false
}
