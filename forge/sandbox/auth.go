package sandbox

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/golang-jwt/jwt/v4"

	"ferry/forge"
)

// anonymous is the name of a client that does not say who it is.
const anonymous = "anonymous"

// client is who made a request.
type client struct {
	name  string   // for the count of requests
	app   *app     // with a JWT
	grant *grant   // with an installation token
	who   *account // whose name acts are done in; nil for nobody
}

// identify finds out who made a request. It fails with GitHub's 401 and 403.
func (s *Sandbox) identify(r *http.Request) (*client, error) {
	token := tokenOf(r)
	if token == "" {
		return &client{name: anonymous}, nil
	}
	if strings.Count(token, ".") == 2 {
		a, err := s.appOf(token)
		if err != nil {
			return nil, err
		}
		return &client{name: "app/" + a.slug, app: a, who: a.bot}, nil
	}
	if g := s.st.grants[token]; g != nil && s.cfg.AuthNow().Before(g.expires) && s.st.installations[g.installation.id] != nil {
		if !g.installation.suspended.IsZero() {
			return nil, fail(http.StatusForbidden, "This installation has been suspended")
		}
		return &client{name: fmt.Sprintf("installation/%d", g.installation.id), grant: g, who: g.installation.app.bot}, nil
	}
	if a := s.st.byToken[token]; a != nil {
		return &client{name: "user/" + a.login, who: a}, nil
	}
	return nil, fail(http.StatusUnauthorized, "Bad credentials")
}

// tokenOf returns the secret of a request, which git sends as a password.
func tokenOf(r *http.Request) string {
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	kind, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(kind, "bearer") || strings.EqualFold(kind, "token") {
		return strings.TrimSpace(token)
	}
	return ""
}

// sees says whether a client may know of a repository. The sandbox's repositories are public, but what an installation
// token was not given it does not see at all: a client that reaches beyond its installation is to be found out.
func (c *client) sees(r *repository) bool {
	return c.grant == nil || c.grant.installation.repos[r.id] && (c.grant.repos == nil || c.grant.repos[r.id])
}

// may says whether a client may do something in r: need is a permission of Apps as GitHub's reference names it
// ("contents:write"), or several of which one is enough.
func (c *client) may(r *repository, need string) error {
	if c.grant != nil {
		for one := range strings.SplitSeq(need, "|") {
			if c.grant.allows(one) {
				return nil
			}
		}
		return forbidden()
	}
	write := strings.HasSuffix(need, ":write")
	switch {
	case !write:
		return nil
	case c.who == nil:
		return fail(http.StatusUnauthorized, "Requires authentication")
	case needsPush(need) && r.role(c.who) < forge.PermissionWrite:
		return fail(http.StatusForbidden, "Must have push access to repository")
	}
	return nil
}

// needsPush says whether a person must be allowed to push; everybody may open and comment in a public repository.
func needsPush(need string) bool {
	return need == "contents:write" || need == "statuses:write"
}

func (g *grant) allows(need string) bool {
	name, level, _ := strings.Cut(need, ":")
	have := g.permissions[name]
	return have == "write" || have == "read" && level == "read" || name == "metadata" && level == "read"
}

// jwtClaims is what an App says of itself.
type jwtClaims struct {
	Issuer    json.RawMessage `json:"iss"`
	IssuedAt  float64         `json:"iat"`
	ExpiresAt float64         `json:"exp"`
}

// Valid is asked by the JWT library; the times are checked by the sandbox's own clock instead.
func (jwtClaims) Valid() error { return nil }

// appOf returns the App that signed token. Its rules are GitHub's (docs.github.com, "Generating a JSON Web Token (JWT)
// for a GitHub App"): RS256, issued not in the future, valid for at most 10 minutes; 60 s of clock drift are forgiven.
func (s *Sandbox) appOf(token string) (*app, error) {
	var found *app
	var claims jwtClaims
	_, err := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"})).ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) {
		for _, a := range s.st.apps {
			if strings.Trim(string(claims.Issuer), `"`) == fmt.Sprint(a.id) {
				found = a
				return a.key, nil
			}
		}
		return nil, errors.New("unknown issuer")
	})
	now := float64(s.cfg.AuthNow().Unix())
	switch {
	case err != nil:
		return nil, fail(401, "A JSON web token could not be decoded")
	case claims.IssuedAt > now+60:
		return nil, fail(401, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued")
	case claims.ExpiresAt < now:
		return nil, fail(401, "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires")
	case claims.ExpiresAt > now+660:
		return nil, fail(401, "'Expiration time' claim ('exp') is too far in the future")
	}
	return found, nil
}

// newToken makes a secret with GitHub's prefix for its kind.
func newToken(prefix string) string {
	var b [24]byte
	_, _ = rand.Read(b[:]) // it never fails: see crypto/rand
	return prefix + base64.RawURLEncoding.EncodeToString(b[:])
}
