package sandbox_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"ferry/forge/sandbox"
)

// docs.github.com, "Create or update file contents", and "About protected branches" for its 409.
func TestFilesArePut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	put := func(path, content, more string, want int) result {
		t.Helper()
		body := fmt.Sprintf(`{"message":"put","content":%q%s}`, base64.StdEncoding.EncodeToString([]byte(content)), more)
		return w.call(token, "PUT", "~/contents/"+path, body, want)
	}
	made := put("new/file", "1", "", 201).want(map[string]string{"content.path": "new/file", "commit.verification.verified": "true"})
	w.call(token, "GET", "~/git/ref/heads/main", "", 200).want(map[string]string{"object.sha": made.str("commit.sha")})
	sha := made.str("content.sha")
	put("new/file", "2", "", 422)
	put("new/file", "2", fmt.Sprintf(`,"sha":%q`, strings.Repeat("a", 40)), 409)
	put("other", "2", fmt.Sprintf(`,"sha":%q`, sha), 409)
	put("new/file", "2", fmt.Sprintf(`,"sha":%q`, sha), 200)
	put("new/file", "2", `,"branch":"none"`, 404)
	w.call(token, "PUT", "~/contents/new", `{"content":""}`, 422)
	w.call(token, "PUT", "~/contents/new", `{"message":"x","content":"%"}`, 422)
	w.call(token, "PUT", "~/contents/.git/config", `{"message":"x","content":""}`, 422)
	w.call(w.bob.Token, "PUT", "~/contents/new", `{"message":"x","content":""}`, 403)
	w.protect(sandbox.Protection{Rules: sandbox.Rules{PullRequest: true}})
	put("another", "1", "", 409).want(map[string]string{"message": "Could not create file: Changes must be made through a pull request."})
	if err := w.forge.Unprotect(repoName, "main"); err != nil {
		t.Fatal(err)
	}
	w.rule(sandbox.Rules{PullRequest: true})
	put("another", "1", "", 409).want(map[string]string{"message": "Repository rule violations found\n\nChanges must be made through a pull request.\n\n"})
}
