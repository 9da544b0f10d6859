package sandbox

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
)

// manifestLife is how long the code of a new App can be exchanged (docs.github.com, "Registering a GitHub App from a manifest": one hour for all steps).
const manifestLife = time.Hour

// manifest is what an App can be registered from, as far as the sandbox knows what the parts mean.
type manifest struct {
	Name               string            `json:"name"`
	URL                string            `json:"url"`
	RedirectURL        string            `json:"redirect_url"`
	Public             bool              `json:"public"`
	DefaultPermissions map[string]string `json:"default_permissions"`
	DefaultEvents      []string          `json:"default_events"`
	HookAttributes     *struct {
		URL    string `json:"url"`
		Active *bool  `json:"active"`
	} `json:"hook_attributes"`
}

// conversion is an App that was registered from a manifest and whose secrets were not fetched yet.
type conversion struct {
	app     int64
	key     []byte
	secret  string
	expires time.Time
}

// manifestRoutes are the pages on which a person registers an App from a manifest. The first is reached by a form on the page of who wants the App,
// which is another site, and changes nothing.
func (s *Sandbox) manifestRoutes(mux chi.Router, pages map[string]*template.Template) {
	for _, path := range []string{"/settings/apps", "/organizations/{org}/settings/apps"} {
		mux.Post(path+"/new", func(w http.ResponseWriter, r *http.Request) {
			s.manifestStep(w, r, pages, func(v *visit) error { return v.confirmApp(w, pages) })
		})
		mux.With(http.NewCrossOriginProtection().Handler).Post(path, func(w http.ResponseWriter, r *http.Request) {
			s.manifestStep(w, r, pages, func(v *visit) error { return v.registerApp(w) })
		})
	}
}

func (s *Sandbox) manifestStep(w http.ResponseWriter, r *http.Request, pages map[string]*template.Template, step func(*visit) error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	err := r.ParseForm()
	if err == nil {
		err = step(&visit{s: s, r: r})
	}
	if err != nil {
		s.showProblem(w, r, pages, err)
	}
}

// confirmApp shows what an App would be, for a person to name it and to say yes.
func (v *visit) confirmApp(w http.ResponseWriter, pages map[string]*template.Template) error {
	m, err := v.manifest()
	if err != nil {
		return err
	}
	back, err := url.Parse(m.RedirectURL)
	if err != nil {
		return err
	}
	v.s.renderLeading(w, pages, "manifest.html", http.StatusOK, page{Title: "Register a GitHub App", Body: struct {
		manifest
		To, Text, State string
	}{m, strings.TrimSuffix(v.r.URL.EscapedPath(), "/new"), v.r.PostForm.Get("manifest"), v.r.URL.Query().Get("state")}}, back.Scheme+"://"+back.Host)
	return nil
}

// manifest reads the form's manifest. What it refuses GitHub's page refuses too.
func (v *visit) manifest() (manifest, error) {
	var m manifest
	if err := json.Unmarshal([]byte(v.r.PostForm.Get("manifest")), &m); err != nil {
		return m, fail(http.StatusUnprocessableEntity, "The manifest is no JSON object.")
	}
	for name, address := range map[string]string{"url": m.URL, "redirect_url": m.RedirectURL} {
		if u, err := url.Parse(address); err != nil || u.Host == "" {
			return m, fail(http.StatusUnprocessableEntity, "Error: %q must be a full address.", name)
		}
	}
	if m.HookAttributes != nil && m.HookAttributes.URL == "" {
		return m, fail(http.StatusUnprocessableEntity, "Error: \"hook_attributes\" needs a \"url\".")
	}
	for name, level := range m.DefaultPermissions {
		if level != "read" && level != "write" && level != "admin" {
			return m, fail(http.StatusUnprocessableEntity, "Error: Default permission %q is %q: read, write or admin is expected.", name, level)
		}
	}
	return m, nil
}

// registerApp makes the App, and leads back to who wanted it with a code for its secrets.
func (v *visit) registerApp(w http.ResponseWriter) error {
	m, err := v.manifest()
	if err != nil {
		return err
	}
	if name := v.r.PostForm.Get("name"); name != "" {
		m.Name = name
	}
	code, err := v.s.register(m, v.param("org"))
	if err != nil {
		return err
	}
	back, err := url.Parse(m.RedirectURL)
	if err != nil {
		return err
	}
	query := back.Query()
	query.Set("code", code)
	if state := v.r.PostForm.Get("state"); state != "" {
		query.Set("state", state)
	}
	back.RawQuery = query.Encode()
	w.Header().Set("Location", back.String())
	w.WriteHeader(http.StatusFound)
	return nil
}

var notInSlugs = regexp.MustCompile(`[^a-z0-9]+`)

// register makes an App of an organization, or of a person where that is empty, and returns the code for its secrets.
func (s *Sandbox) register(m manifest, organization string) (string, error) {
	slug := strings.Trim(notInSlugs.ReplaceAllString(strings.ToLower(m.Name), "-"), "-")
	if slug == "" {
		return "", fail(http.StatusUnprocessableEntity, "Name can't be blank")
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return "", err
	}
	made := conversion{secret: newToken(""), key: pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})}
	if made.app, err = s.reserve(slug); err != nil {
		return "", err
	}
	spec := AppSpec{ID: made.app, Slug: slug, Owner: organization, PublicKey: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), Permissions: m.DefaultPermissions, Events: m.DefaultEvents, WebhookSecret: made.secret}
	if len(spec.Permissions) == 0 {
		spec.Permissions = map[string]string{"metadata": "read"}
	}
	if h := m.HookAttributes; h != nil && (h.Active == nil || *h.Active) {
		spec.WebhookURL = h.URL
	}
	if _, err := s.AddApp(spec); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	code := newToken("")
	made.expires = s.cfg.AuthNow().Add(manifestLife)
	s.st.conversions[code] = &made
	return code, nil
}

// reserve returns a number for a new App, and fails where there is one of the same name.
func (s *Sandbox) reserve(slug string) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.st.apps {
		if a.slug == slug {
			return 0, fail(http.StatusUnprocessableEntity, "Name has already been taken")
		}
	}
	return s.st.nextID(), nil
}

// convertManifest exchanges a code, once, for what only its App's owner knows (docs.github.com, "Create a GitHub App from a manifest").
func convertManifest(c *call) (reply, error) {
	made := c.s.st.conversions[c.params["code"]]
	delete(c.s.st.conversions, c.params["code"])
	if made == nil || !c.s.cfg.AuthNow().Before(made.expires) {
		return reply{}, notFound()
	}
	o := c.s.appJSON(c.s.st.apps[made.app])
	o["client_id"], o["client_secret"] = newToken("Iv23"), newToken("")
	o["webhook_secret"], o["pem"] = made.secret, string(made.key)
	return created(o)
}
