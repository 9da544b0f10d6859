package github_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"ferry/forge"
	"ferry/forge/github"
)

// TestManifestOfDeploy: the manifest for who registers an App without Ferry's help is the one that Ferry gives GitHub.
func TestManifestOfDeploy(t *testing.T) {
	t.Parallel()
	want, err := github.Manifest("ferry", "https://ferry.example.com", "")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../deploy/github-app.json")
	if err != nil || strings.TrimSpace(string(got)) != string(want) {
		t.Errorf("deploy/github-app.json is not what the tables say (%v): write into it\n%s", err, want)
	}
}

func TestManifestNames(t *testing.T) {
	t.Parallel()
	raw, err := github.Manifest("ferry-"+strings.Repeat("long-", 10), "https://ferry.example.com", "https://ferry.example.com/setup/done")
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		Name     string
		Redirect string `json:"redirect_url"`
	}
	if err := json.Unmarshal(raw, &m); err != nil || len(m.Name) > 34 || strings.HasSuffix(m.Name, "-") || m.Redirect != "https://ferry.example.com/setup/done" {
		t.Errorf("%+v %v", m, err)
	}
}

// TestRegisterRefused: what GitHub answers is told without the code, which opens the App to whoever has it.
func TestRegisterRefused(t *testing.T) {
	t.Parallel()
	const code = "canary-code"
	for name, c := range map[string]struct {
		code   string
		status int
		body   string
		want   error
	}{
		"unknown":   {code, http.StatusNotFound, `{"message":"Not Found: ` + code + `"}`, forge.ErrNotFound},
		"no code":   {"../app", http.StatusOK, `{}`, forge.ErrNotFound},
		"broken":    {code, http.StatusBadGateway, code, forge.ErrUnavailable},
		"no key":    {code, http.StatusCreated, `{"id":7,"webhook_secret":"x","pem":"` + code + `"}`, forge.ErrUnavailable},
		"no answer": {code, 0, "", forge.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if c.status == 0 {
					panic(http.ErrAbortHandler)
				}
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}))
			t.Cleanup(server.Close)
			made, err := github.Register(context.Background(), github.Config{APIURL: server.URL + "/api/v3"}, c.code)
			if !errors.Is(err, c.want) || strings.Contains(err.Error(), code) || made.ID != 0 {
				t.Errorf("%v %v, want %v", made, err, c.want)
			}
		})
	}
}
