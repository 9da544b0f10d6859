package config

import (
	"fmt"
	"slices"
	"strings"
)

// Reference returns the reference of all keys that are acted on, as a Markdown table.
func Reference() string {
	var b strings.Builder
	b.WriteString("| key | where | type | default | effect |\n| --- | --- | --- | --- | --- |\n")
	for _, k := range sortedTable() {
		if k.counts() {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", k.name, where(k), cell(k.shape.words), cell(k.def), cell(k.effect))
		}
	}
	return b.String()
}

// LaterReference returns the keys that are known and not acted on, with the value each may have meanwhile, as a Markdown table.
func LaterReference() string {
	var b strings.Builder
	b.WriteString("| key | where | type | default | what it will do | accepted today |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, k := range sortedTable() {
		if !k.counts() {
			neutral := "nothing"
			switch {
			case k.state == acted:
				neutral = "" // a part of one that is not acted on
			case k.neutral != "":
				neutral = "`" + k.neutral + "`"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", k.name, where(k), cell(k.shape.words), cell(k.def), cell(k.effect), neutral)
		}
	}
	return b.String()
}

// counts says whether a key is acted on: itself, and the key under which its place stands.
func (k key) counts() bool {
	holder := map[place]string{atCheck: "checks", atFreeze: "freeze", atPolicy: "policy", atRole: "roles", atPullRequest: "pull_request"}[k.at[0]]
	if holder == "" {
		return k.state == acted
	}
	return keys[slices.IndexFunc(keys, func(other key) bool { return other.name == holder })].state == acted
}

// RuleReference returns every rule as a Markdown table.
func RuleReference() string {
	var b strings.Builder
	b.WriteString("| rule | severity | what is found | what to do |\n| --- | --- | --- | --- |\n")
	for _, r := range Rules() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.ID, r.Severity, cell(r.About), cell(r.Do))
	}
	return b.String()
}

// sortedTable returns the keys by where they first stand, in the order of the places.
func sortedTable() []key {
	all, order := slices.Clone(keys), places()
	slices.SortStableFunc(all, func(a, b key) int { return slices.Index(order, a.at[0]) - slices.Index(order, b.at[0]) })
	return all
}

// where words the places of a key.
func where(k key) string {
	words := make([]string, len(k.at))
	for i, at := range k.at {
		words[i] = string(at)
	}
	return strings.Join(words, ", ")
}

// cell returns a text as one cell of a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
