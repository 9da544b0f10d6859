package config_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"ferry/promotion/config"
)

// filled repeats parts until a file has almost the size of the largest that is read.
func filled(head string, part func(i int) string, tail string) string {
	var b strings.Builder
	b.WriteString(head)
	for i := 0; ; i++ {
		s := part(i)
		if b.Len()+len(s)+len(tail) > config.MaxSize {
			break
		}
		b.WriteString(s)
	}
	return b.String() + tail
}

// hostile are files of a megabyte that were made to cost much.
func hostile() map[string]string {
	const head = "apiVersion: ferry/v1\nenvironments: [{name: dev}, {name: prod, from: [dev]}]\n"
	app := func(rest string) func(int) string {
		return func(i int) string { return fmt.Sprintf("- {name: a%d, images: [a], "+rest+"}\n", i) }
	}
	manyEnvironments := func() string {
		var b strings.Builder
		b.WriteString("apiVersion: ferry/v1\nenvironments:\n")
		for i := range 500 {
			fmt.Fprintf(&b, "- {name: e%d, dir: %s%d, from: [%s]}\n", i, strings.Repeat("d/", i%40), i, map[bool]string{true: "", false: fmt.Sprintf("e%d", max(i-1, 0))}[i == 0])
		}
		return b.String() + "apps:\n"
	}()
	return map[string]string{
		"unknown keys":     filled(head, func(i int) string { return fmt.Sprintf("key%d: x\n", i) }, ""),
		"one key again":    filled(head, func(int) string { return "a: b\n" }, ""),
		"flow open":        head + strings.Repeat("[", config.MaxSize-len(head)),
		"mappings open":    head + strings.Repeat("{a: ", (config.MaxSize-len(head))/4),
		"anchors":          filled(head+"x: [", func(i int) string { return fmt.Sprintf("&a%d b,", i) }, "]"),
		"aliases":          filled(head+"x: &x [a]\ny: [", func(int) string { return "*x," }, "]"),
		"apps of nothing":  filled(head+"apps:\n", func(int) string { return "- {}\n" }, ""),
		"apps":             filled(head+"apps:\n", app("manifests: ['{env}']"), ""),
		"apps in no place": filled(head+"apps:\n", app("manifests: ['{env}'], environments: {prd: {}}"), ""),
		"images in no place": filled(head+"apps:\n", func(i int) string {
			return fmt.Sprintf("- {name: a%d, images: [{name: a, in: {prd: b}}], manifests: ['{env}']}\n", i)
		}, ""),
		"apps with a circle":  filled(manyEnvironments, app("manifests: ['{env}'], environments: {e1: {from: [e499]}}"), ""),
		"apps with overrides": filled(manyEnvironments, app("manifests: ['{env}'], environments: {e9: {from: [e1]}}"), ""),
		"apps not found":      filled(head+"apps:\n"+strings.Repeat("- {discover: 'x/{app}/{env}', images: [a], except: ['*a*0*1*2*3*']}\n", 100), func(i int) string { return fmt.Sprintf("- {name: a%d}\n", i) }, ""),
		"wild patterns":       filled(head+"apps:\n- {name: a, images: [a], manifests: [\n", func(i int) string { return fmt.Sprintf("'**/*%d*/**/{env}*',\n", i) }, "]}"),
		"keys":                filled(head+"apps:\n- {name: a, images: [a], manifests: [{path: '{env}', keys: [\n", func(i int) string { return fmt.Sprintf("'a.b[%d].\"c.d\"',\n", i) }, "]}]}"),
		"freezes":             filled("apiVersion: ferry/v1\nenvironments:\n- name: dev\n  freeze: [\n", func(int) string { return "{kind: deny, schedule: '0 0 30 2 *', duration: 1h},\n" }, "]"),
		"freezes of many": filled("apiVersion: ferry/v1\nenvironments:\n", func(i int) string {
			return fmt.Sprintf("- {name: e%d, freeze: [{kind: deny, schedule: '0 0 29 2 *', duration: 1h}]}\n", i)
		}, ""),
		"freezes of apps":      filled(head+"apps:\n", app("manifests: ['{env}'], freeze: [{kind: deny, schedule: '0 0 30 2 *', duration: 1h, timeZone: Asia/Kathmandu}]"), ""),
		"clusters":             filled("apiVersion: ferry/v1\nenvironments: [{name: dev, clusters: [\n", func(i int) string { return fmt.Sprintf("c%d,\n", i) }, "]}]"),
		"one long line":        head + "x: " + strings.Repeat("é", (config.MaxSize-len(head)-4)/2),
		"one long name":        "apiVersion: ferry/v1\nenvironments: [{name: '" + strings.Repeat("a", config.MaxSize-100) + "'}]",
		"one long image":       head + "apps: [{name: a, manifests: ['{env}'], images: ['" + strings.Repeat("a-", config.MaxSize/2-100) + "']}]",
		"includes":             filled(head+"include: [", func(i int) string { return fmt.Sprintf("'**/a%d*/**',", i) }, "]"),
		"former names":         filled(head+"apps:\n", app("manifests: ['{env}'], was: dev"), ""),
		"groups":               filled(head+"apps:\n", app("manifests: ['{env}'], group: dev"), ""),
		"checks":               filled("apiVersion: ferry/v1\nenvironments:\n- name: dev\n  checks: [\n", func(i int) string { return fmt.Sprintf("'{x%d}',\n", i) }, "]"),
		"durations":            head + "apps: [{name: a, images: [a], manifests: ['{env}'], soak: '" + strings.Repeat("1h", config.MaxSize/2-100) + "'}]",
		"comments":             filled(head, func(int) string { return "#\n" }, ""),
		"documents":            filled(head, func(int) string { return "---\n" }, ""),
		"control characters":   head + strings.Repeat("\x01", config.MaxSize-len(head)),
		"what is not UTF-8":    head + strings.Repeat("\xff", config.MaxSize-len(head)),
		"environments of many": filled("apiVersion: ferry/v1\nenvironments:\n", func(int) string { return "- {}\n" }, ""),
	}
}

// TestHostileFilesAreBounded holds Parse to a time that a person would wait, whatever stands in the largest file it reads.
// Most of these take well below a second; the bound leaves room for a busy machine.
func TestHostileFilesAreBounded(t *testing.T) {
	t.Parallel()
	const bound = 30 * time.Second
	for name, text := range hostile() {
		t.Run(name, func(t *testing.T) { // one after the other: each is timed
			if len(text) > config.MaxSize {
				t.Fatalf("the file has %d bytes", len(text))
			}
			start := time.Now()
			c, err := config.ParseActingOnAll([]byte(text))
			took := time.Since(start)
			if took > bound {
				t.Errorf("Parse took %v", took)
			}
			t.Logf("%v for %d bytes", took.Round(time.Millisecond), len(text))
			if err == nil {
				c.Manifests("a/b/c/d/e")
				return
			}
			checkPositions(t, err, map[string]string{config.File: text})
		})
	}
}

// checkPositions holds every error to a place inside of its file.
func checkPositions(t *testing.T, err error, files map[string]string) {
	t.Helper()
	var all config.Errors
	if !errors.As(err, &all) || len(all) == 0 || len(all) > 20 {
		t.Fatalf("Parse = %T with %d errors", err, len(all))
	}
	lines := map[string][]string{}
	for name, text := range files {
		lines[name] = splitLines(text)
	}
	for _, e := range all {
		in, known := lines[e.File]
		if !known || e.Line < 1 || e.Line > len(in) || e.Column < 1 || e.Column > utf8.RuneCountInString(in[e.Line-1])+1 {
			t.Errorf("%.300v lies outside of the file", e)
		}
		if e.Message == "" || !utf8.ValidString(e.Message) || len(e.Message) > 2000 || e.Rule == "" {
			t.Errorf("the message of %s is %.300q", e.Rule, e.Message)
		}
	}
}

func FuzzParseWithIncluded(f *testing.F) {
	f.Add(everything, "name: cart\nmode: observe\n", "apps/a.yaml")
	f.Add(including, "name: cart\nmode: observe\nenvironments: {prod: {soak: 3d}}\n", "apps/cart/ferry.yaml")
	f.Add(filed, "soak: 1h\n", "web/dev.yaml")
	f.Add(checked, "images: [a]\nmanifests: ['{env}']", "teams/x.yaml")
	for _, v := range keyValues {
		for at := range strings.SplitSeq(v.at, ", ") {
			for _, value := range append(append([]string{}, v.good...), v.bad...) {
				if text, included := held(at, v.key, value); len(text) < 5000 {
					f.Add(text, included, "apps/inc.yaml")
				}
			}
		}
	}
	check := newVerdict(f)
	f.Fuzz(func(t *testing.T, text, included, path string) {
		file := config.Included{Path: path, Content: []byte(included)}
		if in, err := config.Includes(config.File, []byte(text)); err == nil {
			in.Match(path)
		}
		_, err := config.Parse(config.File, []byte(text))
		check.same(t, check.today, err, text)
		c, err := config.ParseActingOnAll([]byte(text), file)
		if err != nil {
			checkPositions(t, err, map[string]string{config.File: text, path: included})
			return
		}
		checkPlaces(t, c, path)
		for _, m := range c.Manifests(path) {
			if _, ok := c.Settings(m.App, m.Environment, path); !ok {
				t.Errorf("Manifests(%q) has %v, of which Settings knows nothing", path, m)
			}
		}
		for _, a := range c.Also(path) {
			if len(a.Keys) == 0 || (a.Value == "") != a.Copy {
				t.Errorf("Also(%q) has %+v", path, a)
			}
		}
		c.Check(config.Tree{Paths: []string{path, "a/dev.yaml"}, Images: map[string][]string{path: {"a"}}})
	})
}
