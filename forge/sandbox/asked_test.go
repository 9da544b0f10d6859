package sandbox_test

import (
	"fmt"
	"strings"
	"testing"
)

// docs.github.com, "Add labels to an issue": labels are added to those that are there, and made where the repository has none of that name.
// docs.github.com, "Add assignees to an issue": who cannot be assigned is left out without a word.
// docs.github.com, "Request reviewers for a pull request": 422 where somebody is no collaborator, and then nobody is asked.
func TestLabelsAssigneesAndReviewers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.forge.SetTeam("acme", "sre", "ann"); err != nil {
		t.Fatal(err)
	}
	token := w.token("")
	n, _ := w.openPull(token, "topic", "a")
	labels, reviewers := "~/issues/"+n+"/labels", "~/pulls/"+n+"/requested_reviewers"
	w.call(token, "POST", labels, `{"labels":["ferry","to prod"]}`, 200)
	w.call(token, "POST", labels, `{"labels":["Ferry"]}`, 200)
	w.call(token, "POST", labels, fmt.Sprintf(`{"labels":["%s"]}`, strings.Repeat("x", 51)), 422)
	w.call(token, "POST", "~/issues/999/labels", `{"labels":["x"]}`, 404)
	w.call(token, "POST", "~/issues/"+n+"/assignees", `{"assignees":["nobody","ann"]}`, 201).want(map[string]string{"assignee.login": "ann", "assignees.0.login": "ann"})
	w.call(token, "POST", reviewers, `{"reviewers":["ann","nobody"]}`, 422).want(map[string]string{"message": "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the acme/environments repository."})
	w.call(token, "POST", reviewers, `{"team_reviewers":["dba"]}`, 422)
	w.call(token, "POST", reviewers, `{"reviewers":["ann"],"team_reviewers":["sre"]}`, 201)
	w.call(token, "POST", reviewers, `{"reviewers":["ann"]}`, 201)
	got := w.call(token, "GET", "~/pulls/"+n, "", 200)
	got.want(map[string]string{"labels.0.name": "ferry", "labels.1.name": "to prod", "assignees.0.login": "ann", "requested_reviewers.0.login": "ann", "requested_teams.0.slug": "sre"})
}
