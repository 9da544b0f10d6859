// Package github is Ferry's adapter to GitHub and GitHub Enterprise Server: it verifies and parses webhooks and makes the calls.
package github

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"ferry/forge"
)

// The headers of a webhook request (docs.github.com, "Webhook events and payloads", delivery headers).
const (
	headerSignature     = "X-Hub-Signature-256"
	headerSignatureSHA1 = "X-Hub-Signature"
	headerEvent         = "X-GitHub-Event"
	headerDelivery      = "X-GitHub-Delivery"
)

// Both names are keys in a database: GitHub's delivery ids are UUIDs of 36 characters, its longest event name has 42.
const (
	maxDeliveryID = 128
	maxEventName  = 64
)

// Verify returns nil where body was signed with one of secrets, of which there are two while a secret is being replaced.
// Only the SHA-256 signature counts, made over the raw body. Otherwise the error says, without any secret, what an operator
// has to set right. Empty secrets match nothing.
func Verify(secrets []string, h http.Header, body []byte) error {
	signature, err := signatureOf(h)
	if err != nil {
		return err
	}
	usable, matched := 0, 0
	for _, secret := range secrets {
		if secret == "" {
			continue // an empty key would let anybody sign
		}
		usable++
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		if hmac.Equal(mac.Sum(nil), signature) {
			matched++ // no early return: the time must not tell which secret it was
		}
	}
	switch {
	case usable == 0:
		return errors.New("no webhook secret is configured: set FERRY_GITHUB_WEBHOOK_SECRET to the secret of the webhook at GitHub")
	case matched == 0:
		return fmt.Errorf("the %s header does not match the body: the webhook's secret at GitHub and FERRY_GITHUB_WEBHOOK_SECRET differ, or something between changed the body", headerSignature)
	}
	return nil
}

// Signed returns nil where the headers hold what can be a signature, else why not. It looks at no body: what cannot be signed need not be read.
func Signed(h http.Header) error {
	_, err := signatureOf(h)
	return err
}

func signatureOf(h http.Header) ([]byte, error) {
	values := h.Values(headerSignature)
	switch {
	case len(values) == 0 && h.Get(headerSignatureSHA1) != "":
		return nil, fmt.Errorf("the request has the old SHA-1 signature %s only, which Ferry does not accept: %s is needed", headerSignatureSHA1, headerSignature)
	case len(values) == 0:
		return nil, fmt.Errorf("the request has no %s header: give the webhook at GitHub the secret in FERRY_GITHUB_WEBHOOK_SECRET", headerSignature)
	case len(values) > 1:
		return nil, fmt.Errorf("the request has %d %s headers: one is expected", len(values), headerSignature)
	}
	digits, ok := strings.CutPrefix(values[0], "sha256=")
	signature, err := hex.DecodeString(digits)
	if !ok || err != nil || len(signature) != sha256.Size {
		return nil, fmt.Errorf("the %s header is not sha256= and 64 hexadecimal digits", headerSignature)
	}
	return signature, nil
}

// Delivery returns the webhook request with the id and the event's name that its headers give. It fails where one of the two
// headers is missing or is nothing that GitHub sends, and names that header. It looks at no signature: Verify comes first.
func Delivery(h http.Header, body []byte) (forge.Delivery, error) {
	name, err := headerWord(h, headerEvent, maxEventName)
	if err != nil {
		return forge.Delivery{}, err
	}
	id, err := headerWord(h, headerDelivery, maxDeliveryID)
	if err != nil {
		return forge.Delivery{}, err
	}
	return forge.Delivery{Forge: forge.GitHub, ID: id, Name: name, Body: body}, nil
}

// headerWord reads a header that must be one printable word of at most limit bytes.
func headerWord(h http.Header, header string, limit int) (string, error) {
	value := h.Get(header)
	if value == "" {
		return "", fmt.Errorf("the request has no %s header: it is no webhook of GitHub", header)
	}
	if len(value) > limit {
		return "", fmt.Errorf("the %s header has %d bytes: at most %d are expected", header, len(value), limit)
	}
	for _, c := range []byte(value) {
		if c <= ' ' || c > '~' {
			return "", fmt.Errorf("the %s header holds something that is no printable ASCII character", header)
		}
	}
	return value, nil
}
