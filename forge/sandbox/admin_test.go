package sandbox_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// admin calls the sandbox's own doors.
func (w *world) admin(method, path, body string, want int) result {
	w.t.Helper()
	return w.do(w.request(method, "/_sandbox"+path, body), want)
}

func TestTheSandboxIsSteered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cara := w.admin("POST", "/people", `{"login":"cara"}`, 200).str("token")
	w.call(cara, "GET", "/user", "", 200).want(map[string]string{"login": "cara"})
	w.admin("POST", "/repositories", `{"owner":"acme","name":"shop","files":{"a":"1"}}`, 200).want(map[string]string{"full_name": "acme/shop"})
	w.call(cara, "GET", "/repos/acme/shop/contents/a", "", 200)
	w.admin("POST", "/forks", `{"repository":"acme/shop","owner":"cara"}`, 200).want(map[string]string{"full_name": "cara/shop"})
	w.admin("POST", "/permissions", `{"repository":"acme/shop","login":"cara","permission":"admin"}`, 204)
	key, err := json.Marshal(string(publicKey(t)))
	if err != nil {
		t.Fatal(err)
	}
	w.admin("POST", "/apps", fmt.Sprintf(`{"id":9,"slug":"other","public_key":%s}`, key), 200).want(map[string]string{"login": "other[bot]"})
	w.admin("POST", "/installations", `{"app":9,"owner":"acme","repositories":["acme/shop"]}`, 200)
	w.admin("POST", "/protection", `{"repository":"acme/shop","branch":"main","reviews":1,"admins":true}`, 204)
	w.call(cara, "GET", "/repos/acme/shop/branches/main/protection", "", 200).want(map[string]string{"required_pull_request_reviews.required_approving_review_count": "1"})
	w.admin("POST", "/protection", `{"repository":"acme/shop","branch":"main","remove":true}`, 204)
	w.call(cara, "GET", "/repos/acme/shop/branches/main", "", 200).want(map[string]string{"protected": "false"})
	w.admin("POST", "/rulesets", `{"repository":"acme/shop","name":"x","branches":["~ALL"],"checks":[{"context":"ci","app":9}]}`, 204)
	w.call(cara, "GET", "/repos/acme/shop/rules/branches/main", "", 200).want(map[string]string{"2.parameters.required_status_checks.0.integration_id": "9"})
	w.admin("POST", "/rulesets", `{"repository":"acme/shop","name":"x","remove":true}`, 204)

	w.admin("POST", "/limits", `{"per_hour":1}`, 204)
	w.call(cara, "GET", "/user", "", 200)
	w.call(cara, "GET", "/user", "", 403)
	w.admin("POST", "/limits", `{}`, 204)
	w.admin("POST", "/lag", `{"for":"1h"}`, 204)
	w.admin("POST", "/lag", `{}`, 204)
	w.admin("POST", "/faults", `{"method":"GET","route":"/user","status":429,"retry_after":"90s","times":2}`, 204)
	w.call(cara, "GET", "/user", "", 429).wantHeaders(map[string]string{"Retry-After": "90"})
	w.admin("DELETE", "/faults", "", 204)
	w.call(cara, "GET", "/user", "", 200)

	w.admin("POST", "/deliveries", `{"event":"issues","hold":1}`, 204)
	w.call(cara, "POST", "~/issues", `{"title":"x"}`, 201)
	id := w.admin("GET", "/held", "", 200).want(map[string]string{"0.event": "issues"}).str("0.id")
	w.admin("POST", "/release", fmt.Sprintf(`{"ids":[%s]}`, id), 204)
	w.flush()
	all := w.admin("GET", "/deliveries", "", 200)
	all.want(map[string]string{fmt.Sprintf("%d.status", all.size("")-1): "202"})

	w.admin("DELETE", "/requests", "", 204)
	w.call(cara, "GET", "~/issues", "", 200)
	if got := string(w.admin("GET", "/requests", "", 200).raw); strings.TrimSpace(got) != `{"user/cara":{"GET /repos/{owner}/{repo}/issues":1}}` {
		t.Errorf("requests = %s", got)
	}
}

func TestTheSandboxIsSteeredWrongly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for path, body := range map[string]string{
		"/people": `{"login":"../x"}`, "/repositories": `{"owner":"acme","name":"environments"}`, "/forks": `{"repository":"acme/none","owner":"bob"}`,
		"/permissions": `{"repository":"acme/environments","login":"bob","permission":"king"}`, "/apps": `{"id":9,"slug":"x","public_key":"none"}`,
		"/installations": `{"app":99,"owner":"acme"}`, "/protection": `{"repository":"acme/environments","brunch":"main"}`, "/rulesets": `{"repository":"acme/environments","name":"x"}`,
		"/lag": `{"for":"-1s"}`, "/faults": `{"status":200}`, "/release": `{"ids":[99]}`, "/limits": `[]`, "/deliveries": ``,
	} {
		if got := w.admin("POST", path, body, 422).str("message"); got == "" {
			t.Errorf("%s says nothing", path)
		}
	}
	// A fault that no request can fall under would be waited for in vain.
	for _, body := range []string{`{"route":"/repos/{owner}/{repo}/pull"}`, `{"method":"PUT","route":"/user"}`, `{"method":"FETCH"}`} {
		if got := w.admin("POST", "/faults", body, 422).str("message"); !strings.Contains(got, "no route") {
			t.Errorf("%s: %s", body, got)
		}
	}
	w.admin("POST", "/faults", `{"method":"get","route":"/repos/{owner}/{repo}/git/ref/{ref}"}`, 204)
	w.call("", "GET", "~/git/ref/heads/main", "", 502)
	// A page of another site cannot steer it.
	req := w.request("POST", "/_sandbox/people", `{"login":"eve"}`)
	req.Header.Set("Origin", "http://evil.test")
	w.do(req, 403)
}
