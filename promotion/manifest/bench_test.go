package manifest_test

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"ferry/promotion/manifest"
)

// BenchmarkBump holds locating, editing and verifying against a plain parse of the same bytes by the same library in the same run: one image and ten,
// by name and by key, in Helm values of 200 KB and 5 MB.
func BenchmarkBump(b *testing.B) {
	for b.Loop() {
		for _, size := range []struct {
			name  string
			bytes int
		}{{"200k", 200 << 10}, {"5m", 5<<20 - 4096}} {
			content, services := values(size.bytes)
			compare("bump_"+size.name, content, bumpEdits(b, services, 1, false))
			compare("bump_"+size.name+"_by_key", content, bumpEdits(b, services, 1, true))
			compare("bump_"+size.name+"_ten_images", content, bumpEdits(b, services, 10, false))
		}
	}
}

// compare prints the fastest of several bumps beside the fastest of several plain parses, taken in turns. The garbage of one is collected before the
// next begins.
func compare(name string, content []byte, bump func([]byte)) {
	rounds := max(5, min(40, 20<<20/len(content)))
	var parses, bumps []time.Duration
	for range rounds {
		parses = append(parses, timed(func() { plainParse(content) }))
		bumps = append(bumps, timed(func() { bump(content) }))
	}
	parse, took := slices.Min(parses), slices.Min(bumps)
	fmt.Fprintf(os.Stdout, "bench: %s %.3f ms limit %.3f ratio %.3f\n", name, took.Seconds()*1e3, parse.Seconds()*1e3, took.Seconds()/parse.Seconds())
}

func timed(do func()) time.Duration {
	runtime.GC()
	start := time.Now()
	do()
	return time.Since(start)
}

// bumpEdits returns a bump of n images spread over the file.
func bumpEdits(b *testing.B, services, n int, byKey bool) func([]byte) {
	var edits []manifest.Edit
	for i := range n {
		at := services * (i + 1) / (n + 1)
		e := manifest.Edit{Target: manifest.Target{Name: fmt.Sprintf("ghcr.io/acme/svc-%05d", at)}, Tag: "9.9.9"}
		if byKey {
			e.Keys = []manifest.Key{key(b, fmt.Sprintf("services.svc-%05d.image.tag", at))}
		}
		edits = append(edits, e)
	}
	return func(content []byte) {
		edited, err := manifest.Bump("values.yaml", content, edits)
		if err != nil || bytes.Count(edited, []byte("9.9.9")) != n {
			b.Fatalf("%d edits: %v", n, err)
		}
	}
}

func plainParse(content []byte) {
	loader, err := yaml.NewLoader(bytes.NewReader(content))
	for err == nil {
		err = loader.Load(new(yaml.Node))
	}
}

// values returns Helm values of an umbrella chart, as people write them, and how many services they have.
func values(size int) ([]byte, int) {
	b := strings.Builder{}
	b.WriteString("# values of the shop\nglobal:\n  imageRegistry: ghcr.io\n\nservices:\n")
	n := 0
	for ; b.Len() < size; n++ {
		fmt.Fprintf(&b, `  svc-%05[1]d:
    # owned by team-%[2]d
    image:
      repository: ghcr.io/acme/svc-%05[1]d
      tag: 1.%[2]d.0  # renovate: datasource=docker
      pullPolicy: IfNotPresent
    replicas: %[2]d
    resources:
      requests: {cpu: 100m, memory: "228Mi"}
    env:
    - name: LOG_LEVEL
      value: "info"
    - name: FEATURE_%[1]d
      value: 'on'
    config: |
      image: ghcr.io/acme/svc-%05[1]d:1.%[2]d.0
      tag: 1.%[2]d.0

`, n, n%7)
	}
	return []byte(b.String()), n
}
