package bare

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Entry is one entry of a tree.
type Entry struct {
	Path string
	Mode string // six octal digits
	Type string // blob, tree or commit
	SHA  string
	Size int64 // of a blob
}

// Tree returns the entries of the tree that name leads to, with full paths and also inside folders if recursive. It
// fails with ErrMissing where name leads to no tree.
func (r *Repo) Tree(name string, recursive bool) ([]Entry, error) {
	obj, err := r.Object(name + "^{tree}")
	if err != nil {
		return nil, err
	}
	args := []string{"ls-tree", "-z", "-l"}
	if recursive {
		args = append(args, "-r", "-t")
	}
	out, err := r.about([]string{obj.SHA}, nil, append(args, obj.SHA)...)
	if err != nil {
		return nil, err
	}
	var entries []Entry
	for _, line := range strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		meta, path, ok := strings.Cut(line, "\t")
		f := strings.Fields(meta)
		if !ok || len(f) != 4 {
			continue
		}
		size, _ := strconv.ParseInt(f[3], 10, 64) // "-" for what is no blob
		entries = append(entries, Entry{Path: path, Mode: f[0], Type: f[1], SHA: f[2], Size: size})
	}
	return entries, nil
}

// WriteBlobs stores each of contents and returns their names in the same order.
func (r *Repo) WriteBlobs(contents ...[]byte) ([]string, error) {
	if len(contents) == 0 {
		return nil, nil
	}
	dir, err := os.MkdirTemp(r.dir, "blobs-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var list bytes.Buffer
	for i, c := range contents {
		file := filepath.Join(dir, strconv.Itoa(i))
		if err := os.WriteFile(file, c, 0o600); err != nil {
			return nil, err
		}
		list.WriteString(file + "\n")
	}
	out, err := r.run(list.Bytes(), "hash-object", "-w", "--no-filters", "--stdin-paths")
	if err != nil {
		return nil, err
	}
	return lines(out), nil
}

// Change is one path of a tree to be written. With an empty SHA the path is removed.
type Change struct {
	Path string
	Mode string
	SHA  string
}

// WriteTree stores the tree that base becomes with changes, and returns its name; an empty base is the tree without
// entries. It fails where an object that a change names is missing or a path is none Git takes.
func (r *Repo) WriteTree(base string, changes []Change) (string, error) {
	index, err := os.CreateTemp(r.dir, "index-")
	if err != nil {
		return "", err
	}
	name := index.Name()
	_ = index.Close()
	_ = os.Remove(name) // git wants to make it; only the name was needed
	defer func() { _ = os.Remove(name) }()
	env := []string{"GIT_INDEX_FILE=" + name}
	if base != "" && base != EmptyTree {
		if _, err := r.runEnv(env, nil, "read-tree", base); err != nil {
			return "", fmt.Errorf("tree %s: %w: %w", base, ErrMissing, err)
		}
	}
	if err := r.applyChanges(env, changes); err != nil {
		return "", err
	}
	out, err := r.runEnv(env, nil, "write-tree")
	if err != nil {
		return "", fmt.Errorf("write a tree on %q: %w: %w", base, ErrMissing, err)
	}
	return strings.TrimSpace(string(out)), nil
}

func (r *Repo) applyChanges(env []string, changes []Change) error {
	var info bytes.Buffer
	for _, c := range changes {
		switch {
		case c.SHA == "":
			fmt.Fprintf(&info, "0 %s\t%s\x00", Zero, c.Path)
		case c.Mode == "040000":
			if err := r.replaceFolder(env, c); err != nil {
				return err
			}
		default:
			fmt.Fprintf(&info, "%s %s\t%s\x00", c.Mode, c.SHA, c.Path)
		}
	}
	if info.Len() == 0 {
		return nil
	}
	if _, err := r.runEnv(env, info.Bytes(), "update-index", "--replace", "-z", "--index-info"); err != nil {
		return fmt.Errorf("change paths of a tree: %w", err)
	}
	return nil
}

// replaceFolder puts the whole tree c.SHA in the place of the folder c.Path: an index holds files only.
func (r *Repo) replaceFolder(env []string, c Change) error {
	env = append(env, "GIT_WORK_TREE="+r.dir) // both commands ask for one; neither looks at a file in it
	if _, err := r.runEnv(env, nil, "rm", "--cached", "-r", "-q", "--ignore-unmatch", "--", c.Path); err != nil {
		return err
	}
	if _, err := r.runEnv(env, nil, "read-tree", "-i", "--prefix="+c.Path+"/", c.SHA); err != nil {
		return fmt.Errorf("tree %s: %w: %w", c.SHA, ErrMissing, err)
	}
	return nil
}

// MergeTrees merges commit theirs into commit ours and returns the tree that comes of it; clean says whether there was
// no conflict.
func (r *Repo) MergeTrees(ours, theirs string) (tree string, clean bool, err error) {
	out, err := r.about([]string{ours, theirs}, nil, "merge-tree", "--write-tree", "--no-messages", "--allow-unrelated-histories", ours, theirs)
	if exitCode(err) == 1 {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	return strings.TrimSpace(string(out)), true, nil
}

// PickTree returns the tree of commit onto with the change that commit made to its first parent on top.
func (r *Repo) PickTree(commit, onto Commit) (tree string, clean bool, err error) {
	if len(commit.Parents) == 0 {
		return r.MergeTrees(onto.SHA, commit.SHA)
	}
	// Git 2.39 finds the base of a merge by itself only: a commit that has the tree of onto and the parent of commit
	// makes that parent the base.
	stand := onto
	stand.Parents = commit.Parents[:1]
	ours, err := r.WriteCommit(stand)
	if err != nil {
		return "", false, err
	}
	return r.MergeTrees(ours, commit.SHA)
}
