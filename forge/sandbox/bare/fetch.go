package bare

import (
	"fmt"
	"os"
)

// Open returns the bare repository that stands in dir. It fails where there is none.
func (g *Git) Open(dir string) (*Repo, error) {
	if _, err := os.Stat(dir + "/HEAD"); err != nil {
		return nil, fmt.Errorf("open repository: %w", err)
	}
	return &Repo{git: g, dir: dir}, nil
}

// Fetch brings what refs ("refs/heads/main", "+refs/heads/*:refs/heads/*") name in another repository into this one, with
// everything they lead to. A reference here is moved only where one is named behind the colon. It fails where from has no
// such reference.
func (r *Repo) Fetch(from *Repo, refs ...string) error {
	args := []string{"fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", from.dir}
	if _, err := r.run(nil, append(args, refs...)...); err != nil {
		return fmt.Errorf("fetch %v: %w", refs, err)
	}
	return nil
}

// Unpack stores the objects of a pack as git clients push it. No reference moves. It fails for what is no pack, or one that
// builds on objects that are not there.
func (r *Repo) Unpack(pack []byte) error {
	if _, err := r.run(pack, "index-pack", "--stdin", "--fix-thin"); err != nil {
		return fmt.Errorf("unpack %d bytes: %w", len(pack), err)
	}
	return nil
}
