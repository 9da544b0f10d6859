package github

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	gh "github.com/google/go-github/v60/github"

	"ferry/forge"
)

// defaultTimeout is for one call with all its redirects, well below the minute that a job may take.
const defaultTimeout = 20 * time.Second

// Config says which GitHub to talk to and as whom: as an App (AppID and AppKey) or with a plain Token.
type Config struct {
	APIURL  string            // https://api.github.com, for GitHub Enterprise Server https://HOST/api/v3
	AppID   int64             // the App's number
	AppKey  []byte            // the App's private key, PEM; line breaks may be written as \n
	Token   string            // instead of an App
	HTTP    http.RoundTripper // what carries the requests; nil for Go's default
	Timeout time.Duration     // of one call; 0 for 20 seconds
	Now     func() time.Time  // nil for the machine's clock
	Observe func(method, route string, status int)
	Budget  func(installation int64, left int) // how many requests GitHub grants an installation until its limit is reset; 0 is the App itself, or a plain token
	// Throttled is told when an installation has to wait, and until when.
	Throttled func(installation int64, until time.Time)
	Pace      Pace
	Logger    *slog.Logger // nil for silence
}

// Forge is one GitHub, seen as Ferry's App or account. It is safe for concurrent use.
type Forge struct {
	base      *url.URL // ends with a slash
	appID     int64
	key       *rsa.PrivateKey
	secret    string // the plain token, empty for an App
	carrier   http.RoundTripper
	kept      *answers
	budget    func(installation int64, left int)
	pace      Pace
	timeout   time.Duration
	now       func() time.Time
	throttled func(installation int64, until time.Time)

	shared *budget // of the App itself; with a token, of everything
	app    *Client // speaks as the App itself; with a token, as everything

	mu            sync.Mutex
	installations map[int64]*signedIn
	identity      *forge.User

	nodes sync.Map // of repositories by their number: their global ids, see Client.node
}

// New returns the forge that cfg describes, without calling it. It fails where cfg is not usable; the error lists everything
// that is wrong and names the variables to set.
func New(cfg Config) (*Forge, error) {
	base, err := apiBase(cfg.APIURL)
	key, keyErr := credentials(cfg)
	if err := errors.Join(err, keyErr); err != nil {
		return nil, err
	}
	f := newForge(cfg, base)
	f.key = key
	f.app = f.own()
	return f, nil
}

// newForge returns the forge at base, still without a client.
func newForge(cfg Config, base *url.URL) *Forge {
	f := &Forge{
		base: base, appID: cfg.AppID, secret: cfg.Token,
		budget: cfg.Budget, throttled: cfg.Throttled, pace: cfg.Pace, timeout: cfg.Timeout, now: cfg.Now, installations: map[int64]*signedIn{}, kept: newAnswers(),
	}
	if f.timeout <= 0 {
		f.timeout = defaultTimeout
	}
	if f.now == nil {
		f.now = time.Now
	}
	if f.budget == nil {
		f.budget = func(int64, int) {}
	}
	if f.throttled == nil {
		f.throttled = func(int64, time.Time) {}
	}
	f.carrier = newCarrier(cfg, base.Path, f.now)
	return f
}

// CheckURL fails where raw is no address of GitHub's API.
func CheckURL(raw string) error {
	_, err := apiBase(raw)
	return err
}

func apiBase(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		return nil, errors.New("FERRY_GITHUB_URL is empty: set it to the API's address, https://api.github.com or https://HOST/api/v3")
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		return nil, errors.New("FERRY_GITHUB_URL is no http(s) address: https://api.github.com or https://HOST/api/v3 is expected")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("FERRY_GITHUB_URL holds more than an address: https://api.github.com or https://HOST/api/v3 is expected")
	case u.Host == "github.com":
		return nil, errors.New("FERRY_GITHUB_URL is the web site's address: set it to the API's, https://api.github.com")
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: strings.TrimRight(u.Path, "/") + "/"}, nil
}

// credentials checks that there is exactly one way to sign in and returns the App's key, nil for a plain token.
func credentials(cfg Config) (*rsa.PrivateKey, error) {
	app := cfg.AppID != 0 || len(cfg.AppKey) > 0
	switch {
	case app && cfg.Token != "":
		return nil, errors.New("both an App and FERRY_GITHUB_TOKEN are given: set FERRY_GITHUB_APP_ID and FERRY_GITHUB_APP_KEY, or FERRY_GITHUB_TOKEN")
	case cfg.Token != "":
		if strings.TrimSpace(cfg.Token) != cfg.Token || strings.ContainsAny(cfg.Token, " \r\n") {
			return nil, errors.New("FERRY_GITHUB_TOKEN holds white space: set it to the token alone")
		}
		return nil, nil
	case !app:
		return nil, errors.New("no credentials for GitHub: set FERRY_GITHUB_APP_ID and FERRY_GITHUB_APP_KEY (or FERRY_GITHUB_APP_KEY_FILE), or FERRY_GITHUB_TOKEN")
	}
	var idErr error
	if cfg.AppID <= 0 {
		idErr = errors.New("FERRY_GITHUB_APP_ID is not set: it is the number on the App's settings page")
	}
	key, err := parseKey(cfg.AppKey)
	return key, errors.Join(idErr, err)
}

// parseKey reads an RSA key, the only sort that GitHub makes for Apps (docs.github.com, "Managing private keys for GitHub
// Apps"). Its errors never hold what was given.
func parseKey(text []byte) (*rsa.PrivateKey, error) {
	if len(text) == 0 {
		return nil, errors.New("FERRY_GITHUB_APP_KEY is not set: it is the private key, a .pem file, made on the App's settings page (or name the file in FERRY_GITHUB_APP_KEY_FILE)")
	}
	block, _ := pem.Decode(bytes.ReplaceAll(text, []byte(`\n`), []byte("\n")))
	if block == nil {
		return nil, errors.New("FERRY_GITHUB_APP_KEY is no PEM text: give the whole .pem file, with its BEGIN and END lines")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	if any, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		if key, ok := any.(*rsa.PrivateKey); ok {
			return key, nil
		}
	}
	return nil, fmt.Errorf("FERRY_GITHUB_APP_KEY holds a %q and no RSA private key: give the .pem file that GitHub made for the App", block.Type)
}

// api returns a go-github client over a transport that signs in.
func (f *Forge) api(signed http.RoundTripper) *gh.Client {
	api := gh.NewClient(&http.Client{Transport: signed, Timeout: f.timeout, CheckRedirect: sameHost})
	api.BaseURL = f.base
	api.UserAgent = "ferry"
	return api
}
