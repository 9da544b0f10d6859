package survey_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ferry/promotion/config"
	"ferry/promotion/survey"
)

var update = flag.Bool("update", false, "write the golden files anew")

// layout reads a repository that stands in one file: "-- PATH --" before each content.
func layout(t testing.TB, file string) map[string]string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	path := ""
	for line := range strings.Lines(string(content)) {
		if name, ok := strings.CutPrefix(line, "-- "); ok {
			path = strings.TrimSuffix(strings.TrimSuffix(name, "\n"), " --")
			files[path] = ""
			continue
		}
		files[path] += line
	}
	return files
}

func recognise(files map[string]string) *survey.Survey {
	var read []survey.File
	for path, content := range files {
		if survey.Wanted(path) {
			read = append(read, survey.Read(path, []byte(content)))
		}
	}
	return survey.Recognise("environments", read)
}

// TestLayouts recognises repositories of many shapes. The golden file holds the configuration, and what is said of it.
func TestLayouts(t *testing.T) {
	t.Parallel()
	inputs, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(inputs) < 15 {
		t.Fatalf("%d layouts: %v", len(inputs), err)
	}
	for _, input := range inputs {
		t.Run(strings.TrimSuffix(filepath.Base(input), ".txt"), func(t *testing.T) {
			t.Parallel()
			files := layout(t, input)
			s := recognise(files)
			golden(t, strings.TrimSuffix(input, ".txt")+".golden", s.Configuration()+said(s))
			if len(s.Apps) > 0 {
				checkConfiguration(t, s, files)
			}
		})
	}
}

func said(s *survey.Survey) string {
	var b strings.Builder
	for _, a := range s.Apps {
		fmt.Fprintf(&b, "#= %s in %v, %d files\n", a.Name, a.Environments, a.Files)
	}
	for _, l := range s.LeftOut {
		fmt.Fprintf(&b, "#- %s: %s\n", l.What, l.Reason)
	}
	return b.String()
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s, want/got (-update writes it anew):\n%s", file, diff)
	}
}

// checkConfiguration reads the configuration as the server does: it has no error, and finds just the apps that were recognised.
func checkConfiguration(t *testing.T, s *survey.Survey, files map[string]string) {
	t.Helper()
	c, err := config.Parse(config.File, []byte(s.Configuration()))
	if err != nil {
		t.Fatalf("%v\n%s", err, s.Configuration())
	}
	found := map[string][]string{}
	for path := range files {
		places := c.Places(path)
		if len(places) > 1 {
			t.Errorf("%s belongs to %v", path, places)
		}
		for _, p := range places {
			if !slices.Contains(found[p.App], p.Environment) {
				found[p.App] = append(found[p.App], p.Environment)
			}
		}
		if bad := c.Misnamed(path); len(bad) > 0 {
			t.Errorf("%s: %v", path, bad)
		}
	}
	want := map[string][]string{}
	for _, a := range s.Apps {
		want[a.Name] = slices.Sorted(slices.Values(a.Environments))
		slices.Sort(found[a.Name])
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("apps and environments, recognised/found by the configuration:\n%s", diff)
	}
}

func TestRecogniseIsStable(t *testing.T) {
	t.Parallel()
	files := layout(t, "testdata/gaps-and-exceptions.txt")
	first := recognise(files).Configuration()
	for range 20 {
		if again := recognise(files).Configuration(); !bytes.Equal([]byte(first), []byte(again)) {
			t.Fatalf("it depends on the order of files or maps:\n%s", cmp.Diff(first, again))
		}
	}
}
