package github

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"ferry/forge"
)

// contentsAnswer is what GitHub says of one path (docs.github.com, "REST API endpoints for repository contents").
type contentsAnswer struct {
	Type     string `json:"type"`
	Path     string `json:"path"`
	SHA      string `json:"sha"`
	Size     int64  `json:"size"`
	Encoding string `json:"encoding"`
	Content  string `json:"content"`
	Target   string `json:"target"`
}

// File returns the file at path as it stands at ref: a commit, a branch, or the default branch where it is empty. A directory or a submodule there, or more than
// 5 MiB, is forge.ErrInvalid. Of a symbolic link that leads to a file of the repository GitHub answers that file: the content
// is the target's and Symlink is set; of any other link the content is the link's own text.
func (c *Client) File(ctx context.Context, repo forge.Repo, path, ref string) (forge.File, error) {
	call := fmt.Sprintf("reading the file %s of %s at %s", path, repo.FullName(), ref)
	at := ""
	if ref != "" {
		at = "?ref=" + url.QueryEscape(ref)
	}
	if err := refused(call, checkRepo(repo), checkPath(path), checkBranch(cmp.Or(ref, "HEAD"))); err != nil {
		return forge.File{}, err
	}
	var raw json.RawMessage
	if err := c.get(ctx, repoPath(repo, "contents/"+escapePath(path)+at), &raw); err != nil {
		return forge.File{}, c.failed(call, err)
	}
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("[")) {
		return forge.File{}, c.wrap(call, forge.ErrInvalid, "it is a directory")
	}
	var answer contentsAnswer
	if err := json.Unmarshal(raw, &answer); err != nil {
		return forge.File{}, c.wrap(call, forge.ErrUnavailable, "GitHub's answer: "+err.Error())
	}
	return c.file(ctx, call, repo, path, &answer)
}

func (c *Client) file(ctx context.Context, call string, repo forge.Repo, path string, answer *contentsAnswer) (forge.File, error) {
	name, err := sha(call, answer.SHA)
	if err != nil {
		return forge.File{}, err
	}
	file := forge.File{Path: path, SHA: name}
	switch {
	case answer.Type == "symlink":
		file.Symlink, file.Content = true, []byte(answer.Target)
		return file, nil
	case answer.Type != "file":
		return forge.File{}, c.wrap(call, forge.ErrInvalid, fmt.Sprintf("it is a %s", answer.Type))
	case answer.Size > maxBlob:
		return forge.File{}, c.wrap(call, forge.ErrInvalid, fmt.Sprintf("it has %d bytes, and Ferry reads files of up to 5 MiB", answer.Size))
	}
	// The answer to a link that was followed names the place it leads to.
	file.Symlink = answer.Path != "" && answer.Path != path
	if answer.Encoding == "none" || answer.Content == "" && answer.Size > 0 { // over 1 MB
		file.Content, err = c.Blob(ctx, repo, name)
	} else {
		file.Content, err = c.decode(call, answer.Encoding, answer.Content)
	}
	return file, err
}

func escapePath(path string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		segments[i] = url.PathEscape(segment)
	}
	return strings.Join(segments, "/")
}
