package manifest_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"ferry/promotion/manifest"
)

// BenchmarkBump measures finding, editing and verifying beside a plain parse of the same bytes by the same library.
func BenchmarkBump(b *testing.B) {
	for name, content := range map[string][]byte{
		"objects-200KB": objects(200 << 10),
		"objects-5MB":   objects(5<<20 - 4096),
		"list-200KB":    listOfObjects(200 << 10),
		"list-5MB":      listOfObjects(5<<20 - 4096),
	} {
		b.Run(name+"/parse", func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			for b.Loop() {
				plainParse(b, content)
			}
		})
		b.Run(name+"/find", func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			for b.Loop() {
				if _, err := manifest.Find("a.yaml", content, byName("acme/app-7")); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/bump", func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			for b.Loop() {
				if _, err := manifest.Bump("a.yaml", content, []manifest.Edit{{Target: manifest.Target{Name: "acme/app-7"}, Tag: "9.9.9"}}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func plainParse(tb testing.TB, content []byte) {
	loader, err := yaml.NewLoader(bytes.NewReader(content))
	if err != nil {
		tb.Fatal(err)
	}
	for {
		var doc yaml.Node
		if err := loader.Load(&doc); err != nil {
			return
		}
	}
}

// object returns one Deployment of about 700 bytes, as people write them.
func object(i int) string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment # number %[1]d
metadata:
  name: app-%[1]d
  labels: {app: app-%[1]d, team: "team-%[1]d"}
spec:
  replicas: 3
  template:
    spec:
      # the service itself
      containers:
      - name: app
        image: acme/app-%[1]d:1.%[1]d.0
        args: ["--listen", ":8080"]
        env:
        - name: LOG_LEVEL
          value: info
        - name: DATABASE_URL
          valueFrom:
            secretKeyRef: {name: app-%[1]d, key: url}
        resources:
          requests: {cpu: 100m, memory: 128Mi}
          limits:
            memory: 256Mi # measured
        livenessProbe:
          httpGet:
            path: /healthz
            port: 8080
`, i)
}

func objects(size int) []byte {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		b.WriteString("---\n" + object(i))
	}
	return []byte(b.String())
}

// listOfObjects returns one document that holds all of them.
func listOfObjects(size int) []byte {
	b := strings.Builder{}
	b.WriteString("apiVersion: v1\nkind: List\nitems:\n")
	for i := 0; b.Len() < size; i++ {
		lines := strings.Split(strings.TrimSuffix(object(i), "\n"), "\n")
		b.WriteString("- " + strings.Join(lines, "\n  ") + "\n")
	}
	return []byte(b.String())
}
