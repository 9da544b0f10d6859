package github_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/github"
)

// fake answers what a test tells it to, for what GitHub does and the sandbox has no way to be asked for.
type fake struct {
	*httptest.Server
	mux *http.ServeMux

	mu   sync.Mutex
	seen []string // "METHOD path?query", in order
}

const testToken = "ghp_canarycanarycanarycanarycanarycanary"

var (
	acme  = forge.Repo{ID: 7, Owner: "acme", Name: "environments"}
	noon  = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	clock = func() time.Time { return noon }
)

const repoURL = "/api/v3/repos/acme/environments"

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{mux: http.NewServeMux()}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.seen = append(f.seen, r.Method+" "+r.URL.RequestURI())
		f.mu.Unlock()
		f.mux.ServeHTTP(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *fake) requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.seen...)
}

// on answers a pattern of http.ServeMux with a status and a body, and with headers given as pairs.
func (f *fake) on(pattern string, status int, body string, headers ...string) {
	f.mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, body)
	})
}

// config is for a plain token; a test changes what it needs.
func (f *fake) config() github.Config {
	return github.Config{APIURL: f.URL + "/api/v3", Token: testToken, Now: clock}
}

func (f *fake) client(t *testing.T) *github.Client {
	t.Helper()
	return open(t, f.config()).Client(0)
}

func open(t *testing.T, cfg github.Config) *github.Forge {
	t.Helper()
	opened, err := github.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

// appKey is a private key as GitHub makes it, and the public one to check with.
func appKey(t *testing.T) ([]byte, *rsa.PublicKey) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}), &key.PublicKey
}
