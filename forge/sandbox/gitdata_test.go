package sandbox_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

func TestGitData(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	main := w.call(token, "GET", "~/git/ref/heads/main", "", 200).str("object.sha")
	tree := w.call(token, "GET", "~/git/commits/"+main, "", 200).str("tree.sha")
	blob := w.call(token, "POST", "~/git/blobs", fmt.Sprintf(`{"content":%q,"encoding":"base64"}`, base64.StdEncoding.EncodeToString([]byte("\x00\xff"+strings.Repeat("x", 100)))), 201).str("sha")
	w.call(token, "GET", "~/git/blobs/"+blob, "", 200).want(map[string]string{"size": "102", "encoding": "base64"})
	w.call(token, "GET", "~/git/blobs/"+tree, "", 404)
	w.call(token, "GET", "~/git/blobs/"+strings.Repeat("a", 40), "", 404)

	order := fmt.Sprintf(`{"base_tree":%q,"tree":[
		{"path":"README.md","mode":"100644","type":"blob","sha":null},
		{"path":"bin/run","mode":"100755","type":"blob","content":"#!/bin/sh\n"},
		{"path":"data","mode":"100644","type":"blob","sha":%q}]}`, tree, blob)
	made := w.call(token, "POST", "~/git/trees", order, 201).str("sha")
	all := w.call(token, "GET", "~/git/trees/"+made+"?recursive=1", "", 200)
	var paths []string
	for i := range all.size("tree") {
		paths = append(paths, all.str(fmt.Sprintf("tree.%d.mode", i))+" "+all.str(fmt.Sprintf("tree.%d.path", i)))
	}
	want := "040000 apps,040000 apps/shop,040000 apps/shop/dev,100644 apps/shop/dev/kustomization.yaml,040000 bin,100755 bin/run,100644 data"
	if got := strings.Join(paths, ","); got != want {
		t.Errorf("tree = %s, want %s", got, want)
	}
	w.call(token, "GET", "~/git/trees/main?recursive=1", "", 200)

	commit := w.call(token, "POST", "~/git/commits", fmt.Sprintf(`{"message":"from an app","tree":%q,"parents":[%q]}`, made, main), 201)
	commit.want(map[string]string{"verification.verified": "true", "author.name": "ferry[bot]", "committer.name": "GitHub", "message": "from an app"})
	signed := w.call(token, "POST", "~/git/commits", fmt.Sprintf(`{"message":"named","tree":%q,"parents":[%q],"author":{"name":"X","email":"x@example.com","date":"2025-01-02T03:04:05Z"}}`, made, main), 201)
	signed.want(map[string]string{"verification.verified": "false", "author.name": "X", "author.date": "2025-01-02T03:04:05Z"})
	w.call(token, "GET", "~/commits/"+commit.str("sha"), "", 200).want(map[string]string{
		"author.login": "ferry[bot]", "author.id": fmt.Sprint(w.bot.ID), "commit.verification.verified": "true", "parents.0.sha": main, "commit.tree.sha": made,
		"files.0.filename": "README.md", "files.0.status": "removed",
	})
}

func TestGitDataRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	main := w.call(token, "GET", "~/git/ref/heads/main", "", 200).str("object.sha")
	tree := w.call(token, "GET", "~/git/commits/"+main, "", 200).str("tree.sha")
	none := strings.Repeat("a", 40)
	for _, test := range []struct{ path, body string }{
		{"trees", `{"tree":[]}`},
		{"trees", `{"tree":[{"path":"a","mode":"100644","type":"blob"}]}`},
		{"trees", `{"tree":[{"path":"../a","mode":"100644","type":"blob","content":"x"}]}`},
		{"trees", `{"tree":[{"path":".git/config","mode":"100644","type":"blob","content":"x"}]}`},
		{"trees", `{"tree":[{"path":"a//b","mode":"100644","type":"blob","content":"x"}]}`},
		{"trees", `{"tree":[{"path":"a","mode":"100644\n","type":"blob","content":"x"}]}`},
		{"trees", fmt.Sprintf(`{"tree":[{"path":"a","mode":"100644","type":"blob","sha":%q}]}`, none)},
		{"trees", fmt.Sprintf(`{"base_tree":%q,"tree":[{"path":"a","mode":"100644","type":"blob","content":"x"}]}`, none)},
		{"commits", fmt.Sprintf(`{"message":"x","tree":%q}`, none)},
		{"commits", fmt.Sprintf(`{"message":"x","tree":%q}`, main)},
		{"commits", fmt.Sprintf(`{"message":"x","tree":%q,"parents":[%q]}`, tree, none)},
		{"commits", fmt.Sprintf(`{"tree":%q}`, tree)},
		{"refs", fmt.Sprintf(`{"ref":"heads/x","sha":%q}`, main)},
		{"refs", fmt.Sprintf(`{"ref":"refs/heads/a..b","sha":%q}`, main)},
		{"refs", fmt.Sprintf(`{"ref":"refs/heads/x","sha":%q}`, none)},
		{"refs", fmt.Sprintf(`{"ref":"refs/heads/main","sha":%q}`, main)},
		{"blobs", `{"content":"%%%","encoding":"base64"}`},
	} {
		w.call(token, "POST", "~/git/"+test.path, test.body, 422)
	}
	w.call(token, "POST", "~/git/blobs", `{"content":`, 400)
	w.call(token, "POST", "~/git/blobs", `{"content":7}`, 422)
	for _, path := range []string{"~/git/ref/heads/none", "~/git/ref/heads/main%5E", "~/git/commits/" + none, "~/git/commits/main", "~/git/trees/none", "~/contents/none", "~/contents/README.md?ref=none", "~/compare/main...none", "~/branches/none", "~/pulls/1", "~/issues/1", "~/issues/x", "~/issues/comments/1", "/repos/acme/none"} {
		w.call(token, "GET", path, "", 404)
	}
	w.call(token, "GET", "~/commits/none", "", 422)
	w.call(w.bob.Token, "POST", "~/git/blobs", `{"content":"x"}`, 403)
	w.call("", "POST", "~/git/blobs", `{"content":"x"}`, 401)
}

func TestReferences(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	first := w.commitOn(token, "ferry/staging/shop", "a", "1")
	other := w.commitOn(token, "other", "a", "2")
	w.call(token, "GET", "~/git/ref/heads/ferry/staging/shop", "", 200).want(map[string]string{"ref": "refs/heads/ferry/staging/shop", "object.sha": first})
	if n := w.call(token, "GET", "~/git/matching-refs/heads/ferry/", "", 200).size(""); n != 1 {
		t.Errorf("%d matching references, want 1", n)
	}
	w.call(token, "GET", "~/branches", "", 200).want(map[string]string{"0.name": "ferry/staging/shop", "1.name": "main"})
	for _, path := range []string{"~/branches/ferry/staging/shop", "~/branches/ferry%2Fstaging%2Fshop"} {
		w.call(token, "GET", path, "", 200).want(map[string]string{"name": "ferry/staging/shop", "protected": "false", "commit.sha": first})
	}
	if n := w.call(token, "GET", "~/rules/branches/main", "", 200).size(""); n != 0 {
		t.Errorf("%d rules, want none", n)
	}
	w.call(token, "PATCH", "~/git/refs/heads/ferry/staging/shop", fmt.Sprintf(`{"sha":%q}`, other), 422).want(map[string]string{"message": "Update is not a fast forward"})
	w.call(token, "PATCH", "~/git/refs/heads/ferry/staging/shop", fmt.Sprintf(`{"sha":%q,"force":true}`, other), 200).want(map[string]string{"object.sha": other})
	w.call(token, "PATCH", "~/git/refs/heads/none", fmt.Sprintf(`{"sha":%q}`, other), 422).want(map[string]string{"message": "Reference does not exist"})
	w.call(token, "DELETE", "~/git/refs/heads/ferry/staging/shop", "", 204)
	w.call(token, "DELETE", "~/git/refs/heads/ferry/staging/shop", "", 422)
	w.call(token, "DELETE", "~/git/refs/heads/main", "", 422)
	// A commit without parents begins a branch of its own.
	tree := w.call(token, "POST", "~/git/trees", `{"tree":[{"path":"state.yaml","mode":"100644","type":"blob","content":"{}\n"}]}`, 201).str("sha")
	orphan := w.call(token, "POST", "~/git/commits", fmt.Sprintf(`{"message":"state","tree":%q,"parents":[]}`, tree), 201).str("sha")
	w.call(token, "POST", "~/git/refs", fmt.Sprintf(`{"ref":"refs/heads/ferry-state","sha":%q}`, orphan), 201)
	w.call(token, "POST", "~/pulls", `{"title":"x","head":"ferry-state","base":"main"}`, 422)
	w.call(token, "GET", "~/compare/main...ferry-state", "", 404)
}

func TestContentsCommitsAndComparisons(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	first := w.call(token, "GET", "~/git/ref/heads/main", "", 200).str("object.sha")
	main := w.call(token, "GET", "~/contents/apps/shop/dev/kustomization.yaml?ref=main", "", 200)
	main.want(map[string]string{"type": "file", "encoding": "base64", "path": "apps/shop/dev/kustomization.yaml", "name": "kustomization.yaml"})
	if content, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(main.str("content"), "\n", "")); err != nil || !strings.HasPrefix(string(content), "images:") {
		t.Errorf("content = %q, %v", content, err)
	}
	w.call(token, "GET", "~/contents/apps?ref="+first, "", 200).want(map[string]string{"0.type": "dir", "0.path": "apps/shop"})
	tree := w.call(token, "POST", "~/git/trees", `{"tree":[{"path":"link","mode":"120000","type":"blob","content":"README.md"},{"path":"big","mode":"100644","type":"blob","content":"`+strings.Repeat("x", 1<<20+1)+`"},{"path":"module","mode":"160000","type":"commit","sha":"`+first+`"}]}`, 201).str("sha")
	odd := w.call(token, "POST", "~/git/commits", fmt.Sprintf(`{"message":"odd","tree":%q,"parents":[%q]}`, tree, first), 201).str("sha")
	w.call(token, "GET", "~/contents/link?ref="+odd, "", 200).want(map[string]string{"type": "symlink", "target": "README.md"})
	w.call(token, "GET", "~/contents/module?ref="+odd, "", 200).want(map[string]string{"type": "submodule"})
	w.call(token, "GET", "~/contents/big?ref="+odd, "", 200).want(map[string]string{"encoding": "none", "content": "", "size": fmt.Sprint(1<<20 + 1)})

	left, right := w.commitOn(token, "left", "l", "1"), w.commitOn(token, "ferry/right", "r", "1")
	w.call(token, "GET", "~/compare/main...ferry%2Fright", "", 200).want(map[string]string{"status": "ahead", "ahead_by": "1", "commits.0.sha": right, "files.0.filename": "r", "merge_base_commit.sha": first})
	w.call(token, "GET", "~/compare/"+right+"..."+first, "", 200).want(map[string]string{"status": "behind", "behind_by": "1"})
	w.call(token, "GET", "~/compare/acme:left...ferry/right", "", 200).want(map[string]string{"status": "diverged", "base_commit.sha": left})
	w.call(token, "GET", "~/compare/main...main", "", 200).want(map[string]string{"status": "identical", "total_commits": "0"})

	w.call(token, "GET", "~/commits?sha=left", "", 200).want(map[string]string{"0.sha": left, "1.sha": first})
	if n := w.call(token, "GET", "~/commits?sha=left&path=l", "", 200).size(""); n != 1 {
		t.Errorf("%d commits touch l, want 1", n)
	}
	got := w.callWith(token, "GET", "~/commits/left", "", map[string]string{"Accept": "application/vnd.github.sha"}, 200)
	if string(got.raw) != left {
		t.Errorf("sha = %s, want %s", got.raw, left)
	}
}

func TestConditionsAndPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	got := w.call(token, "GET", "~", "", 200)
	tag := got.header.Get("ETag")
	w.callWith(token, "GET", "~", "", map[string]string{"If-None-Match": tag}, 304)
	for i := range 5 {
		w.call(token, "POST", "~/issues", fmt.Sprintf(`{"title":"Issue %d"}`, i), 201)
	}
	w.callWith(token, "GET", "~", "", map[string]string{"If-None-Match": tag}, 200)
	page := w.call(token, "GET", "~/issues?per_page=2&page=2", "", 200)
	page.want(map[string]string{"0.title": "Issue 2", "1.title": "Issue 1"})
	for _, rel := range []string{"prev", "next", "first", "last"} {
		if !strings.Contains(page.header.Get("Link"), fmt.Sprintf("rel=%q", rel)) {
			t.Errorf("Link = %s, without %s", page.header.Get("Link"), rel)
		}
	}
	if n := w.call(token, "GET", "~/issues?per_page=2&page=9", "", 200).size(""); n != 0 {
		t.Errorf("a page beyond the last has %d entries", n)
	}
}
