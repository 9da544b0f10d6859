package main

import (
	"fmt"
	"os/exec"
	"testing"
	"time"
)

// secondsOfACheckout is how long a command on a checkout of 2,000 apps in three environments may take.
const secondsOfACheckout = 10

// BenchmarkLocal measures the local commands on a Git worktree of 2,000 apps × 3 environments, of which every app has something to promote.
func BenchmarkLocal(b *testing.B) {
	files := map[string]string{".ferry.yaml": "apiVersion: ferry/v1\nenvironments: [{name: dev}, {name: staging, from: [dev]}, {name: prod, from: [staging]}]\n" +
		"apps: [{discover: \"apps/{app}/{env}/deployment.yaml\", images: [\"ghcr.io/acme/{app}\"]}]\n"}
	for i := range 2000 {
		for n, env := range []string{"prod", "staging", "dev"} {
			files[fmt.Sprintf("apps/%s/%s/deployment.yaml", appNumber(i), env)] = podOf(fmt.Sprintf("ghcr.io/acme/%s:1.%d.0", appNumber(i), n))
		}
	}
	dir := makeCheckout(b, files)
	if out, err := exec.Command("git", "-C", dir, "init", "--quiet").CombinedOutput(); err != nil {
		b.Fatalf("git init: %v %s", err, out)
	}
	for b.Loop() {
		for _, args := range [][]string{{"lint"}, {"plan"}, {"bump", "-e", "staging", "app7=1.2.0", "--dry-run"}} {
			began := time.Now()
			if code, _, errs := ferryIn(b, dir, args...); code != exitGood {
				b.Fatalf("ferry %v: exit %d, %s", args, code, errs)
			}
			took := time.Since(began).Seconds()
			figureWithin("local_"+args[0]+"_2000_apps", took, "s", secondsOfACheckout, took/secondsOfACheckout)
		}
	}
}
