package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"ferry/forge"
	"ferry/forge/sandbox/bare"
)

// Where GitHub's refusals lead to.
const protectionDocs = "https://docs.github.com/articles/about-protected-branches"

// move is somebody's try to move a branch.
type move struct {
	branch string
	before string // bare.Zero where there is no such branch
	after  string // bare.Zero to delete it
	who    *account
	pull   *thread           // whose merge it is; nil for a push
	method forge.MergeMethod // of the merge
	queue  bool              // it is to be merged by the merge queue
}

// refusal is why the rules of a branch do not let it move, in GitHub's words.
type refusal struct {
	protection []string
	rules      []string // of rulesets
}

func (x refusal) none() bool { return len(x.protection)+len(x.rules) == 0 }

// message is the reason as the API writes it.
func (x refusal) message() string {
	text := strings.Join(x.protection, " ")
	if len(x.rules) == 0 {
		return text
	}
	if text != "" {
		text += " "
	}
	return text + "Repository rule violations found\n\n" + strings.Join(x.rules, "\n\n") + "\n\n"
}

// refuse returns the API's answer to a move that the rules of its branch do not allow, and nil where they do.
func (s *Sandbox) refuse(r *repository, status int, m move) error {
	x, err := r.judge(m)
	if err != nil || x.none() {
		return err
	}
	p := fail(status, "%s", x.message())
	p.docs = protectionDocs
	return p
}

// refusePush is refuse for a reference that somebody moves by the API. Only branches have rules.
func (s *Sandbox) refusePush(r *repository, ref, before, after string, who *account) error {
	branch, ok := strings.CutPrefix(ref, "refs/heads/")
	if !ok {
		return nil
	}
	return s.refuse(r, http.StatusUnprocessableEntity, move{branch: branch, before: before, after: after, who: who})
}

// judge says what the rules of a branch have against a move. Making a branch breaks one rule of rulesets alone (docs.github.com, "Available rules for
// rulesets", restrict creations).
func (r *repository) judge(m move) (refusal, error) {
	var x refusal
	if m.before == bare.Zero {
		if slices.ContainsFunc(r.ruling(m.branch), func(set *ruleset) bool { return set.NoCreation && !set.bypassed(m.who) }) {
			x.rules = []string{"Cannot create ref due to creations being restricted."}
		}
		return x, nil
	}
	if p := r.guard(m.branch); p != nil {
		found, err := r.broken(&p.Rules, m, p.exempt(r, m.who))
		if err != nil {
			return x, err
		}
		if p.Restricted && !p.exempt(r, m.who) && !isPusher(p.Pushers, m.who) {
			found = append([]string{"You're not authorized to push to this branch. Visit " + protectionDocs + "/ for more information."}, found...)
		}
		x.protection = found
	}
	for _, set := range r.ruling(m.branch) {
		if set.bypassed(m.who) {
			continue
		}
		found, err := r.broken(&set.Rules, m, false)
		if err != nil {
			return x, err
		}
		if set.Restricted && m.after != bare.Zero && !isPusher(set.Pushers, m.who) {
			found = append([]string{"Cannot update this protected ref."}, found...)
		}
		x.rules = append(x.rules, found...)
	}
	return x, nil
}

// bypassed says whether the ruleset does not bind the account.
func (x *Ruleset) bypassed(who *account) bool {
	return who != nil && slices.ContainsFunc(x.Bypass, func(login string) bool { return strings.EqualFold(login, who.login) })
}

func isPusher(list []string, who *account) bool {
	return who == nil || slices.ContainsFunc(list, func(login string) bool { return strings.EqualFold(login, who.login) })
}

// broken returns which of the rules a move breaks. Who is exempt may do everything but force-push and delete.
func (r *repository) broken(x *Rules, m move, exempt bool) ([]string, error) {
	if m.after == bare.Zero {
		if x.AllowDeletion {
			return nil, nil
		}
		return []string{"Cannot delete this branch"}, nil
	}
	var found []string
	if m.pull == nil && !x.AllowForcePush {
		forward, err := r.git.Contains(m.after, m.before)
		if err != nil {
			return nil, err
		}
		if !forward {
			found = append(found, "Cannot force-push to this branch")
		}
	}
	if exempt {
		return found, nil
	}
	if m.pull == nil && x.byPull() {
		found = append(found, "Changes must be made through a pull request.")
	}
	if x.MergeQueue && !m.queue {
		found = append(found, "Changes must be made through the merge queue")
	}
	unsigned, err := r.unsigned(x, m)
	if err != nil {
		return nil, err
	}
	if unsigned {
		found = append(found, "Commits must have verified signatures.")
	}
	forked, err := r.forked(x, m)
	if err != nil {
		return nil, err
	}
	if forked {
		found = append(found, "This branch must not contain merge commits.")
	}
	checks, err := r.missingChecks(x, m)
	if err != nil {
		return nil, err
	}
	found = append(found, checks...)
	if m.pull != nil && x.Reviews > 0 && (r.approvals(m.pull) < x.Reviews || r.objections(m.pull) > 0) {
		found = append(found, missingReviews(x.Reviews))
	}
	return found, nil
}

func missingReviews(n int) string {
	if n == 1 {
		return "At least 1 approving review is required by reviewers with write access."
	}
	return fmt.Sprintf("At least %d approving reviews are required by reviewers with write access.", n)
}

// missingChecks says which required statuses are not success. On a branch that must be up to date and is not, none of them
// counts: GitHub calls all of them expected.
func (r *repository) missingChecks(x *Rules, m move) ([]string, error) {
	if len(x.Checks) == 0 {
		return nil, nil
	}
	sha, behind := m.after, false
	if m.pull != nil {
		sha = m.pull.pull.headSHA
	}
	if m.pull != nil && x.UpToDate {
		in, err := r.git.Contains(sha, m.pull.pull.baseSHA)
		if err != nil {
			return nil, err
		}
		behind = !in
	}
	var bad []string // how each stands that is not success
	only := ""
	for _, want := range x.Checks {
		state := "expected"
		if !behind {
			state = r.standing(sha, want)
		}
		if state != "success" {
			bad, only = append(bad, state), want.Context
		}
	}
	return checkWords(bad, only, len(x.Checks)), nil
}

// standing is how a required status stands, in the word of GitHub's refusal. Where a commit status and a check run have that name, both are required
// (docs.github.com, "Troubleshooting required status checks").
func (r *repository) standing(sha string, want RequiredCheck) string {
	word := "expected"
	for _, x := range r.statuses[sha] {
		switch {
		case x.context != want.Context:
		case want.App != 0 && x.app != want.App:
			if word == "expected" {
				word = "foreign"
			}
		case x.state == "success":
			word = "success"
		case x.state == "pending":
			word = "pending"
		default:
			word = "failing"
		}
	}
	for _, x := range r.runsOn(sha, true) {
		switch {
		case x.Name != want.Context || word != "expected" && word != "success":
		case want.App != 0 && x.App != want.App:
			if word == "expected" {
				word = "foreign"
			}
		case x.passing():
			word = "success"
		case x.Status != "completed":
			word = "pending"
		default:
			word = "failing"
		}
	}
	return word
}

// checkWords writes down which statuses are missing, as GitHub does: one by its name, several by their number.
func checkWords(bad []string, name string, all int) []string {
	switch {
	case len(bad) == 0:
		return nil
	case len(bad) == 1 && bad[0] == "foreign":
		return []string{fmt.Sprintf("Required status check %q was not set by the expected GitHub app.", name)}
	case len(bad) == 1:
		return []string{fmt.Sprintf("Required status check %q is %s.", name, bad[0])}
	}
	count := map[string]int{}
	for _, word := range bad {
		if word == "foreign" {
			word = "expected"
		}
		count[word]++
	}
	if n := count["expected"]; n == len(bad) {
		return []string{fmt.Sprintf("%d of %d required status checks are expected.", n, all)}
	}
	var parts []string
	for _, word := range []string{"expected", "failing", "pending"} {
		if count[word] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[word], word))
		}
	}
	list := strings.Join(parts, ", ")
	if i := strings.LastIndex(list, ", "); i >= 0 {
		list = list[:i] + " and " + list[i+2:]
	}
	return []string{fmt.Sprintf("%d of %d required status checks have not succeeded: %s.", len(bad), all, list)}
}

// mergeWord is what GitHub shows as mergeable_state of a pull request that merges cleanly, as far as rules decide it: blocked
// or behind, and "" where they have nothing against it.
func (r *repository) mergeWord(t *thread) string {
	m := move{branch: t.pull.base, before: t.pull.baseSHA, after: t.pull.headSHA, pull: t}
	x, err := r.judge(m)
	if err != nil || x.none() {
		return ""
	}
	lenient := *r
	lenient.guards, lenient.rulesets = slices.Clone(r.guards), nil
	for i := range lenient.guards {
		lenient.guards[i].UpToDate = false
	}
	for _, set := range r.rulesets {
		easier := *set
		easier.UpToDate = false
		lenient.rulesets = append(lenient.rulesets, &easier)
	}
	if x, err := lenient.judge(m); err == nil && x.none() {
		return "behind"
	}
	return "blocked"
}
