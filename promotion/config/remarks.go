package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"ferry/promotion/policy"
)

// remarks are what was noticed when the file was read, for a check of the whole.
type remarks struct {
	roles    []emptyRole
	compared []compared
}

// emptyRole is a role that names nobody.
type emptyRole struct {
	at      position
	command string
}

// compared is a fact that a policy compares with a text.
type compared struct {
	at position
	policy.Comparison
}

// remarks notes what the file says that can hardly be meant.
func (k *checker) remarks() {
	for _, r := range k.config.remarks.roles {
		k.add(ruleRoleForNobody, r.at, "nobody may give /%s: its role names no permission, no team and no user", r.command)
	}
	known := k.policyWords()
	for _, c := range k.config.remarks.compared {
		words, bounded := known[c.Fact]
		if !bounded || slices.Contains(words, c.Text) || k.used[c.at] {
			continue
		}
		k.used[c.at] = true // an alias repeats it
		message := fmt.Sprintf("%s is never %s", c.Fact, quoted(c.Text))
		if near, ok := meant(c.Text, words); ok {
			message += fmt.Sprintf("; did you mean %q?", near)
		} else if words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == "" }); len(words) > 0 {
			message += "; it is " + nameSome(words)
		}
		k.add(rulePolicyUnknown, c.at, "%s", message)
	}
}

// meant is Near, where two letters may have changed places too.
func meant(text string, words []string) (string, bool) {
	letters := func(s string) string { return string(slices.Sorted(slices.Values([]byte(strings.ToLower(s))))) }
	if i := slices.IndexFunc(words, func(w string) bool { return letters(w) == letters(text) }); i >= 0 {
		return words[i], true
	}
	return Near(text, words)
}

// nameSome names the first of many words.
func nameSome(words []string) string {
	if len(words) > 2*maxNamed {
		return strings.Join(words[:2*maxNamed], ", ") + fmt.Sprintf(" or one of %d more", len(words)-2*maxNamed)
	}
	return strings.Join(words, ", ")
}

// policyWords returns what each fact may be of which that is known.
func (k *checker) policyWords() map[string][]string {
	var environments, clusters []string
	for _, e := range k.config.Environments {
		environments, clusters = append(environments, e.Name), append(clusters, e.Clusters...)
	}
	apps := slices.Sorted(maps.Keys(k.files))
	groups := []string{""}
	for _, app := range append(apps, k.config.NamedApps()...) {
		if a, ok := k.config.App(app); ok && !slices.Contains(groups, a.Group) {
			groups = append(groups, a.Group)
		}
	}
	apps = append(apps, k.config.NamedApps()...)
	slices.Sort(apps)
	slices.Sort(clusters)
	return map[string][]string{
		"environment.name": environments, "upstream.environment": environments, "environment.clusters": slices.Compact(clusters),
		"app.name": slices.Compact(apps), "app.group": groups, "change": policy.Changes(), "intent": policy.Intents(),
	}
}
