package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

const (
	// maxListed is how many values most lists may have: far more than anybody writes, few enough to show.
	maxListed = 50
	// maxApprovals is how many people may have to approve.
	maxApprovals = 20
	// maxReviewers is how many people a forge asks for one review.
	maxReviewers = 15
	// maxAssignees is how many people GitHub takes as assignees (docs.github.com, "Add assignees to an issue").
	maxAssignees = 10
	// maxTitle is how many characters the title of a pull request may have before anything is filled in.
	maxTitle = 200
	// maxURL is how many bytes the address of an environment may have before anything is filled in.
	maxURL = 500
)

var permissions = []Permission{PermissionWrite, PermissionMaintain, PermissionAdmin}

// commandNames are the commands that a role can be asked for.
var commandNames = []string{"hold", "resume", "approve", "promote", "rollback", "hotfix", "override", "freeze", "thaw", "block", "unblock", "drop", "retry"}

// setting reads a key that an environment, an app or an app's environment may have, and says whether it is one.
func (r *reporter) setting(s *settings, f field) bool {
	if r.gateSetting(s, f) {
		return true
	}
	at := r.pos(f.value)
	switch f.key {
	case "mode":
		s.mode = given(r.mode(f), at)
	case "from":
		s.from = given(r.from(f), at)
	case "merge":
		s.autoMerge = given(choice(r, f, "manual", "auto") == "auto", at)
	case "unprotected":
		s.unprotected = given(choice(r, f, "allow") == "allow", at)
	case "supersede":
		s.supersede = given(choice(r, f, SupersedeLatest, SupersedeQueue, SupersedeBatch), at)
	case "rollback":
		s.rollback = given(choice(r, f, RollbackManual, RollbackPR, RollbackAuto), at)
	case "update":
		s.update = given(choice(r, f, UpdateNone, UpdatePR, UpdateCommit), at)
	case "converge":
		s.converge = given(choice(r, f, ConvergeReport, ConvergeMerge), at)
	case "digest":
		s.digest = given(r.flag(f), at)
	case "pull_request":
		s.pullRequest = given(r.pullRequest(f.value), at)
	case "deployments":
		s.deployments = given(r.flag(f), at)
	case "url":
		s.url = given(r.url(f.value), at)
	default:
		return r.periodSetting(s, f)
	}
	return true
}

// gateSetting is setting for what holds a promotion back.
func (r *reporter) gateSetting(s *settings, f field) bool {
	at := r.pos(f.value)
	switch f.key {
	case "soak":
		s.soak = given(first(r.duration(f)), at)
	case "checks":
		s.checks = given(r.checks(f), at)
	case "approvals":
		s.approvals = given(r.number(f, 0, maxApprovals), at)
	case "freeze":
		s.freezes = given(r.freezes(f), at)
	case "policy":
		s.policies = given(r.policies(f), at)
	default:
		return false
	}
	return true
}

// periodSetting is setting for lengths of time.
func (r *reporter) periodSetting(s *settings, f field) bool {
	d := func() optional[time.Duration] { return given(first(r.duration(f)), r.pos(f.value)) }
	switch f.key {
	case "window":
		s.window = d()
	case "watch":
		s.watch = d()
	case "settle":
		s.settle = d()
	case "report_timeout":
		before := r.count
		if s.reportTimeout = d(); s.reportTimeout.value == 0 && r.count == before {
			r.failAs(ruleUseless, f.value, "report_timeout must be more than 0: it is how long an environment may stay silent")
		}
	default:
		return false
	}
	return true
}

// first drops what an error left out already.
func first[T any](value T, _ bool) T { return value }

// urlForm is the address of a page, without credentials in it.
var urlForm = regexp.MustCompile(`^https?://[^\s/@?#]+([/?#]\S*)?$`)

// url reads where an app runs.
func (r *reporter) url(n *yaml.Node) string {
	s, ok := r.text(n, "url")
	switch {
	case !ok:
	case !urlForm.MatchString(s):
		r.fail(n, "%s can't be a url: it begins with https:// or http://, and holds no spaces and no password", quoted(s))
	case len(s) > maxURL:
		r.failAs(ruleLimit, n, "url has %d bytes; at most %d are read", len(s), maxURL)
	default:
		r.placeholders(n, "url", s, appMark, envMark)
		return s
	}
	return ""
}

// from reads the environments it is promoted into from: a list, or {any: list}.
func (r *reporter) from(f field) upstream {
	var up upstream
	list := f.value
	switch {
	case list.Kind == yaml.MappingNode:
		up.any, list = true, nil
		if !r.mapping(atFrom, f.value, func(any field) { list = any.value }) || list == nil {
			return up
		}
		if list.Kind == yaml.SequenceNode && len(list.Content) == 0 {
			r.fail(list, "any is empty: nothing could ever be promoted into this environment")
		}
	case list.Kind == yaml.ScalarNode && list.Tag == "!!str":
		r.fail(list, "from must be a list of environments: write [%s]", list.Value)
		return up
	}
	up.none = list.Kind == yaml.SequenceNode && len(list.Content) == 0
	var nodes []*yaml.Node
	up.names, nodes = r.texts(list, "from")
	for i, n := range nodes {
		if problem := nameProblem(up.names[i]); problem != "" {
			r.failAs(ruleInvalidName, n, "%s can't be an environment: %s", quoted(up.names[i]), problem)
		}
		up.at = append(up.at, r.pos(n))
	}
	return up
}

// checks reads what has to be green: names, or mappings that also pin who posts them.
func (r *reporter) checks(f field) []Check {
	items, _ := r.list(f.value, "checks")
	var out []Check
	for _, item := range bounded(r, f, items, maxListed) {
		var c Check
		at := item
		if item.Kind == yaml.MappingNode {
			r.mapping(atCheck, item, func(f field) {
				switch f.key {
				case "name":
					c.Name, at = first(r.text(f.value, "name")), f.value
				case "posted_by":
					c.PostedBy, _ = r.text(f.value, "posted_by")
				}
			})
		} else {
			c.Name, _ = r.text(item, "a check")
		}
		if c.Name == "" {
			continue
		}
		r.placeholders(at, "a check", c.Name, appMark, envMark, clusterMark)
		if slices.ContainsFunc(out, func(other Check) bool { return other.Name == c.Name }) {
			r.failAs(ruleDuplicate, at, "%s stands twice in checks", quoted(c.Name))
			continue
		}
		out = append(out, c)
	}
	return out
}

// placeholders notes braces in which nothing is filled in.
func (r *reporter) placeholders(n *yaml.Node, what, s string, known ...string) {
	if problem := markProblem(s, known...); problem != "" {
		r.failAs(rulePlaceholder, n, "%s: %s: %s", what, quoted(s), problem)
	}
}

// roles reads by command who may give it.
func (r *reporter) roles(n *yaml.Node) map[string]Role {
	if !r.is(n, yaml.MappingNode, "!!map", "roles", "commands with who may give them") {
		return nil
	}
	out := make(map[string]Role, len(n.Content)/2)
	for f := range r.pairs(n) {
		if !slices.Contains(commandNames, f.key) {
			r.failAs(ruleUnknownKey, f.name, "%s", noRole(f.key))
			continue
		}
		out[f.key] = r.role(f)
	}
	return out
}

// noRole says why the word cannot stand in roles.
func noRole(word string) string {
	if word == "status" || word == "help" {
		return fmt.Sprintf("%s needs no role: whoever can read the repository may give /%s", word, word)
	}
	if near, ok := Near(word, commandNames); ok {
		return fmt.Sprintf("there is no command %s; did you mean %q?", quoted(word), near)
	}
	return fmt.Sprintf("there is no command %s; there are %s", quoted(word), strings.Join(commandNames, ", "))
}

// role reads who may give a command.
func (r *reporter) role(f field) (role Role) {
	before := r.count
	defer func() {
		if r.count == before && role.Permission == "" && len(role.Teams)+len(role.Users) == 0 {
			r.remarks.roles = append(r.remarks.roles, emptyRole{r.pos(f.value), f.key})
		}
	}()
	if f.value.Kind != yaml.MappingNode {
		role.Permission = choice(r, f, permissions...)
		return role
	}
	r.mapping(atRole, f.value, func(f field) {
		switch f.key {
		case "permission":
			role.Permission = choice(r, f, permissions...)
		case "teams":
			var at []position
			role.Teams, at = r.named(f, teamForm, "a team: its slug, or organization/slug, as in its address at the forge")
			for i, name := range role.Teams {
				r.teams = append(r.teams, teamAt{name, at[i]})
			}
		case "users":
			role.Users, _ = r.named(f, loginForm, "a login")
		}
	})
	return role
}

// Teams and people are named as in their addresses at the forge, and not as they are shown: anybody may call themselves anything.
var (
	teamForm  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}(/[A-Za-z0-9][A-Za-z0-9_.-]{0,99})*$`)
	loginForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$`)
)

// teamAt is where a team is named.
type teamAt struct {
	name string
	at   position
}

// named reads the names of teams or people, and where each stands.
func (r *reporter) named(f field, form *regexp.Regexp, what string) (list []string, at []position) {
	names, nodes := r.texts(f.value, f.key)
	for i, name := range names {
		if !form.MatchString(name) {
			r.failAs(ruleInvalidName, nodes[i], "%s can't be %s", quoted(name), what)
		}
	}
	list = bounded(r, f, names, maxListed)
	for _, n := range nodes[:len(list)] {
		at = append(at, r.pos(n))
	}
	return list, at
}

// titleMarks are what is filled in in the title of a pull request.
var titleMarks = []string{appMark, "{old}", "{new}", envMark}

// pullRequest reads how promotion pull requests look.
func (r *reporter) pullRequest(n *yaml.Node) (p pullRequest) {
	r.mapping(atPullRequest, n, func(f field) {
		at := r.pos(f.value)
		switch f.key {
		case "title":
			p.title = given(r.title(f.value), at)
		case "labels":
			labels, _ := r.texts(f.value, "labels")
			p.labels = given(bounded(r, f, labels, maxListed), at)
		case "assignees":
			assignees, _ := r.named(f, loginForm, "a login")
			p.assignees = given(bounded(r, f, assignees, maxAssignees), at)
		case "reviewers":
			reviewers, _ := r.texts(f.value, "reviewers")
			p.reviewers = given(bounded(r, f, reviewers, maxReviewers), at)
		case "draft":
			p.draft = given(r.flag(f), at)
		}
	})
	return p
}

// oneLine is a text without line breaks.
var oneLine = regexp.MustCompile(`^[^\r\n]*$`)

// title reads the template of a title.
func (r *reporter) title(n *yaml.Node) string {
	s, ok := r.text(n, "title")
	switch {
	case !ok:
	case !oneLine.MatchString(s):
		r.failAs(ruleLimit, n, "title must be one line")
	case len(s) > maxTitle:
		r.failAs(ruleLimit, n, "title has %d bytes; at most %d are read", len(s), maxTitle)
	default:
		r.placeholders(n, "title", s, titleMarks...)
	}
	return s
}
