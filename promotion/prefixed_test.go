package promotion_test

import (
	"strings"
	"testing"

	"ferry/promotion"
)

// TestPrefixedNamesEveryCommand: where only /ferry WORD is obeyed, Ferry's own words name no command otherwise.
func TestPrefixedNamesEveryCommand(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"status", "hold", "resume", "freeze", "thaw", "block", "unblock", "promote", "retry", "help"} {
		if len(promotion.ParseCommands("/"+name+" x", "")) != 1 {
			t.Errorf("/%s is no command", name)
		}
		text := "lift it with `/" + name + " prod`"
		if got := promotion.Prefixed("ferry", text); got != strings.Replace(text, "/"+name, "/ferry "+name, 1) || promotion.Prefixed("", text) != text {
			t.Errorf("%s became %s", text, got)
		}
	}
	for _, text := range []string{"see /etc/hosts", "a/hold", "/holding", "3/status"} {
		if got := promotion.Prefixed("ferry", text); got != text {
			t.Errorf("%s became %s", text, got)
		}
	}
}
