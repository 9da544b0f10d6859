// Package registry reads what a container image says of itself in its registry: its annotations and labels, and nothing of its content.
package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// ErrUnknown says that the registry has no such image, or does not show it.
var ErrUnknown = errors.New("the registry does not show the image")

// What one image may cost.
const (
	patience   = 15 * time.Second
	maxAnswer  = 4 << 20
	maxDialing = 5 * time.Second
)

// Reader reads from registries: with credentials where some were given, and else as anybody. It is safe for concurrent use.
type Reader struct {
	auths map[string]authn.AuthConfig // by host
}

// New returns a reader with the credentials in config, a file of Docker's, which may be empty. Registries that stand there, if only as "HOST": {}, may be at
// private addresses; others may not, since their names come from whoever writes a .ferry.yaml. It fails where config cannot be used; the error holds nothing of it.
func New(config []byte) (*Reader, error) {
	var file struct {
		Auths       map[string]authn.AuthConfig
		CredsStore  string
		CredHelpers map[string]string
	}
	if len(config) == 0 {
		return &Reader{}, nil
	}
	if err := json.Unmarshal(config, &file); err != nil {
		return nil, errors.New("no Docker configuration: JSON such as {\"auths\": {\"ghcr.io\": {\"username\": …, \"password\": …}}} is expected")
	}
	if file.CredsStore != "" || len(file.CredHelpers) > 0 {
		return nil, errors.New("it names credential helpers, which Ferry does not run: write the credentials into auths")
	}
	r := &Reader{auths: map[string]authn.AuthConfig{}}
	for host, auth := range file.Auths {
		registry, err := name.NewRegistry(host)
		if host == authn.DefaultAuthKey {
			registry, err = name.NewRegistry(name.DefaultRegistry)
		}
		if err != nil {
			return nil, fmt.Errorf("auths: %q is no registry's host", host)
		}
		r.auths[registry.RegistryStr()] = auth
	}
	return r, nil
}

// Labels returns the annotations and labels of an image: those of the list of its platforms, over those of the first platform's manifest, over those
// in its configuration. The digest counts where one is given, else the tag. It fails with ErrUnknown where the registry shows no such image.
func (r *Reader) Labels(ctx context.Context, image, tag, digest string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	labels, err := r.labels(ctx, image, tag, digest)
	var answer *transport.Error
	switch {
	case err == nil:
		return labels, nil
	case errors.As(err, &answer) && (answer.StatusCode == http.StatusNotFound || answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden):
		return nil, fmt.Errorf("%w (%d)", ErrUnknown, answer.StatusCode)
	case errors.As(err, &answer):
		return nil, fmt.Errorf("the registry of %s answered %d", image, answer.StatusCode)
	case errors.Is(err, errPrivate):
		return nil, fmt.Errorf("%w: %w", ErrUnknown, errPrivate)
	}
	return nil, fmt.Errorf("reading %s from its registry: %w", image, err)
}

// Has says whether the registry has the image: by its digest where one is given, else by its tag. It fails where the registry does not answer, or does not
// show the image: what is hidden may be there.
func (r *Reader) Has(ctx context.Context, image, tag, digest string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ref, puller, done, err := r.puller(ctx, image, tag, digest)
	if err != nil {
		return false, err
	}
	defer done()
	_, err = puller.Head(ctx, ref)
	var answer *transport.Error
	switch {
	case err == nil:
		return true, nil
	case errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound:
		return false, nil
	case errors.As(err, &answer):
		return false, fmt.Errorf("the registry answered %d", answer.StatusCode)
	case errors.Is(err, errPrivate):
		return false, errPrivate
	}
	return false, errors.New("the registry does not answer")
}

// puller returns what reads the image, with how to name it, and what is to be done in the end.
func (r *Reader) puller(ctx context.Context, image, tag, digest string) (ref name.Reference, puller *remote.Puller, done func(), err error) {
	if ref, err = reference(image, tag, digest); err != nil {
		return nil, nil, nil, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	auth, known := r.auths[ref.Context().RegistryStr()]
	carrier := r.carrier(known)
	puller, err = remote.NewPuller(remote.WithTransport(carrier), remote.WithAuth(authn.FromConfig(auth)), remote.WithUserAgent("ferry"),
		remote.WithRetryBackoff(remote.Backoff{Steps: 1}), remote.WithContext(ctx))
	return ref, puller, carrier.base.CloseIdleConnections, err
}

func (r *Reader) labels(ctx context.Context, image, tag, digest string) (map[string]string, error) {
	ref, puller, done, err := r.puller(ctx, image, tag, digest)
	if err != nil {
		return nil, err
	}
	defer done()
	out, list := map[string]string{}, map[string]string{}
	found, err := puller.Get(ctx, ref)
	if err != nil {
		return nil, err
	}
	if found.MediaType.IsIndex() {
		var index v1.IndexManifest
		if err := json.Unmarshal(found.Manifest, &index); err != nil {
			return nil, fmt.Errorf("%w: its list of platforms cannot be read", ErrUnknown)
		}
		list = index.Annotations
		if found, err = puller.Get(ctx, ref.Context().Digest(firstPlatform(index).String())); err != nil {
			return nil, err
		}
	}
	built, err := found.Image()
	if err != nil {
		return nil, err
	}
	manifest, err := built.Manifest()
	if err != nil {
		return nil, err
	}
	config, err := built.ConfigFile()
	if err != nil {
		return nil, err
	}
	for _, from := range []map[string]string{config.Config.Labels, manifest.Annotations, list} {
		maps.Copy(out, from)
	}
	return out, nil
}

func reference(image, tag, digest string) (name.Reference, error) {
	repository, err := name.NewRepository(image)
	if err != nil {
		return nil, errors.New("its name is no registry's")
	}
	if digest != "" {
		return name.NewDigest(repository.Name() + "@" + digest)
	}
	return name.NewTag(repository.Name() + ":" + tag)
}

// firstPlatform returns the first image of a list that is for a platform; attestations are for none.
func firstPlatform(index v1.IndexManifest) v1.Hash {
	for _, m := range index.Manifests {
		if m.MediaType.IsImage() && (m.Platform == nil || m.Platform.OS != "unknown") {
			return m.Digest
		}
	}
	return v1.Hash{}
}

// errPrivate refuses an address within the network that Ferry runs in.
var errPrivate = errors.New("it is at a private address, where Ferry reads only from registries that FERRY_REGISTRY_AUTH_FILE names")

// carrier bounds what registries answer, and where a name, a redirect or a token's address may lead. It goes through no proxy: behind one, addresses could
// not be judged.
func (r *Reader) carrier(private bool) *bounded {
	dialer := &net.Dialer{Timeout: maxDialing}
	if !private {
		dialer.Control = public
	}
	return &bounded{base: &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: maxDialing, ResponseHeaderTimeout: patience, ForceAttemptHTTP2: true}}
}

// public refuses to connect to what is no public address, however the name of it came about.
func public(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := at.Addr().Unmap()
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || shared.Contains(ip) {
		return errPrivate
	}
	return nil
}

// shared is what providers share among their customers (RFC 6598); clouds have inner services there.
var shared = netip.MustParsePrefix("100.64.0.0/10")

type bounded struct{ base *http.Transport }

func (b *bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.base.RoundTrip(req)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	}
	return resp, err
}
