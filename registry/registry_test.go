package registry_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	store "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"ferry/registry"
)

// labelled is an image with a label, and with an annotation where one is given.
func labelled(t *testing.T, label, annotation string) v1.Image {
	t.Helper()
	image, err := mutate.Config(empty.Image, v1.Config{Labels: map[string]string{"revision": label, "kept": "yes"}})
	if err != nil {
		t.Fatal(err)
	}
	if annotation != "" {
		image = mutate.Annotations(image, map[string]string{"revision": annotation}).(v1.Image)
	}
	return image
}

// serve is a registry that asks for a password, and its host.
func serve(t *testing.T) string {
	t.Helper()
	inner := store.New(store.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "ferry" || password != "canary-registry" {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func auths(host, password string) []byte {
	return []byte(`{"auths": {"` + host + `": {"auth": "` + base64.StdEncoding.EncodeToString([]byte("ferry:"+password)) + `"}}}`)
}

func TestLabels(t *testing.T) {
	t.Parallel()
	host := serve(t)
	client := &http.Client{Transport: signer{}}
	push := func(tag string, write func(name.Reference) error) {
		t.Helper()
		ref, err := name.ParseReference(host + "/acme/checkout:" + tag)
		if err == nil {
			err = write(ref)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	one, other := labelled(t, "of the label", ""), labelled(t, "of the label", "of the manifest")
	index := mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: labelled(t, "of an attestation", ""), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"}}},
		mutate.IndexAddendum{Add: other, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "arm64"}}})
	push("one", func(ref name.Reference) error { return remote.Write(ref, one, remote.WithTransport(client.Transport)) })
	push("other", func(ref name.Reference) error {
		return remote.Write(ref, other, remote.WithTransport(client.Transport))
	})
	push("list", func(ref name.Reference) error {
		return remote.WriteIndex(ref, index, remote.WithTransport(client.Transport))
	})
	annotated := mutate.Annotations(index, map[string]string{"revision": "of the list"}).(v1.ImageIndex)
	push("annotated", func(ref name.Reference) error {
		return remote.WriteIndex(ref, annotated, remote.WithTransport(client.Transport))
	})
	digest, err := one.Digest()
	if err != nil {
		t.Fatal(err)
	}
	reader, err := registry.New(auths(host, "canary-registry"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ tag, digest, want string }{
		{"one", "", "of the label"}, {"other", "", "of the manifest"}, {"list", "", "of the manifest"}, {"annotated", "", "of the list"}, {"gone", digest.String(), "of the label"},
	} {
		got, err := reader.Labels(t.Context(), host+"/acme/checkout", c.tag, c.digest)
		if err != nil || cmp.Diff(map[string]string{"revision": c.want, "kept": "yes"}, got) != "" {
			t.Errorf("%s: %v, %v", c.tag, got, err)
		}
	}
	if _, err := reader.Labels(t.Context(), host+"/acme/checkout", "missing", ""); !errors.Is(err, registry.ErrUnknown) {
		t.Errorf("of a missing tag: %v", err)
	}
	if _, err := reader.Labels(t.Context(), "not a name", "1", ""); !errors.Is(err, registry.ErrUnknown) {
		t.Errorf("of no name: %v", err)
	}
	wrong, err := registry.New(auths(host, "canary-other"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wrong.Labels(t.Context(), host+"/acme/checkout", "one", ""); !errors.Is(err, registry.ErrUnknown) || strings.Contains(err.Error(), "canary") {
		t.Errorf("with the wrong password: %v", err)
	}
}

// signer signs what the test itself pushes.
type signer struct{}

func (signer) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.SetBasicAuth("ferry", "canary-registry")
	return http.DefaultTransport.RoundTrip(req)
}

// TestPrivateAddresses: what a name leads to within Ferry's own network is not asked, unless whoever runs Ferry has named the registry.
func TestPrivateAddresses(t *testing.T) {
	t.Parallel()
	asked := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	t.Cleanup(server.Close)
	reader, err := registry.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	port := server.URL[strings.LastIndex(server.URL, ":"):]
	for _, host := range []string{"127.0.0.1" + port, "localhost" + port, "169.254.169.254", "10.0.0.1", "192.168.1.1:5000", "100.64.0.1"} {
		_, err := reader.Labels(t.Context(), host+"/acme/checkout", "1", "")
		if !errors.Is(err, registry.ErrUnknown) || !strings.Contains(err.Error(), "private address") {
			t.Errorf("%s: %v", host, err)
		}
	}
	if asked {
		t.Error("a private address was asked")
	}
}

// TestAnEndlessAnswer is cut.
func TestAnEndlessAnswer(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2/" {
			return
		}
		w.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
		w.Header().Set("Docker-Content-Digest", "sha256:"+strings.Repeat("0", 64))
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, strings.Repeat(" ", 1<<20)); err != nil {
				return
			}
		}
	}))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	reader, err := registry.New([]byte(`{"auths": {"` + host + `": {}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reader.Labels(t.Context(), host+"/acme/checkout", "1", ""); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	for config, words := range map[string]string{
		`canary`:                                     "no Docker configuration",
		`{"credsStore": "canary"}`:                   "credential helpers",
		`{"credHelpers": {"ghcr.io": "canary"}}`:     "credential helpers",
		`{"auths": {"a b": {}}}`:                     "no registry's host",
		`{"auths": {"ghcr.io": {"auth": "canary"}}}`: "no Docker configuration",
	} {
		if _, err := registry.New([]byte(config)); err == nil || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", config, err)
		}
	}
	if _, err := registry.New([]byte(`{"auths": {"https://index.docker.io/v1/": {"username": "a", "password": "b"}}}`)); err != nil {
		t.Error(err)
	}
}

// TestHas: what is there is told from what is not, and from what the registry does not show.
func TestHas(t *testing.T) {
	t.Parallel()
	host := serve(t)
	ref, err := name.ParseReference(host + "/acme/checkout:one")
	if err == nil {
		err = remote.Write(ref, labelled(t, "x", ""), remote.WithTransport(signer{}))
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		password, tag string
		has, told     bool
	}{{"canary-registry", "one", true, true}, {"canary-registry", "two", false, true}, {"wrong", "one", false, false}} {
		reader, err := registry.New(auths(host, test.password))
		if err != nil {
			t.Fatal(err)
		}
		has, err := reader.Has(t.Context(), host+"/acme/checkout", test.tag, "")
		if has != test.has || (err == nil) != test.told || err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v, %v", test.tag, has, err)
		}
	}
}
