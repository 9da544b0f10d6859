package config

import "regexp"

// keyTable returns all keys Ferry knows, with those of versions to come: the parser, the JSON Schema and the reference in the
// documentation read this one table. What a key's state says here is all that decides whether a file may use it.
func keyTable() []key {
	return join(topKeys(), environmentKeys(), settingKeys(), appKeys(), partKeys())
}

func join(parts ...[]key) (all []key) {
	for _, part := range parts {
		all = append(all, part...)
	}
	return all
}

func nameShape() shape  { return textOf("name", nameForm, nameRefused) }
func namesShape() shape { return either(nameShape(), listOf(nameShape()).sized(1, 0)) }
func imageShape() shape { return textOf("image name", imageForm).like("ghcr.io/acme/checkout") }
func pathShape() shape  { return anyText().named("pattern") }
func ruleShape() shape  { return textOf("text", regexp.MustCompile(`\S`)) } // a block begins and ends as YAML has it
func policyShape() shape {
	return either(ruleShape().named("rule"), listOf(keysOf(atPolicy)).sized(0, maxListed))
}
func sourceTagShape() shape {
	return textOf("tag's form", sourceTagForm).like("*-{commit}-*")
}
func rolesShape() shape {
	return mapOf(wordOf(commandNames...).named("command"), either(wordOf(permissions...), keysOf(atRole)))
}

func topKeys() []key {
	top := []place{atTop}
	return []key{
		{at: []place{atTop, atIncluded}, name: "apiVersion", shape: wordOf(apiVersion), def: "required", effect: "the version of this file; may be left out in an included one"},
		{at: top, name: "mode", shape: wordOf(modes...), def: "`propose`",
			effect: "how far Ferry goes: writes only its issue, opens promotions, or merges too where `merge: auto`"},
		{at: top, name: "environments", shape: listOf(keysOf(atEnvironment)).sized(1, maxEnvironments), def: "required", required: true, effect: "the environments, at most 500"},
		{at: top, name: "apps", shape: listOf(keysOf(atApp)), def: "none", effect: "the apps"},
		{at: top, name: "include", shape: either(pathShape(), listOf(pathShape()).sized(0, maxInclusions)), def: "none",
			effect: "files with one app's settings each, beside the app; `{app}` may stand for its name. They can only be stricter, see below"},
		{at: top, name: "commands", shape: keysOf(atCommands), def: "none", effect: "how comments are obeyed"},
		{at: []place{atCommands}, name: "prefix", shape: wordOf("ferry"), def: "none", effect: "with it only `/ferry hold` is obeyed, and `/hold` is not"},
	}
}

func environmentKeys() []key {
	env := []place{atEnvironment}
	return []key{
		{at: env, name: "name", shape: textOf("name", nameForm, nameRefused, statusWords).like("prod"), def: "required", required: true, effect: "the environment's name"},
		{at: env, name: "dir", shape: anyText().named("path").like("clusters/prod"), def: "its name", effect: "what `{env}` stands for; may contain `/`"},
		{at: env, name: "clusters", shape: listOf(textOf("name", clusterForm)).sized(1, maxClusters), def: "`[default]`", effect: "all of them must converge"},
		{at: env, name: "max_open", shape: count(1, 1000), def: "`10`", effect: "how many promotion pull requests into it may be open at once; the others wait, the oldest goes first"},
		{at: env, name: "roles", shape: rolesShape(), def: "as at the top level", effect: "who may give which command there; a command that stands here wins"},
		{at: env, name: "branch", state: reserved, effect: "for an environment on another branch"},
		{at: env, name: "repository", state: reserved, effect: "for an environment in another repository"},
		{at: []place{atFrom}, name: "any", shape: listOf(nameShape()).sized(1, 0), def: "required", required: true, effect: "one of these environments is enough"},
	}
}

// settingKeys are what environments have, and apps may have otherwise.
func settingKeys() []key {
	env, both := []place{atEnvironment}, []place{atEnvironment, atOverride}
	apps, strict := []place{atEnvironment, atApp, atOverride}, []place{atEnvironment, atApp, atOverride, atIncluded, atIncludedOverride}
	return []key{
		{at: strict, name: "mode", shape: wordOf(modes...), def: "not set", effect: "the strictest of the modes set for the file, the environment and the app counts"},
		{at: both, name: "from", shape: either(listOf(nameShape()).named("list of environments"), keysOf(atFrom).named("`{any: [...]}`")), def: "none",
			effect: "where its releases come from; all of them, or one. Without it, it is a first environment"},
		{at: strict, name: "soak", shape: period(), def: "`0`", effect: "a release must have been healthy in its `from` environments for this long"},
		{at: strict, name: "checks", shape: listOf(either(anyText().named("name"), keysOf(atCheck))).sized(0, maxListed), def: "none",
			effect: "commit statuses or check runs that must be green on what runs upstream, or on the source commit"},
		{at: strict, name: "approvals", shape: count(0, maxApprovals), def: "`0`", effect: "how many people must approve who are not the author of the change"},
		{at: strict, name: "freeze", shape: listOf(keysOf(atFreeze).named("freeze window")).sized(0, maxListed), def: "none",
			effect: "windows of time in which nothing is promoted, or outside of which nothing is; those of the environment and of the app count together"},
		{at: []place{atTop, atEnvironment, atApp, atOverride}, name: "policy", shape: policyShape(), def: "none", effect: "rules in CEL that must all hold, those of the top level, the environment and the app together; see docs/policy.md"},
		{at: []place{atTop}, name: "roles", shape: rolesShape(), def: "`write` may hold, resume, approve, block, promote and retry; `maintain` all else", effect: "who may give which command"},
		{at: both, name: "merge", shape: wordOf("manual", "auto"), def: "`manual`", effect: "who merges a promotion: a person, or Ferry (in mode `release`)"},
		{at: both, name: "unprotected", shape: wordOf("allow"), def: "not set", effect: "lets Ferry merge on a branch that no protection guards"},
		{at: both, name: "supersede", shape: wordOf(SupersedeLatest, SupersedeQueue, SupersedeBatch), def: "`latest`",
			effect: "what a newer release does to an open promotion: replaces it (`latest`), waits until it has converged and soaked (`queue`), or until it is merged or closed (`batch`)"},
		{at: both, name: "window", shape: period(), def: "`0`", effect: "how long Ferry collects newer releases before it opens a promotion with the newest, or under `latest` changes an open one"},
		{at: both, name: "rollback", shape: wordOf(RollbackManual, RollbackPR, RollbackAuto), def: "`manual`",
			effect: "what follows degradation within `watch`: an offer, a pull request, or one that Ferry merges (in mode `release`)"},
		{at: both, name: "watch", shape: period(), def: "`30m`", effect: "how long after convergence degradation is blamed on the release"},
		{at: both, name: "settle", shape: period(), def: "`1m`", effect: "how long degradation must last to count"},
		{at: both, name: "update", shape: wordOf(UpdateNone, UpdatePR, UpdateCommit), def: "`none`", effect: "how Ferry brings a new image from CI in; only without `from`"},
		{at: both, name: "converge", shape: wordOf(ConvergeReport, ConvergeMerge), def: "`report`",
			effect: "what counts as arrived: the agents' reports, or the merge, where nobody reports"},
		{at: both, name: "report_timeout", shape: period(), def: "`15m`", effect: "silence before convergence for longer than this is an error"},
		{at: []place{atEnvironment, atApp, atOverride, atIncluded, atImage}, name: "digest", shape: flag(), def: "`false`",
			effect: "writes the digest also where none stands, if it is known; `true` for the image, or else for the app there"},
		{at: append([]place{atTop}, apps...), name: "pull_request", shape: keysOf(atPullRequest), def: "none", effect: "how promotion pull requests look"},
		{at: []place{atTop, atEnvironment, atApp, atOverride}, name: "deployments", shape: flag(), def: "`false`",
			effect: "records in the source repository, as GitHub's deployments, what has come to the environment; see docs/deployments.md"},
		{at: apps, name: "url", shape: textOf("address", urlForm).like("https://{app}.example.com"), def: "none", effect: "where the app runs, for the deployment's link; `{app}` and `{env}` are filled in"},
		{at: append(env, atApp), name: "was", shape: namesShape(), def: "none", effect: "the names it had before: its history is carried over"},
	}
}

func appKeys() []key {
	app, both := []place{atApp}, []place{atApp, atIncluded}
	return []key{
		{at: both, name: "name", shape: nameShape().like("checkout"), def: "this or `discover`", effect: "the app's name"},
		{at: app, name: "discover", shape: pathShape().like("apps/{app}/{env}/values.yaml"), def: "this or `name`", effect: "every path that fits is a manifest of the app in its name"},
		{at: app, name: "except", shape: listOf(textOf("name", exceptForm, exceptRefused)), def: "none", effect: "what `discover` leaves out; `*` stands for any letters"},
		{at: both, name: "source", shape: textOf("`owner/name`", sourceForm, sourceRefused).like("acme/checkout"), def: "none", effect: "the repository the images are built from; may hold `{app}`"},
		{at: app, name: "source_tag", shape: either(sourceTagShape(), listOf(sourceTagShape()).sized(1, maxSourceTags)), def: "none",
			effect: "how an image's tag names its source commit: `{commit}` is the commit, 7 digits or more, `{version}` a Git tag with or without `v`, and `*` any text. A whole commit after `sha-` or `-` is found without it"},
		{at: both, name: "images", shape: listOf(either(imageShape(), keysOf(atImage))).sized(1, 0), def: "required", effect: "what is promoted, without tag and digest; may hold `{app}`"},
		{at: both, name: "manifests", shape: listOf(either(pathShape(), keysOf(atManifest))).sized(1, 0), def: "required with `name`",
			effect: "the files in which the images stand; not beside `discover`"},
		{at: both, name: "also", shape: listOf(keysOf(atAlso).named("`also` mapping")).sized(0, maxListed), def: "none", effect: "values that move with the release, with the same proof that nothing else changed"},
		{at: app, name: "group", shape: nameShape(), def: "none", effect: "the apps of a group share one pull request for each environment, see docs/trains.md"},
		{at: app, name: "environments", shape: mapOf(nameShape().named("environment"), keysOf(atOverride)), def: "none", effect: "what is otherwise for this app there"},
		{at: []place{atIncluded}, name: "environments", shape: mapOf(nameShape().named("environment"), keysOf(atIncludedOverride)), def: "none", effect: "what is stricter for this app there"},
	}
}

// partKeys are the keys of the parts of a setting.
func partKeys() []key {
	image, also, files := []place{atImage}, []place{atAlso}, []place{atManifest, atAlso}
	check, freeze, policy, role, pull := []place{atCheck}, []place{atFreeze}, []place{atPolicy}, []place{atRole}, []place{atPullRequest}
	return []key{
		{at: image, name: "name", shape: imageShape(), def: "required", required: true, effect: "the image, `registry/repository`"},
		{at: image, name: "in", shape: mapOf(nameShape().named("environment"), imageShape()), def: "none", effect: "the environments that pull it under another name"},
		{at: files, name: "path", shape: pathShape(), def: "required", required: true, effect: "the file; in `also` without `*`"},
		{at: files, name: "keys", shape: listOf(anyText().named("key").like("services.web.image.tag")).sized(1, maxListed), def: "required in `also`",
			effect: "where tag and digest stand, if not beside the image's name; may hold `{env}`, `{cluster}`, `{app}`"},
		{at: files, name: "image", shape: imageShape(), def: "the app's, if it has one", effect: "which of the app's images is meant"},
		{at: also, name: "value", shape: anyText().like("{tag}"), def: "this or `copy`", effect: "what is written; `{tag}`, `{digest}`, `{env}`, `{cluster}` and `{app}` are filled in"},
		{at: also, name: "copy", shape: wordOf("true").only(true), def: "this or `value`", effect: "writes what stands there in the environment the release comes from"},
		{at: check, name: "name", shape: anyText(), def: "required", required: true, effect: "the status' context or the check run's name"},
		{at: check, name: "posted_by", shape: anyText(), def: "anybody", effect: "the login of who must have posted it"},
		{at: freeze, name: "kind", shape: wordOf("deny", "allow"), def: "required", required: true, effect: "nothing is promoted inside of it, or outside of all that allow"},
		{at: freeze, name: "schedule", shape: anyText().named("cron").like("0 16 * * FRI"), def: "required", required: true, effect: "when it begins: minute, hour, day, month, weekday"},
		{at: freeze, name: "duration", shape: period(), def: "required", required: true, effect: "how long it lasts"},
		{at: freeze, name: "timeZone", shape: anyText().named("IANA zone").like("Europe/Helsinki"), def: "`UTC`", effect: "whose clock the schedule means"},
		{at: freeze, name: "reason", shape: anyText(), def: "none", effect: "shown while it is closed"},
		{at: policy, name: "name", shape: nameShape(), def: "required", required: true, effect: "what the rule is called"},
		{at: policy, name: "rule", shape: ruleShape(), def: "required", required: true, effect: "the expression"},
		{at: policy, name: "reason", shape: anyText(), def: "none", effect: "shown where it does not hold"},
		{at: role, name: "permission", shape: wordOf(permissions...), def: "none", effect: "the least permission at the forge"},
		{at: role, name: "teams", shape: listOf(textOf("team", teamForm).like("acme/sre")).sized(0, maxListed), def: "none", effect: "or a member of one of these, by slug; without an organization the repository's own"},
		{at: role, name: "users", shape: listOf(textOf("login", loginForm)).sized(0, maxListed), def: "none", effect: "or one of these"},
		{at: pull, name: "title", shape: anyText().like("chore(deploy): {app} {old} → {new} in {env}"), def: "Ferry's own", effect: "its title; `{app}`, `{old}`, `{new}` and `{env}` are filled in"},
		{at: pull, name: "labels", shape: listOf(anyText().named("label")).sized(0, maxListed), def: "none", effect: "its labels, set when it is opened; GitHub makes those that are not there yet"},
		{at: pull, name: "assignees", shape: listOf(textOf("login", loginForm)).sized(0, maxAssignees), def: "none", effect: "who it is assigned to when it is opened, by login"},
		{at: pull, name: "reviewers", shape: listOf(anyText().named("login, or team")).sized(0, maxReviewers), def: "none", effect: "who is asked for a review when it is opened: logins, and teams as `owner/team`"},
		{at: pull, name: "draft", shape: flag(), def: "`false`", effect: "opened as a draft, which a person marks as ready"},
	}
}
