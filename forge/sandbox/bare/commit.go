package bare

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Signature says who did something to a commit, and when.
type Signature struct {
	Name  string
	Email string
	When  time.Time
}

// Commit is one commit.
type Commit struct {
	SHA       string
	Tree      string
	Parents   []string
	Author    Signature
	Committer Signature
	Message   string
}

// Commit returns the commit that name leads to. It fails with ErrMissing where there is none.
func (r *Repo) Commit(name string) (Commit, error) {
	obj, err := r.Object(name)
	if err == nil && obj.Type != "commit" {
		obj, err = r.Object(name + "^{commit}")
	}
	if err != nil {
		return Commit{}, err
	}
	return parseCommit(obj)
}

func parseCommit(obj Object) (Commit, error) {
	c := Commit{SHA: obj.SHA}
	head, message, _ := bytes.Cut(obj.Data, []byte("\n\n"))
	c.Message = string(message)
	for line := range strings.Lines(string(head)) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch key {
		case "tree":
			c.Tree = value
		case "parent":
			c.Parents = append(c.Parents, value)
		case "author":
			c.Author = parseSignature(value)
		case "committer":
			c.Committer = parseSignature(value)
		}
	}
	if c.Tree == "" {
		return Commit{}, fmt.Errorf("commit %s has no tree", obj.SHA)
	}
	return c, nil
}

func parseSignature(s string) Signature {
	who, when, _ := cutLast(s, "> ")
	name, email, _ := strings.Cut(who, " <")
	unix, zone, _ := strings.Cut(when, " ")
	seconds, _ := strconv.ParseInt(unix, 10, 64) // Git checked it; a broken one is 1970
	t := time.Unix(seconds, 0).UTC()
	if z, err := time.Parse("-0700", zone); err == nil {
		t = t.In(z.Location())
	}
	return Signature{Name: name, Email: email, When: t}
}

func cutLast(s, sep string) (string, string, bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// WriteCommit stores c, whose SHA is not looked at, and returns its name. It fails where git refuses it.
func (r *Repo) WriteCommit(c Commit) (string, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "tree %s\n", c.Tree)
	for _, p := range c.Parents {
		fmt.Fprintf(&b, "parent %s\n", p)
	}
	fmt.Fprintf(&b, "author %s\ncommitter %s\n\n%s", c.Author.git(), c.Committer.git(), c.Message)
	out, err := r.run(b.Bytes(), "hash-object", "-t", "commit", "-w", "--stdin")
	if err != nil {
		return "", fmt.Errorf("write a commit of tree %s: %w", c.Tree, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// git returns the signature as it stands in a commit. What would end a name or an address early is left out.
func (s Signature) git() string {
	clean := strings.NewReplacer("<", "", ">", "", "\n", " ", "\x00", "")
	return fmt.Sprintf("%s <%s> %d %s", clean.Replace(s.Name), clean.Replace(s.Email), s.When.Unix(), s.When.Format("-0700"))
}
