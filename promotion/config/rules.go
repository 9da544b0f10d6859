package config

import "slices"

// Severity says whether a finding keeps a configuration from being used.
type Severity string

// An error keeps the configuration, or what it says about an app, from being used; a warning does not.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
)

// Finding is one thing that is wrong, or looks wrong, with a configuration. Line and Column count from 1, Column in characters.
type Finding struct {
	File     string
	Line     int
	Column   int
	Severity Severity
	Rule     string // the id of one of Rules
	Message  string // what is wrong, and where it is not obvious why
	Do       string // what to do about it
}

// Rule is one thing that is looked for.
type Rule struct {
	ID       string
	Severity Severity
	About    string // one sentence
	Do       string // one sentence
	// InSchema says that an editor with the JSON Schema finds it too.
	InSchema bool
}

// The ids of the rules. They are stable: people name them in their CI.
const (
	ruleNotReadable     = "not-readable"
	ruleUnknownKey      = "unknown-key"
	ruleMergeKey        = "merge-key"
	ruleDuplicateKey    = "duplicate-key"
	ruleMissingKey      = "missing-key"
	ruleInvalidValue    = "invalid-value"
	ruleInvalidName     = "invalid-name"
	ruleInvalidPattern  = "invalid-pattern"
	ruleInvalidKeys     = "invalid-keys"
	rulePlaceholder     = "invalid-placeholder"
	ruleInvalidSchedule = "invalid-schedule"
	ruleInvalidZone     = "invalid-time-zone"
	ruleInvalidPolicy   = "invalid-policy"
	ruleLimit           = "over-limit"
	ruleNotActedOn      = "not-acted-on"
	ruleReserved        = "reserved-key"
	ruleUseless         = "useless-setting"
	ruleLooser          = "looser-in-include"
	ruleDuplicate       = "stated-twice"
	ruleDuplicateName   = "duplicate-name"
	ruleUnknownEnv      = "unknown-environment"
	ruleCircle          = "promotion-circle"
	ruleIncomplete      = "incomplete-app"
	ruleUnclearImage    = "unclear-image"

	ruleNoTeam           = "team-not-there"
	ruleUnconnected      = "environment-unconnected"
	ruleEmptyEnv         = "environment-without-manifests"
	ruleMergeNoEffect    = "merge-without-effect"
	ruleRollbackNoEffect = "rollback-without-effect"
	ruleRoleForNobody    = "role-for-nobody"
	rulePolicyUnknown    = "policy-compares-unknown"
	ruleEmptyApp         = "app-without-manifests"
	ruleNoMatch          = "pattern-matches-nothing"
	ruleNoImage          = "image-in-no-manifest"
	ruleOverlap          = "apps-overlap"
	ruleMisnamed         = "app-misnamed"
	ruleIncludeMissing   = "include-missing"
	ruleIncludeUnread    = "include-not-read"
)

// Rules returns every rule, those about the file alone first. The list is the caller's own.
func Rules() []Rule {
	return []Rule{
		{ruleNotReadable, SeverityError, "The file is not one UTF-8 YAML document within the limits.", "Mend the YAML at this place.", false},
		{ruleUnknownKey, SeverityError, "A key does not belong where it stands.", "Write the key that was meant, or remove it.", true},
		{ruleMergeKey, SeverityError, "A merge key (<<) stands in the file.", "Write the keys out, or use an alias for a whole value.", false},
		{ruleDuplicateKey, SeverityError, "A key stands twice in one mapping.", "Remove one of the two.", false},
		{ruleMissingKey, SeverityError, "A key that is needed is not there.", "Add the key.", true},
		{ruleInvalidValue, SeverityError, "A value is not what its key takes.", "Write a value of the type that the reference names.", true},
		{ruleInvalidName, SeverityError, "A name can't be that of an app, group, environment or cluster.", "Choose another name.", true},
		{ruleInvalidPattern, SeverityError, "A path or pattern can't be read, or leaves the repository.", "Write a path from the root of the repository.", false},
		{ruleInvalidKeys, SeverityError, "A key into a manifest can't be read.", `Write it dotted, a name with dots in quotes, lists as [0] or [name=web].`, false},
		{rulePlaceholder, SeverityError, "Something in braces is not filled in where it stands.", "Use one of the placeholders that the message names.", false},
		{ruleInvalidSchedule, SeverityError, "The schedule of a freeze can't be read, or never comes.", `Write five fields of cron, such as "0 16 * * FRI".`, false},
		{ruleInvalidZone, SeverityError, "A time zone is not known.", `Write a name of the IANA time zone database, such as "Europe/Helsinki".`, false},
		{ruleInvalidPolicy, SeverityError, "The expression of a policy can't be read, is neither true nor false, or may take too long.", "Correct it at this place; docs/policy.md lists the facts.", false},
		{ruleLimit, SeverityError, "There is more of something than is read.", "Use patterns or discover instead of listing.", false},
		{ruleNotActedOn, SeverityError, "A key is known to Ferry, but this version does not act on it yet.", "Remove it: a setting that is ignored promises what nobody keeps.", true},
		{ruleReserved, SeverityError, "A key is kept for a later version of Ferry.", "Remove it.", true},
		{ruleUseless, SeverityError, "A setting can't do anything where it stands.", "Put it where it counts, or remove it.", false},
		{ruleLooser, SeverityError, "An included file sets what it may not, or makes a rule looser.", "Set it in .ferry.yaml, or make it stricter.", false},
		{ruleDuplicate, SeverityError, "The same thing is listed twice.", "Remove one of the two.", false},
		{ruleDuplicateName, SeverityError, "Two of the apps, groups and environments have one name, or two environments one dir.", "Rename one of the two.", false},
		{ruleUnknownEnv, SeverityError, "An environment is named that is not listed.", "Write the name of one that is.", false},
		{ruleCircle, SeverityError, "Promotions would go in a circle.", "Take one environment out of one of the from.", false},
		{ruleIncomplete, SeverityError, "An app has no images or no manifests, and no discover entry gives it any.", "List its images and manifests.", false},
		{ruleUnclearImage, SeverityError, "Keys do not say which of the app's images they hold for.", "Name one of the app's images.", false},

		{ruleNoTeam, SeverityWarning, "A role names a team that the forge does not show to Ferry; nobody is let in by it.", "Write its slug as in its address at the forge, or let Ferry's App see it.", false},
		{ruleUnconnected, SeverityWarning, "An environment has no from, and nothing is promoted from it.", "Add from to it, or to the environment behind it.", false},
		{ruleEmptyEnv, SeverityWarning, "No app has a manifest in an environment.", "Check its dir against the folders of the repository.", false},
		{ruleMergeNoEffect, SeverityWarning, "merge: auto stands where the mode lets Ferry merge nothing.", "Set mode: release for it, or remove merge: auto.", false},
		{ruleRollbackNoEffect, SeverityWarning, "rollback: auto stands where the mode lets Ferry merge nothing.", "Set mode: release for it, or write rollback: pr.", false},
		{ruleRoleForNobody, SeverityWarning, "A role names no permission, no team and no user.", "Name who may give the command, unless nobody is to.", false},
		{rulePolicyUnknown, SeverityWarning, "A policy compares a fact with a text that the fact never is.", "Compare it with a value that there is.", false},
		{ruleEmptyApp, SeverityError, "A named app has no manifest in any environment.", "Check its manifests against the paths of the repository, or remove the app.", false},
		{ruleNoMatch, SeverityWarning, "A pattern matches no file of the repository.", "Check it against the paths of the repository, or remove it.", false},
		{ruleNoImage, SeverityError, "An image of an app stands in none of its manifests.", "Check the image's name, or give the keys where its tag stands.", false},
		{ruleOverlap, SeverityError, "Two apps claim the same file.", "Give each its own files, or its own keys in the file.", false},
		{ruleMisnamed, SeverityWarning, "discover finds a folder whose name can't be an app's.", `Rename it, or leave it out with "except".`, false},
		{ruleIncludeMissing, SeverityWarning, "include matches no file of the repository.", "Check it against the paths of the repository, or remove it.", false},
		{ruleIncludeUnread, SeverityError, "A file that include matches was not read.", "Check that it is a regular file within the limits.", false},
	}
}

// ruleOf returns the rule of an id.
func ruleOf(id string) Rule {
	all := Rules()
	i := slices.IndexFunc(all, func(r Rule) bool { return r.ID == id })
	if i < 0 {
		return Rule{ID: id, Severity: SeverityError}
	}
	return all[i]
}

// findingOf returns an error of Parse as a finding.
func findingOf(e Error) Finding {
	rule := ruleOf(e.Rule)
	return Finding{File: e.File, Line: e.Line, Column: e.Column, Severity: rule.Severity, Rule: e.Rule, Message: e.Message, Do: rule.Do}
}
