package checkout_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ferry/promotion/checkout"
	"ferry/promotion/config"
)

func TestIncludedFiles(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		".ferry.yaml": "apiVersion: ferry/v1\ninclude: ['apps/{app}/ferry.yaml']\nenvironments: [{name: dev}, {name: prod, from: [dev], soak: 1h}]\n" +
			"apps: [{discover: 'apps/{app}/{env}.yaml', images: ['ghcr.io/acme/{app}']}]\n",
		"apps/web/ferry.yaml": "environments: {prod: {soak: 2h}}\n",
		"apps/web/dev.yaml":   pod("ghcr.io/acme/web:2"),
		"apps/web/prod.yaml":  pod("ghcr.io/acme/web:1"),
	}
	dir := write(t, files)
	d, err := open(t, dir).Desired(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := d.App("web").Find("prod").Soak; got != 2*time.Hour {
		t.Errorf("the soak is %v: the included file does not count", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "apps/web/ferry.yaml"), []byte("environments: {prod: {soak: 1m}}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var problems config.Errors
	if _, err := open(t, dir).Desired(t.Context(), nil); !errors.As(err, &problems) || problems[0].File != "apps/web/ferry.yaml" {
		t.Errorf("an included file that makes a rule looser: %v", err)
	}
	if err := errors.Join(os.Remove(filepath.Join(dir, "apps/web/ferry.yaml")), os.Symlink("dev.yaml", filepath.Join(dir, "apps/web/ferry.yaml"))); err != nil {
		t.Fatal(err)
	}
	var unreadable *checkout.UnreadableError
	if _, err := open(t, dir).Desired(t.Context(), nil); !errors.As(err, &unreadable) {
		t.Errorf("an included file that is a symbolic link: %v", err)
	}
}
