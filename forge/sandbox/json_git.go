package sandbox

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"ferry/forge/sandbox/bare"
)

// escapeSegment escapes what stands between two slashes of an address.
func escapeSegment(s string) string { return url.PathEscape(s) }

// escapePath escapes a path and leaves its slashes.
func escapePath(p string) string {
	parts := strings.Split(p, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}

func signatureJSON(x bare.Signature) object {
	return object{"name": x.Name, "email": x.Email, "date": stamp(x.When)}
}

// verificationJSON says whether the forge vouches for a commit: it does for those it made itself.
func (s *Sandbox) verificationJSON(r *repository, c bare.Commit) object {
	if !r.signed[c.SHA] {
		return object{"verified": false, "reason": "unsigned", "signature": nil, "payload": nil, "verified_at": nil}
	}
	return object{
		"verified": true, "reason": "valid", "signature": "-----BEGIN PGP SIGNATURE-----\n-----END PGP SIGNATURE-----\n",
		"payload": c.Message, "verified_at": stamp(c.Committer.When),
	}
}

// gitCommitJSON is a commit as the Git data API shows it: without accounts.
func (s *Sandbox) gitCommitJSON(r *repository, c bare.Commit) object {
	repo := s.api("/repos/%s", r.fullName())
	parents := []object{}
	for _, p := range c.Parents {
		parents = append(parents, object{"sha": p, "url": repo + "/git/commits/" + p, "html_url": s.html("/%s/commit/%s", r.fullName(), p)})
	}
	return object{
		"sha": c.SHA, "node_id": nodeID("Commit", c.SHA), "url": repo + "/git/commits/" + c.SHA,
		"html_url": s.html("/%s/commit/%s", r.fullName(), c.SHA), "author": signatureJSON(c.Author),
		"committer": signatureJSON(c.Committer), "message": c.Message, "tree": object{"sha": c.Tree, "url": repo + "/git/trees/" + c.Tree},
		"parents": parents, "verification": s.verificationJSON(r, c),
	}
}

// commitJSON is a commit as the rest of the API shows it: with the accounts its addresses belong to.
func (s *Sandbox) commitJSON(r *repository, c bare.Commit) object {
	repo := s.api("/repos/%s", r.fullName())
	parents := []object{}
	for _, p := range c.Parents {
		parents = append(parents, object{"sha": p, "url": repo + "/commits/" + p, "html_url": s.html("/%s/commit/%s", r.fullName(), p)})
	}
	return object{
		"sha": c.SHA, "node_id": nodeID("Commit", c.SHA), "url": repo + "/commits/" + c.SHA,
		"html_url": s.html("/%s/commit/%s", r.fullName(), c.SHA), "comments_url": repo + "/commits/" + c.SHA + "/comments",
		"commit": object{
			"url": repo + "/git/commits/" + c.SHA, "author": signatureJSON(c.Author), "committer": signatureJSON(c.Committer),
			"message": c.Message, "comment_count": 0, "tree": object{"sha": c.Tree, "url": repo + "/git/trees/" + c.Tree},
			"verification": s.verificationJSON(r, c),
		},
		"author": s.userJSON(s.st.byEmail[c.Author.Email]), "committer": s.userJSON(s.st.byEmail[c.Committer.Email]), "parents": parents,
	}
}

// commitsJSON reads and shows the commits named.
func (s *Sandbox) commitsJSON(r *repository, shas []string) ([]object, error) {
	list := []object{}
	for _, sha := range shas {
		c, err := r.git.Commit(sha)
		if err != nil {
			return nil, err
		}
		list = append(list, s.commitJSON(r, c))
	}
	return list, nil
}

// fileJSON is one file of a diff whose new side is ref.
func (s *Sandbox) fileJSON(r *repository, ref string, f bare.FileChange) object {
	words := map[byte]string{'A': "added", 'D': "removed", 'M': "modified", 'R': "renamed", 'C': "copied", 'T': "changed"}
	path := escapePath(f.Path)
	o := object{
		"sha": f.SHA, "filename": f.Path, "status": words[f.Status], "additions": f.Additions, "deletions": f.Deletions,
		"changes": f.Additions + f.Deletions, "blob_url": s.html("/%s/blob/%s/%s", r.fullName(), ref, path),
		"raw_url":      s.html("/%s/raw/%s/%s", r.fullName(), ref, path),
		"contents_url": s.api("/repos/%s/contents/%s?ref=%s", r.fullName(), path, ref),
	}
	if f.Previous != "" {
		o["previous_filename"] = f.Previous
	}
	if f.Patch != "" {
		o["patch"] = f.Patch
	}
	return o
}

func (s *Sandbox) filesJSON(r *repository, ref string, files []bare.FileChange) []object {
	list := []object{}
	for _, f := range files {
		list = append(list, s.fileJSON(r, ref, f))
	}
	return list
}

// sortedRefs returns the references of a list below prefix, by name.
func sortedRefs(all map[string]string, prefix string) []bare.Ref {
	var list []bare.Ref
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if strings.HasPrefix(name, prefix) {
			list = append(list, bare.Ref{Name: name, SHA: all[name]})
		}
	}
	return list
}

func (s *Sandbox) refJSON(r *repository, ref bare.Ref) object {
	u := s.api("/repos/%s/git/%s", r.fullName(), escapePath(ref.Name))
	kind := "commit"
	if obj, err := r.git.Object(ref.SHA); err == nil {
		kind = obj.Type
	}
	return object{
		"ref": ref.Name, "node_id": nodeID("Ref", ref.Name), "url": u,
		"object": object{"type": kind, "sha": ref.SHA, "url": s.api("/repos/%s/git/%ss/%s", r.fullName(), kind, ref.SHA)},
	}
}
