package promotion_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"ferry/forge"
	"ferry/promotion"
)

func TestNormalise(t *testing.T) {
	t.Parallel()
	const revision = "0123456789abcdef0123456789abcdef01234567"
	good := promotion.AgentReport{Revision: revision, Health: promotion.HealthHealthy}
	tests := []struct {
		name   string
		change func(*promotion.AgentReport)
		field  string // that is wrong; empty: none
	}{
		{"the least", func(*promotion.AgentReport) {}, ""},
		{"no health", func(r *promotion.AgentReport) { r.Health = "" }, "health"},
		{"a health of its own", func(r *promotion.AgentReport) { r.Health = "Healthy" }, "health"},
		{"no revision", func(r *promotion.AgentReport) { r.Revision = "" }, "revision"},
		{"no revision, failed", func(r *promotion.AgentReport) { r.Revision, r.Health = "", promotion.HealthFailed }, ""},
		{"a short revision", func(r *promotion.AgentReport) { r.Revision = "0123456" }, "revision"},
		{"a short revision, failed", func(r *promotion.AgentReport) { r.Revision, r.Health = "0123456", promotion.HealthFailed }, "revision"},
		{"a branch", func(r *promotion.AgentReport) { r.Revision = "main" }, "revision"},
		{"nothing as a revision", func(r *promotion.AgentReport) { r.Revision = forge.SHA(strings.Repeat("0", 40)) }, "revision"},
		{"a revision in capitals", func(r *promotion.AgentReport) { r.Revision = forge.SHA(strings.ToUpper(revision)) }, ""},
		{"a long cluster", func(r *promotion.AgentReport) { r.Cluster = strings.Repeat("c", 254) }, "cluster"},
		{"a cluster over two lines", func(r *promotion.AgentReport) { r.Cluster = "a\nb" }, "cluster"},
		{"a long app", func(r *promotion.AgentReport) { r.App = strings.Repeat("a", 254) }, "app"},
		{"an empty image", func(r *promotion.AgentReport) { r.Images = []string{""} }, "images"},
		{"an image with a space", func(r *promotion.AgentReport) { r.Images = []string{"a b"} }, "images"},
		{"an image with a control character", func(r *promotion.AgentReport) { r.Images = []string{"a\x00"} }, "images"},
		{"a long image", func(r *promotion.AgentReport) { r.Images = []string{strings.Repeat("a", 1025)} }, "images"},
		{"as many images as are taken", func(r *promotion.AgentReport) { r.Images = slices.Repeat([]string{"a:1"}, 200) }, ""},
		{"one image more", func(r *promotion.AgentReport) { r.Images = slices.Repeat([]string{"a:1"}, 201) }, "images"},
		{"a heartbeat", func(r *promotion.AgentReport) { r.Every = 30 * time.Second }, ""},
		{"a heartbeat that goes backwards", func(r *promotion.AgentReport) { r.Every = -1 }, "every"},
	}
	for _, test := range tests {
		r := good
		test.change(&r)
		got, err := r.Normalise()
		var wrong *promotion.FieldError
		if errors.As(err, &wrong) != (test.field != "") || wrong != nil && wrong.Field != test.field {
			t.Errorf("%s: %v, want something about %q", test.name, err, test.field)
		}
		if err == nil && (got.Cluster != "default" || got.Revision != "" && got.Revision != revision) {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
}

func TestNormaliseBoundsTheMessage(t *testing.T) {
	t.Parallel()
	r := promotion.AgentReport{Revision: sha(1), Health: promotion.HealthFailed, Message: "line\r\nline\x00\xff\u202e" + strings.Repeat("ä", 2000)}
	got, err := r.Normalise()
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Message) > 1024 || !utf8.ValidString(got.Message) || strings.ContainsAny(got.Message, "\r\n\x00\u202e") || !strings.HasPrefix(got.Message, "line  line") {
		t.Fatalf("%d bytes: %q", len(got.Message), got.Message)
	}
}
