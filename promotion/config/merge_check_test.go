package config_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ferry/promotion/config"
)

// TestCheckMergeWithoutEffect: nobody waits for a merge that the mode forbids.
func TestCheckMergeWithoutEffect(t *testing.T) {
	t.Parallel()
	const merges = "environments:\n  - name: dev\n  - name: prod\n    from: [dev]\n    merge: auto\n"
	const rule = `"prod": the mode there is `
	app := func(more string) string {
		return "apps:\n  - {name: web, images: [acme/web], manifests: ['{env}.yaml']" + more + "}\n"
	}
	tests := map[string]struct {
		text string
		want []string
	}{
		"by default":              {"apiVersion: ferry/v1\n" + merges + app(""), []string{"6:12 " + rule + "propose"}},
		"only observed":           {"apiVersion: ferry/v1\nmode: observe\n" + merges + app(""), []string{"7:12 " + rule + "observe"}},
		"released":                {"apiVersion: ferry/v1\nmode: release\n" + merges + app(""), nil},
		"the environment's mode":  {"apiVersion: ferry/v1\nmode: release\n" + merges + "    mode: propose\n" + app(""), []string{"7:12 " + rule + "propose"}},
		"a stricter app":          {"apiVersion: ferry/v1\nmode: release\n" + merges + app(", mode: propose"), nil},
		"the app's own":           {"apiVersion: ferry/v1\nenvironments: [{name: dev}, {name: prod, from: [dev]}]\n" + app(", environments: {prod: {merge: auto}}"), []string{"4:93 " + rule + "propose"}},
		"the app's own, released": {"apiVersion: ferry/v1\nmode: release\nenvironments: [{name: dev}, {name: prod, from: [dev]}]\n" + app(", environments: {prod: {merge: auto}}"), nil},
		"the app's own, stricter": {"apiVersion: ferry/v1\nmode: release\nenvironments: [{name: dev}, {name: prod, from: [dev]}]\n" + app(", mode: observe, environments: {prod: {merge: auto}}"), []string{"5:108 " + rule + "observe"}},
		"an app that is discovered": {"apiVersion: ferry/v1\nenvironments: [{name: dev}, {name: prod, from: [dev]}]\napps:\n" +
			"  - {discover: '{app}/{env}.yaml', images: ['acme/{app}'], environments: {prod: {merge: auto}}}\n", []string{"4:89 " + rule + "propose"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, f := range parse(t, test.text).Check(config.Tree{Paths: []string{"dev.yaml", "prod.yaml", "web/dev.yaml", "web/prod.yaml"}}) {
				if f.Rule == "merge-without-effect" {
					got = append(got, fmt.Sprintf("%d:%d %s", f.Line, f.Column, f.Message))
				}
			}
			for i := range test.want {
				test.want[i] = insertMessage(test.want[i])
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// insertMessage makes the whole finding of `LINE:COLUMN REST`.
func insertMessage(short string) string {
	var place string
	_, _ = fmt.Sscanf(short, "%s", &place)
	return place + " merge: auto has no effect in" + short[len(place):] + ", in which Ferry merges nothing"
}
