package survey_test

import (
	"fmt"
	"testing"

	"ferry/promotion/survey"
)

// BenchmarkSurvey looks at 2,000 apps in 3 environments, with a base each.
func BenchmarkSurvey(b *testing.B) {
	for name, files := range map[string]map[string]string{"kustomize": manyOverlays(2000), "values": manyCharts(2000)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if s := recognise(files); len(s.Apps) != 2000 {
					b.Fatalf("%d apps", len(s.Apps))
				}
			}
		})
	}
}

func manyOverlays(n int) map[string]string {
	files := map[string]string{}
	for i := range n {
		app := fmt.Sprintf("app-%d", i)
		files["apps/"+app+"/base/deployment.yaml"] = "apiVersion: apps/v1\nkind: Deployment\nspec: {template: {spec: {containers: [{image: ghcr.io/acme/" + app + ":1}]}}}\n"
		for _, env := range []string{"dev", "staging", "prod"} {
			files["apps/"+app+"/overlays/"+env+"/kustomization.yaml"] = "kind: Kustomization\nresources: [../../base]\nimages:\n  - name: ghcr.io/acme/" + app + "\n    newTag: 1.0.0\n"
		}
	}
	return files
}

func manyCharts(n int) map[string]string {
	files := map[string]string{}
	for i := range n {
		app := fmt.Sprintf("app-%d", i)
		files["charts/"+app+"/Chart.yaml"] = "apiVersion: v2\nname: " + app + "\nversion: 0.1.0\n"
		files["charts/"+app+"/values.yaml"] = "image:\n  repository: ghcr.io/acme/" + app + "\n"
		for _, env := range []string{"dev", "staging", "prod"} {
			files["charts/"+app+"/values-"+env+".yaml"] = "image:\n  tag: 1.0.0\n"
		}
	}
	return files
}

// TestManyApps holds the survey of many apps to what a person waits for: it grows with the apps and not with their square.
func TestManyApps(t *testing.T) {
	t.Parallel()
	s := recognise(manyCharts(400))
	if len(s.Apps) != 400 || len(s.Environments) != 3 {
		t.Fatalf("%d apps in %d environments", len(s.Apps), len(s.Environments))
	}
	if got := survey.Wanted("apps/{app}/x.yaml"); got {
		t.Error("a path with braces can't stand in a pattern")
	}
}
