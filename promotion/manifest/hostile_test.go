package manifest_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"ferry/promotion/manifest"
)

// hostile are shapes of about this size that are hard on parsers, each with the image in it, as far as the shape lets it in.
func hostile(size int) map[string]string {
	image := "image: {repository: ghcr.io/acme/checkout, tag: v1}\n"
	fill := func(line string) string { return strings.Repeat(line, size/len(line)) }
	numbered := func(format string, max int) string {
		var b strings.Builder
		for i := 0; b.Len() < max; i++ {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	return map[string]string{
		"a flat map":                numbered("k%d: v\n", size) + image,
		"a flat map with CRLF":      numbered("k%d: v\r\n", size) + image,
		"one flow line":             "a: [" + fill("x,") + "]\n" + image,
		"one flow document":         "{a: [" + fill("x,") + "], image: {repository: ghcr.io/acme/checkout, tag: v1}}",
		"one JSON document":         "{\"a\": [" + fill("1,") + "1], \"image\": {\"repository\": \"ghcr.io/acme/checkout\", \"tag\": \"v1\"}}",
		"flow in an item":           "- [" + fill("x,") + "]\n",
		"flow on the next line":     "a:\n  [" + fill("x,") + "]\n" + image,
		"many documents":            fill("---\na: 1\n") + "---\n" + image,
		"many empty documents":      fill("---\n") + image,
		"many anchors":              numbered("k%d: &a v\n", size) + image,
		"many aliases":              "x: &a v\nl:\n" + strings.Repeat("- *a\n", size/6) + image,
		"many aliases of the tag":   "x-t: &t v1\n" + strings.Repeat("- *t\n", 0) + numbered("k%d: {image: {repository: ghcr.io/acme/checkout, tag: *t}}\n", size),
		"an alias bomb":             bomb(9),
		"a bomb within the limits":  "x-t: &t v1\n" + strings.Replace(bombOf(6, "{image: {repository: ghcr.io/acme/checkout, tag: *t}}"), "a0:", "b0:", 1),
		"merges of merges":          mergeChain(2500) + image,
		"a deep chain of aliases":   numberedChain(4000, size) + image,
		"a deeper chain":            numberedChain(400_000, size) + image,
		"deep nesting":              strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000),
		"deep blocks":               deepBlocks(1500) + image,
		"comments only":             fill("# image: ghcr.io/acme/checkout:v1\n") + image,
		"trailing comments":         fill("# x\n") + image,
		"a comment on every line":   numbered("k%d: v # x\n", size) + image,
		"a long plain line":         "a: " + fill("x ") + "\n" + image,
		"a long quoted line":        "a: '" + fill("x ") + "'\n" + image,
		"a long text":               "a: |\n" + fill("  x\n") + image,
		"blank lines":               fill("\n") + image,
		"blanks":                    "a:" + fill(" ") + "b\n" + image,
		"a key that is very long":   "\"" + fill("k") + "\": v\n" + image,
		"many keys that look alike": numbered("image%d: ghcr.io/acme/checkout\n", size) + image,
		"many images":               numbered("k%dImage: ghcr.io/acme/checkout:v1\n", size),
		"many images with tags":     numbered("k%dImage: ghcr.io/acme/checkout\n", size/2) + numbered("k%dImageTag: v1\n", size/2),
		"many entries":              kustomization + "images:\n" + fill("- {name: ghcr.io/acme/checkout}\n"),
		"many containers":           pod(fill("  - image: ghcr.io/acme/checkout:v1\n")),
		"many parameters":           application + "  source:\n    helm:\n      parameters:\n" + numbered("      - {name: p%d.image, value: 'ghcr.io/acme/checkout:v1'}\n", size),
		"many texts":                application + "  sources:\n" + fill("  - helm:\n      values: |\n        image: ghcr.io/acme/checkout:v1\n"),
		"many services":             "services:\n" + numbered("  s%d: {image: 'ghcr.io/acme/checkout:v1'}\n", size),
		"a bomb in a text":          application + "  source:\n    helm:\n      values: |\n        " + strings.ReplaceAll(strings.TrimSpace(bomb(9)), "\n", "\n        ") + "\n        image: ghcr.io/acme/checkout:v1\n",
		"many explicit keys":        numbered("? k%d\n: v\n", size) + image,
		"many tags of YAML":         fill("- !!str x\n"),
		"a million quotes":          "a: " + fill("\"\""),
		"unclosed":                  "a: " + fill("["),
		"a wide merge":              "x: &x\n" + indented(numbered("k%d: v\n", 400_000)) + strings.Repeat("y: {<<: *x}\n", 1) + image,
	}
}

func indented(s string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n  ") + "\n"
}

// bombOf returns lists of which each repeats the one before nine times, the first with content.
func bombOf(levels int, content string) string {
	b := strings.Builder{}
	fmt.Fprintf(&b, "a0: &a0 [%s]\n", content)
	for i := 1; i <= levels; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d,", i-1), 9))
	}
	return b.String()
}

// numberedChain returns lists of which each holds the one before.
func numberedChain(n, size int) string {
	b := strings.Builder{}
	b.WriteString("c0: &c0 [x]\n")
	for i := 1; i <= n && b.Len() < size-2000; i++ {
		fmt.Fprintf(&b, "c%d: &c%d [*c%d]\n", i, i, i-1)
	}
	return b.String()
}

func deepBlocks(n int) string {
	b := strings.Builder{}
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// patience is how long a shape may take at 5 MB on a machine that has nothing else to do.
const patience = 2500 * time.Millisecond

// TestHostileShapes bumps each shape, which has to end soon, in an edit or a refusal. The shapes are smaller than they may be, because the machine may
// be busy: what grows faster than the file shows nevertheless.
func TestHostileShapes(t *testing.T) {
	t.Parallel()
	for name, in := range hostile(manifest.MaxSize / 3) {
		t.Run(name, func(t *testing.T) {
			var got []byte
			var err error
			took := 2 * patience
			for try := 0; try < 4 && took > patience; try++ { // another process may have had the processor
				start := time.Now()
				got, err = manifest.Bump("in.yaml", []byte(in), []manifest.Edit{to(t, "v2", shop)})
				took = time.Since(start)
			}
			if took > patience {
				t.Errorf("%d bytes took %v", len(in), took)
			}
			var r *manifest.Refusal
			if err != nil && (!errors.As(err, &r) || r.Reason == "" || len(r.Reason) > 500) {
				t.Errorf("no whole refusal: %v", err)
			}
			if err == nil && len(got) < len(in)-10 {
				t.Error("bytes are missing")
			}
		})
	}
}

// BenchmarkHostileShapes prints the shape of 5 MB that takes longest, and the one that takes most memory.
func BenchmarkHostileShapes(b *testing.B) {
	for b.Loop() {
		var slowest, fattest string
		var took time.Duration
		var heap uint64
		for name, in := range hostile(manifest.MaxSize - 1000) {
			content, peak := []byte(in), newPeak()
			t := timed(func() { _, _ = manifest.Bump("in.yaml", content, []manifest.Edit{to(b, "v2", shop)}) })
			if t > took {
				took, slowest = t, name
			}
			if h := peak.stop(); h > heap {
				heap, fattest = h, name
			}
		}
		fmt.Printf("bench: bump_5m_hostile %.3f ms limit %d ratio %.3f\n", took.Seconds()*1e3, patience.Milliseconds(), took.Seconds()/patience.Seconds())
		fmt.Printf("bench: bump_5m_hostile_heap %d MB limit 1024 ratio %.3f\n", heap>>20, float64(heap)/(1<<30))
		b.Logf("slowest: %s; fattest: %s", slowest, fattest)
	}
}

// peak watches how large the heap becomes.
type peak struct {
	done chan struct{}
	most chan uint64
}

func newPeak() *peak {
	p := &peak{make(chan struct{}), make(chan uint64)}
	go func() {
		var most uint64
		var m runtime.MemStats
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			select {
			case <-p.done:
				tick.Stop()
				p.most <- most
				return
			case <-tick.C:
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
			}
		}
	}()
	return p
}

func (p *peak) stop() uint64 {
	close(p.done)
	return <-p.most
}
