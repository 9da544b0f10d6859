package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
	"ferry/promotion/postgres"
)

// The largest bodies that agents and CI may send.
const (
	maxReports = 4 << 20
	maxImage   = 64 << 10
)

// bearerOf returns the token that a request carries, "" for none.
func bearerOf(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// bearer returns whom the request's token speaks for, if it is of that kind.
func (s *server) bearer(r *http.Request, kind string) (postgres.Token, error) {
	token := bearerOf(r)
	if token == "" {
		return postgres.Token{}, &problem{http.StatusUnauthorized, "send the header Authorization: Bearer TOKEN, with a token from `ferry token create`"}
	}
	t, err := s.Store.FindToken(r.Context(), token)
	switch {
	case errors.Is(err, postgres.ErrNotFound):
		return t, &problem{http.StatusUnauthorized, "the token is not known, or was revoked; make one with `ferry token create`"}
	case err != nil:
		return t, err
	case t.Kind != kind:
		return t, &problem{http.StatusForbidden, fmt.Sprintf("this is a token of kind %s; this door takes %s", t.Kind, kind)}
	}
	return t, nil
}

type reportBody struct {
	App        string   `json:"app"`
	Cluster    string   `json:"cluster"`
	Revision   string   `json:"revision"`
	Health     string   `json:"health"`
	Images     []string `json:"images"`
	Message    string   `json:"message"`
	ObservedAt string   `json:"observed_at"`
	Every      string   `json:"every"`
}

// reports takes what an agent says of its environment: one report or a list. If one of a list is wrong, nothing of it is stored.
func (s *server) reports(w http.ResponseWriter, r *http.Request) error {
	token, err := s.bearer(r, postgres.TokenAgent)
	if err != nil {
		return err
	}
	body, err := readBody(w, r, maxReports)
	if err != nil {
		return err
	}
	reports, err := readReports(body)
	if err != nil {
		return err
	}
	if err := s.Store.StoreReports(r.Context(), token, reports, s.Now()); err != nil {
		return err
	}
	s.Logger.Info("reports", "repository", token.FullName, "environment", token.Environment, "reports", len(reports))
	answer(w, http.StatusAccepted, map[string]any{"accepted": len(reports)})
	return nil
}

func readReports(body []byte) ([]promotion.AgentReport, error) {
	list := bytes.HasPrefix(bytes.TrimSpace(body), []byte("["))
	raw := []json.RawMessage{body}
	if list {
		if err := json.Unmarshal(body, &raw); err != nil {
			return nil, &problem{http.StatusBadRequest, "the body is not a JSON list: " + err.Error()}
		}
	}
	if len(raw) > promotion.MaxReports {
		return nil, &problem{http.StatusBadRequest, fmt.Sprintf("%d reports; at most %d are taken at once", len(raw), promotion.MaxReports)}
	}
	out := make([]promotion.AgentReport, len(raw))
	for i, one := range raw {
		report, err := readReport(one)
		if err != nil {
			where := ""
			if list {
				where = fmt.Sprintf("report %d: ", i)
			}
			return nil, &problem{http.StatusBadRequest, where + err.Error()}
		}
		out[i] = report
	}
	return out, nil
}

func readReport(raw []byte) (promotion.AgentReport, error) {
	var b reportBody
	if err := decodeStrictly(raw, &b); err != nil {
		return promotion.AgentReport{}, err
	}
	out := promotion.AgentReport{App: b.App, Cluster: b.Cluster, Revision: forge.SHA(b.Revision), Health: promotion.Health(b.Health), Images: b.Images, Message: b.Message}
	if b.ObservedAt != "" {
		at, err := time.Parse(time.RFC3339Nano, b.ObservedAt)
		if err != nil || at.Year() < 1 {
			return out, &promotion.FieldError{Field: "observed_at", Problem: "a time as in RFC 3339 is expected, such as 2024-05-01T12:00:00Z"}
		}
		out.ObservedAt = at
	}
	if b.Every != "" {
		every, err := config.ParseDuration(b.Every)
		if err != nil {
			return out, &promotion.FieldError{Field: "every", Problem: "a duration is expected, such as 30s"}
		}
		out.Every = every
	}
	return out.Normalise()
}

// decodeStrictly reads one JSON object and names the field that is wrong.
func decodeStrictly(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrongType) && wrongType.Field == "":
		return fmt.Errorf("the body is not the JSON object that is expected: it is of the kind %s", wrongType.Value)
	case errors.As(err, &wrongType):
		return &promotion.FieldError{Field: wrongType.Field, Problem: fmt.Sprintf("%s is expected, not %s", wrongType.Type, wrongType.Value)}
	case err != nil:
		return fmt.Errorf("the body is not the JSON object that is expected: %s", strings.TrimPrefix(err.Error(), "json: "))
	case d.More():
		return errors.New("the body goes on after the JSON object")
	}
	return nil
}

type imageBody struct {
	Image  string `json:"image"`
	Tag    string `json:"tag"`
	Digest string `json:"digest"`
	Commit string `json:"commit"`
}

var (
	imageForm  = regexp.MustCompile(`^[a-z0-9][a-zA-Z0-9._:/-]{0,254}$`)
	tagForm    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`) // the OCI distribution specification's
	digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
)

// images takes CI's word that an image was built, and from which commit.
func (s *server) images(w http.ResponseWriter, r *http.Request) error {
	token, err := s.bearer(r, postgres.TokenCI)
	if err != nil {
		return err
	}
	raw, err := readBody(w, r, maxImage)
	if err != nil {
		return err
	}
	announced, err := readImage(raw)
	if err != nil {
		return &problem{http.StatusBadRequest, err.Error()}
	}
	apps, err := s.Store.Announce(r.Context(), token, announced, s.Now())
	if err != nil {
		return err
	}
	s.Logger.Info("image announced", "repository", token.FullName, "image", announced.Image.String(), "apps", apps)
	if apps == nil {
		apps = []string{}
	}
	body := map[string]any{"accepted": 1, "apps": apps}
	if len(apps) == 0 {
		body["warning"] = fmt.Sprintf("no app of %s has the image %s now; is its name written as in .ferry.yaml?", token.FullName, announced.Image.Name)
	}
	answer(w, http.StatusAccepted, body)
	return nil
}

func readImage(raw []byte) (promotion.Announced, error) {
	var b imageBody
	if err := decodeStrictly(raw, &b); err != nil {
		return promotion.Announced{}, err
	}
	out := promotion.Announced{Image: promotion.Image{Name: b.Image, Tag: b.Tag, Digest: b.Digest}}
	switch {
	case !imageForm.MatchString(b.Image) || promotion.ParseImage(b.Image).Tag != "":
		return out, &promotion.FieldError{Field: "image", Problem: "the image's name without tag and digest is expected, such as ghcr.io/acme/checkout"}
	case !tagForm.MatchString(b.Tag):
		return out, &promotion.FieldError{Field: "tag", Problem: "a tag is expected, such as 1.4.2"}
	case b.Digest != "" && !digestForm.MatchString(b.Digest):
		return out, &promotion.FieldError{Field: "digest", Problem: "sha256: and 64 hexadecimal digits are expected"}
	}
	if b.Commit != "" {
		sha, err := forge.ParseSHA(b.Commit)
		if err != nil || sha == "" {
			return out, &promotion.FieldError{Field: "commit", Problem: "the commit it was built from is expected: 40 hexadecimal digits"}
		}
		out.Commit = sha
	}
	return out, nil
}
