package main

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"

	"ferry/forge"
	"ferry/forge/sandbox"
)

// The company of the demo, and its people.
const (
	demoOwner       = "acme"
	demoRepository  = "acme/environments"
	demoReleaser    = "dora" // merges
	demoDeveloper   = "ann"  // writes the apps
	demoThirdClient = "carl" // only looks
)

// acmeEnvironments returns the environments of the demo, upstream first.
func acmeEnvironments() []string { return []string{"dev", "staging", "prod"} }

//go:embed all:demo/environments
var acmeFiles embed.FS

// environmentFiles returns the environment repository's files. What stands below a folder ENV is there once for each environment.
func environmentFiles() (map[string]string, error) {
	const root = "demo/environments"
	files := map[string]string{}
	err := fs.WalkDir(acmeFiles, root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := acmeFiles.ReadFile(path)
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, root+"/")
		if !strings.Contains(name, "/ENV/") {
			files[name] = string(content)
			return nil
		}
		for i, environment := range acmeEnvironments() {
			fill := strings.NewReplacer("ENV", environment, "REPLICAS", fmt.Sprint(1<<i))
			files[fill.Replace(name)] = fill.Replace(string(content))
		}
		return nil
	})
	return files, err
}

// sourceCommit is one commit of a source repository.
type sourceCommit struct {
	message string
	file    string
	content string
}

// acmeSources returns what was written in each source repository, oldest first.
func acmeSources() map[string][]sourceCommit {
	return map[string][]sourceCommit{
		"checkout": {
			{"Take an order", "checkout.go", "package checkout\n\n// Take takes an order.\nfunc Take(order Order) error { return order.Check() }\n"},
			{"Show the total before payment", "total.go", "package checkout\n\n// Total returns what is to be paid, in cents.\nfunc (o Order) Total() int { return o.sum() + o.shipping() }\n"},
		},
		"cart": {
			{"Keep a basket for a week", "cart.go", "package cart\n\n// keepFor is how long a basket is kept, in hours.\nconst keepFor = 7 * 24\n"},
			{"Keep a basket for a month", "cart.go", "package cart\n\n// keepFor is how long a basket is kept, in hours.\nconst keepFor = 30 * 24\n"},
		},
		"web": {
			{"Put the basket into the head of the page", "head.html", "<header><a href=\"/cart\">basket</a></header>\n"},
			{"Say how many things are in the basket", "head.html", "<header><a href=\"/cart\">basket <b>{{.Count}}</b></a></header>\n"},
		},
	}
}

// foundAcme makes the people and repositories of the demo. It returns the newest commit of each source repository by its name.
func foundAcme(s *sandbox.Sandbox) (map[string]forge.SHA, error) {
	for _, login := range []string{demoReleaser, demoDeveloper, demoThirdClient} {
		s.AddUser(login)
	}
	files, err := environmentFiles()
	if err != nil {
		return nil, fmt.Errorf("reading the demo's manifests: %w", err)
	}
	if _, err := s.AddRepository(demoOwner, "environments", files); err != nil {
		return nil, err
	}
	if err := s.SetPermission(demoRepository, demoReleaser, forge.PermissionWrite); err != nil {
		return nil, err
	}
	newest := map[string]forge.SHA{}
	for name, commits := range acmeSources() {
		if newest[name], err = writeSource(s, name, commits); err != nil {
			return nil, err
		}
	}
	return newest, nil
}

func writeSource(s *sandbox.Sandbox, name string, commits []sourceCommit) (newest forge.SHA, err error) {
	readme := "# " + name + "\n\nIts images are built from here; what runs where stands in acme/environments.\n"
	if _, err := s.AddRepository(demoOwner, name, map[string]string{"README.md": readme}); err != nil {
		return "", err
	}
	if err := s.SetPermission(demoOwner+"/"+name, demoDeveloper, forge.PermissionWrite); err != nil {
		return "", err
	}
	for _, c := range commits {
		if newest, err = s.Commit(demoOwner+"/"+name, sandbox.Edit{As: demoDeveloper, Message: c.message, Files: map[string]string{c.file: c.content}}); err != nil {
			return "", err
		}
	}
	return newest, nil
}
