package bare

import (
	"fmt"
	"strconv"
	"strings"
)

// FileChange is what became of one file between two trees.
type FileChange struct {
	Path      string
	Previous  string // its earlier path, where it was renamed
	Status    byte   // Git's letter: A, D, M, R, C or T
	SHA       string // of the new blob, or of the old one where the file was removed
	Additions int    // lines; 0 for a binary file
	Deletions int
	Patch     string // the hunks, without Git's head; empty for a binary file
}

// Diff returns what changed from tree-ish from to tree-ish to, renames found, with the text of each change.
func (r *Repo) Diff(from, to string) ([]FileChange, error) {
	out, err := r.about([]string{from, to}, nil, "diff-tree", "-r", "-M", "-z", "--raw", "--numstat", "--no-commit-id", "--full-index", from, to)
	if err != nil {
		return nil, fmt.Errorf("diff %s %s: %w", from, to, err)
	}
	changes, err := parseRaw(strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"))
	if err != nil || len(changes) == 0 {
		return nil, err
	}
	patch, err := r.about([]string{from, to}, nil, "diff-tree", "-r", "-M", "-p", "--no-commit-id", "--full-index", from, to)
	if err != nil {
		return nil, fmt.Errorf("diff %s %s: %w", from, to, err)
	}
	giveHunks(changes, splitPatch(string(patch)))
	return changes, nil
}

// giveHunks gives each change its hunks: both come in the same order, but a file that became a link, or the other way
// round, is two in a patch, its removal and its addition.
func giveHunks(changes []FileChange, hunks []string) {
	for i := range changes {
		n := 1
		if changes[i].Status == 'T' {
			n = 2
		}
		if len(hunks) < n {
			return
		}
		changes[i].Patch = strings.Join(hunks[:n], "\n")
		hunks = hunks[n:]
	}
}

// parseRaw reads what --raw and --numstat write with -z: first all entries, then all counts, in the same order.
func parseRaw(f []string) ([]FileChange, error) {
	var changes []FileChange
	i := 0
	for i < len(f) && strings.HasPrefix(f[i], ":") {
		meta := strings.Fields(f[i])
		if len(meta) != 5 || i+1 >= len(f) {
			return nil, fmt.Errorf("git diff-tree wrote %q", f[i])
		}
		c := FileChange{Status: meta[4][0], SHA: meta[3], Path: f[i+1]}
		if c.SHA == Zero {
			c.SHA = meta[2]
		}
		i += 2
		if (c.Status == 'R' || c.Status == 'C') && i < len(f) {
			c.Previous, c.Path = c.Path, f[i]
			i++
		}
		changes = append(changes, c)
	}
	for n := 0; i < len(f) && n < len(changes); n++ {
		counts := strings.SplitN(f[i], "\t", 3)
		if len(counts) != 3 {
			break
		}
		changes[n].Additions, _ = strconv.Atoi(counts[0]) // "-" for a binary file
		changes[n].Deletions, _ = strconv.Atoi(counts[1])
		i++
		if counts[2] == "" { // a rename names both paths in fields of their own
			i += 2
		}
	}
	return changes, nil
}

// splitPatch returns the hunks of each file of a patch, in order.
func splitPatch(patch string) []string {
	var files []string
	var hunks strings.Builder
	inFile, inHunk := false, false
	flush := func() {
		if inFile {
			files = append(files, strings.TrimSuffix(hunks.String(), "\n"))
		}
		hunks.Reset()
	}
	for line := range strings.Lines(patch) {
		switch {
		case strings.HasPrefix(line, "diff --git "):
			flush()
			inFile, inHunk = true, false
		case strings.HasPrefix(line, "@@ "):
			inHunk = true
			hunks.WriteString(line)
		case inHunk:
			hunks.WriteString(line)
		}
	}
	flush()
	return files
}

// Touched is the paths that one commit changed against its first parent.
type Touched struct {
	Added    []string
	Removed  []string
	Modified []string
}

// Touched returns what each of commits changed, keyed by the commit.
func (r *Repo) Touched(commits []string) (map[string]Touched, error) {
	found := map[string]Touched{}
	if len(commits) == 0 {
		return found, nil
	}
	in := []byte(strings.Join(commits, "\n") + "\n")
	out, err := r.about(commits, in, "diff-tree", "--stdin", "-r", "-z", "--root", "--no-renames", "--name-status", "--diff-merges=first-parent")
	if err != nil {
		return nil, fmt.Errorf("paths of %d commits: %w", len(commits), err)
	}
	f := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	var sha string
	for i := 0; i < len(f); i++ {
		if len(f[i]) == 40 {
			sha = f[i]
			continue
		}
		if i+1 >= len(f) {
			break
		}
		t := found[sha]
		t.add(f[i], f[i+1])
		found[sha] = t
		i++
	}
	return found, nil
}

func (t *Touched) add(status, path string) {
	switch status {
	case "A":
		t.Added = append(t.Added, path)
	case "D":
		t.Removed = append(t.Removed, path)
	default:
		t.Modified = append(t.Modified, path)
	}
}
