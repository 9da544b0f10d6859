package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"ferry/forge/sandbox/bare"
)

// command is one reference that a push wants to move.
type command struct {
	ref, before, after string
	refusal            refusal
	fault              string // why git itself would not move it
}

// pushed is a push taken apart: Git's own protocol (git-scm.com, gitprotocol-pack, "Reference Update Request").
type pushed struct {
	commands []*command
	atomic   bool
	side     bool // the client reads messages for people on a band of their own
	pack     []byte
}

var errNoPush = errors.New("this is no push as git writes it")

func parsePush(body []byte) (pushed, error) {
	var in pushed
	for first := true; ; first = false {
		line, rest, err := cutPacket(body)
		if err != nil {
			return in, err
		}
		body = rest
		if line == nil {
			break
		}
		text, features, _ := strings.Cut(strings.TrimSuffix(string(line), "\n"), "\x00")
		if first {
			list := strings.Fields(features)
			in.atomic, in.side = slices.Contains(list, "atomic"), slices.Contains(list, "side-band-64k")
		}
		words := strings.SplitN(text, " ", 3)
		if len(words) != 3 || len(words[0]) != 40 || len(words[1]) != 40 {
			return in, errNoPush
		}
		in.commands = append(in.commands, &command{before: words[0], after: words[1], ref: words[2]})
	}
	in.pack = body
	if i := bytes.Index(body, []byte("PACK")); i > 0 { // push options may stand before it
		in.pack = body[i:]
	}
	return in, nil
}

// cutPacket takes one packet off: nil is the one that ends a list.
func cutPacket(body []byte) (line, rest []byte, err error) {
	if len(body) < 4 {
		return nil, nil, errNoPush
	}
	n, err := strconv.ParseUint(string(body[:4]), 16, 16)
	switch {
	case err != nil || n > 0 && n < 4 || int(n) > len(body):
		return nil, nil, errNoPush
	case n == 0:
		return nil, body[4:], nil
	}
	return body[4:n], body[n:], nil
}

// screen holds a push against the rules of the branches that it moves. It says whether all may pass; git itself answers then.
func (s *Sandbox) screen(r *repository, in pushed, who *account) (bool, error) {
	ruled := slices.ContainsFunc(in.commands, func(c *command) bool {
		branch, ok := strings.CutPrefix(c.ref, "refs/heads/")
		return ok && r.guarded(branch)
	})
	if !ruled {
		return true, nil
	}
	if len(in.pack) > 0 { // the rules ask about the commits, so they have to be here; they stay unreachable if refused
		if err := r.git.Unpack(in.pack); err != nil {
			return true, nil //nolint:nilerr // git says better what is wrong with the pack
		}
	}
	good := true
	for _, c := range in.commands {
		branch, ok := strings.CutPrefix(c.ref, "refs/heads/")
		if !ok {
			continue
		}
		var err error
		if c.refusal, err = r.judge(move{branch: branch, before: c.before, after: c.after, who: who}); err != nil {
			return false, err
		}
		good = good && c.refusal.none()
	}
	return good, nil
}

// receive moves what a push may move, where the rules refuse some of it, and answers in git's place.
func (s *Sandbox) receive(w http.ResponseWriter, r *repository, in pushed) {
	for _, c := range in.commands {
		switch {
		case !c.refusal.none():
		case in.atomic:
			c.fault = "atomic push failure"
		default:
			if err := r.apply(c); err != nil {
				c.fault = "failed to update ref"
			}
		}
	}
	w.Header().Set("Content-Type", "application/x-git-receive-pack-result")
	w.Header().Set("Cache-Control", "no-cache")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(s.pushReport(r, in)) // it is held back: see buffered
}

func (r *repository) apply(c *command) error {
	if c.after == bare.Zero {
		return r.git.DeleteRef(c.ref)
	}
	return r.git.SetRef(c.ref, c.after, c.before)
}

// pushReport is the answer to a push: per reference what became of it, and what people read of the refusals.
func (s *Sandbox) pushReport(r *repository, in pushed) []byte {
	var report, out bytes.Buffer
	packet(&report, "unpack ok\n")
	for _, c := range in.commands {
		text := s.remoteText(r, c)
		if text != "" && in.side {
			packet(&out, "\x02"+text)
		}
		switch {
		case len(c.refusal.rules) > 0:
			packet(&report, "ng "+c.ref+" push declined due to repository rule violations\n")
		case !c.refusal.none():
			packet(&report, "ng "+c.ref+" protected branch hook declined\n")
		case c.fault != "":
			packet(&report, "ng "+c.ref+" "+c.fault+"\n")
		default:
			packet(&report, "ok "+c.ref+"\n")
		}
	}
	report.WriteString("0000")
	if !in.side {
		return report.Bytes()
	}
	packet(&out, "\x01"+report.String())
	out.WriteString("0000")
	return out.Bytes()
}

// remoteText is what git shows behind "remote:" of a refused branch.
func (s *Sandbox) remoteText(r *repository, c *command) string {
	text := ""
	if reasons := c.refusal.protection; len(reasons) == 1 {
		text = fmt.Sprintf("error: GH006: Protected branch update failed for %s.\nerror: %s\n", c.ref, reasons[0])
	} else if len(reasons) > 1 {
		text = fmt.Sprintf("error: GH006: Protected branch update failed for %s.\n\n- %s\n", c.ref, strings.Join(reasons, "\n- "))
	}
	if reasons := c.refusal.rules; len(reasons) > 0 {
		text += fmt.Sprintf("error: GH013: Repository rule violations found for %s.\nReview all repository rules at %s\n\n- %s\n\n",
			c.ref, s.html("/%s/rules?ref=%s", r.fullName(), strings.ReplaceAll(c.ref, "/", "%2F")), strings.Join(reasons, "\n\n- "))
	}
	return text
}

func packet(out *bytes.Buffer, text string) {
	fmt.Fprintf(out, "%04x%s", len(text)+4, text)
}
