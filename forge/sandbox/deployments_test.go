package sandbox_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"ferry/forge"
)

// TestDeployments: docs.github.com, REST, "Deployments": of a branch, tag or commit, whose statuses must be green unless required_contexts says otherwise; what
// is before its default branch is not merged into it here, and refused as a conflict.
func TestDeployments(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	made := w.call(token, "POST", "~/deployments", `{"ref":"main"}`, 201)
	made.want(map[string]string{"ref": "main", "task": "deploy", "environment": "production", "production_environment": "true", "payload": "", "creator.login": "ferry[bot]"})
	head := made.str("sha")
	other := w.call(token, "POST", "~/deployments", `{"ref":"`+head+`","environment":"staging","payload":{"a":1},"description":"d"}`, 201)
	other.want(map[string]string{"sha": head, "production_environment": "false", "payload.a": "1", "description": "d"})
	w.call(token, "GET", "~/deployments", "", 200).want(map[string]string{"0.id": other.str("id"), "1.id": made.str("id")})
	for query, want := range map[string]int{"environment=staging": 1, "sha=" + head: 2, "sha=" + strings.Repeat("a", 40): 0, "ref=main": 1, "task=deploy": 2, "environment=none": 2} {
		if got := w.call(token, "GET", "~/deployments?"+query, "", 200).size(""); got != want {
			t.Errorf("%s: %d", query, got)
		}
	}
	w.call(token, "GET", "~/deployments/"+made.str("id"), "", 200).want(map[string]string{"ref": "main"})
	w.call(token, "GET", "~/deployments/1", "", 404)

	if err := w.forge.SetStatus("acme/environments", forge.SHA(head), "ann", forge.Status{Context: "ci", State: forge.Pending}); err != nil {
		t.Fatal(err)
	}
	_, behind := w.openPull(token, "change", "a")
	for body, want := range map[string]int{
		`{"ref":"main"}`: 409, `{"ref":"main","required_contexts":["ci"]}`: 409, `{"ref":"main","required_contexts":["e2e"]}`: 201, `{"ref":"main","required_contexts":[]}`: 201,
		`{"ref":"gone"}`: 422, `{}`: 422, `{"ref":"` + behind + `","required_contexts":[],"auto_merge":false}`: 201,
	} {
		w.call(token, "POST", "~/deployments", body, want)
	}
	reader := w.token(`{"permissions":{"deployments":"read"}}`)
	w.call(reader, "GET", "~/deployments", "", 200)
	w.call(reader, "POST", "~/deployments", `{"ref":"main"}`, 403)
	w.call(w.token(`{"permissions":{"contents":"read"}}`), "GET", "~/deployments", "", 403)
}

// TestDeploymentStatuses: docs.github.com, REST, "Create a deployment status": a success makes the successes before it in its environment inactive, but for those of
// production, unless auto_inactive is false.
func TestDeploymentStatuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	deploy := func(environment string) string {
		return "~/deployments/" + w.call(token, "POST", "~/deployments", `{"ref":"main","environment":"`+environment+`"}`, 201).str("id") + "/statuses"
	}
	state := func(statuses string) string { return w.call(token, "GET", statuses, "", 200).str("0.state") }
	first, second, third := deploy("staging"), deploy("staging"), deploy("staging")
	w.call(token, "POST", first, `{"state":"success","log_url":"https://log.example","environment_url":"https://x.example","description":"d"}`, 201).
		want(map[string]string{"environment": "staging", "target_url": "https://log.example", "log_url": "https://log.example", "environment_url": "https://x.example"})
	w.call(token, "POST", second, `{"state":"success","auto_inactive":false}`, 201)
	if state(first) != "success" {
		t.Error("auto_inactive: false made another one inactive")
	}
	w.call(token, "POST", third, `{"state":"success"}`, 201)
	if state(first) != "inactive" || state(second) != "inactive" || state(third) != "success" {
		t.Errorf("they are %s, %s, %s", state(first), state(second), state(third))
	}
	production, next := deploy("production"), deploy("production")
	for _, one := range []string{production, next} {
		w.call(token, "POST", one, `{"state":"success"}`, 201)
	}
	if state(production) != "success" {
		t.Error("what is in production became inactive by itself")
	}
	for body, want := range map[string]int{`{"state":"done"}`: 422, `{}`: 422, `{"state":"queued","description":"` + strings.Repeat("x", 141) + `"}`: 422, `{"state":"error"}`: 201} {
		w.call(token, "POST", first, body, want)
	}
	if got := fmt.Sprint(w.forge.Deployments("acme/environments")[0].States); got != "[success inactive error]" {
		t.Errorf("said was %s", got)
	}
	if got := w.forge.Deployments("acme/nothing"); got != nil {
		t.Errorf("of nothing there are %v", got)
	}
}

// TestDeploymentWebhooks: docs.github.com, "Webhook events and payloads", deployment and deployment_status.
func TestDeploymentWebhooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	w.flush()
	w.inbox.clear()
	made := w.call(token, "POST", "~/deployments", `{"ref":"main"}`, 201)
	w.call(token, "POST", "~/deployments/"+made.str("id")+"/statuses", `{"state":"success"}`, 201)
	w.flush()
	if got := w.inbox.events(); !slices.Equal(got, []string{"deployment.created", "deployment_status.created"}) {
		t.Fatalf("sent were %v", got)
	}
}
