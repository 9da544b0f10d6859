package github_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"ferry/forge/github"
)

// The example of docs.github.com, "Validating webhook deliveries".
const (
	documentedSecret    = "It's a Secret to Everybody"
	documentedBody      = "Hello, World!"
	documentedSignature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
)

func sign(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func TestVerify(t *testing.T) {
	t.Parallel()
	headers := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Add(pairs[i], pairs[i+1])
		}
		return h
	}
	signed := headers("X-Hub-Signature-256", documentedSignature)
	for name, test := range map[string]struct {
		secrets []string
		header  http.Header
		body    string
		want    string // a part of the error, empty for none
	}{
		"the documented example":        {[]string{documentedSecret}, signed, documentedBody, ""},
		"upper-case digits":             {[]string{documentedSecret}, headers("X-Hub-Signature-256", "sha256="+strings.ToUpper(documentedSignature[7:])), documentedBody, ""},
		"the new secret of a pair":      {[]string{documentedSecret, "old"}, signed, documentedBody, ""},
		"the old secret of a pair":      {[]string{"new", documentedSecret}, signed, documentedBody, ""},
		"another secret":                {[]string{"another"}, signed, documentedBody, "FERRY_GITHUB_WEBHOOK_SECRET differ"},
		"another body":                  {[]string{documentedSecret}, signed, "Hello, World?", "does not match the body"},
		"an empty body":                 {[]string{documentedSecret}, signed, "", "does not match the body"},
		"no secret":                     {nil, signed, documentedBody, "no webhook secret is configured"},
		"an empty secret signs nothing": {[]string{""}, headers("X-Hub-Signature-256", sign("", documentedBody)), documentedBody, "no webhook secret is configured"},
		"an empty one beside another":   {[]string{"", "s"}, headers("X-Hub-Signature-256", sign("", documentedBody)), documentedBody, "does not match"},
		"unsigned":                      {[]string{documentedSecret}, headers(), documentedBody, "no X-Hub-Signature-256 header"},
		"SHA-1 only":                    {[]string{documentedSecret}, headers("X-Hub-Signature", "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59"), documentedBody, "SHA-1"},
		"SHA-1 in the wrong place":      {[]string{documentedSecret}, headers("X-Hub-Signature-256", "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59"), documentedBody, "64 hexadecimal digits"},
		"no digits":                     {[]string{documentedSecret}, headers("X-Hub-Signature-256", "sha256="), documentedBody, "64 hexadecimal digits"},
		"too few digits":                {[]string{documentedSecret}, headers("X-Hub-Signature-256", "sha256=7571"), documentedBody, "64 hexadecimal digits"},
		"no hexadecimal digits":         {[]string{documentedSecret}, headers("X-Hub-Signature-256", "sha256="+strings.Repeat("z", 64)), documentedBody, "64 hexadecimal digits"},
		"two signatures":                {[]string{documentedSecret}, headers("X-Hub-Signature-256", documentedSignature, "X-Hub-Signature-256", documentedSignature), documentedBody, "one is expected"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := github.Verify(test.secrets, test.header, []byte(test.body))
			if (test.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want an error with %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), documentedSecret) {
				t.Fatalf("the error shows the secret: %v", err)
			}
		})
	}
}

func TestDelivery(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ event, id, want string }{
		"good":             {"push", "72d3162e-cc78-11e3-81ab-4c9367dc0958", ""},
		"no event":         {"", "72d3162e", "X-GitHub-Event"},
		"no id":            {"push", "", "X-GitHub-Delivery"},
		"a long event":     {strings.Repeat("a", 65), "1", "X-GitHub-Event"},
		"a long id":        {"push", strings.Repeat("1", 129), "X-GitHub-Delivery"},
		"a line in the id": {"push", "1\n2", "X-GitHub-Delivery"},
		"a space":          {"pu sh", "1", "X-GitHub-Event"},
		"not ASCII":        {"push", "é", "X-GitHub-Delivery"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{}
			h.Set("X-GitHub-Event", test.event)
			h.Set("X-GitHub-Delivery", test.id)
			got, err := github.Delivery(h, []byte("{}"))
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Fatalf("got %v, want an error that names %s", err, test.want)
				}
				return
			}
			if err != nil || got.Forge != "github" || got.Name != test.event || got.ID != test.id || string(got.Body) != "{}" {
				t.Fatalf("got %+v, %v", got, err)
			}
		})
	}
}
