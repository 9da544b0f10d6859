package promotion

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"ferry/forge"
)

// Shown is the open pull request under which a comment stands, and what it showed when the comment was made: what commands are bound to.
type Shown struct {
	Number  int
	Head    forge.SHA
	Edit    string // what that head shows; see PullWish
	Void    string // why commands that are bound to it are void; empty where they are not
	Release Release
	Cars    []Car // of a train: its apps, with what it brings of each
	// Uncounted says why an approval by who wrote the comment does not count, by app; nothing where it does, or the comment gives none.
	Uncounted map[string]string
}

// HeadSeen is a head of a pull request, and by when, in the forge's clock, it was that at the latest.
type HeadSeen struct {
	Number int
	SHA    forge.SHA
	By     time.Time
}

// VoidAt says why a command is void that is bound to what a pull request showed when the comment was made, at said in the forge's clock; "" where it is
// not. since is when the pull request came to stand at its head, in the same clock, and zero where Ferry cannot tell. Of what happened in the same
// second nobody knows which came first.
func VoidAt(number int, open, known bool, since, said time.Time) string {
	switch {
	case !open:
		return fmt.Sprintf("#%d is not open any more", number)
	case !known:
		return fmt.Sprintf("#%d shows a commit that Ferry did not make (`/retry` makes it anew)", number)
	case since.IsZero():
		return fmt.Sprintf("Ferry cannot tell whether #%d showed the same when you wrote that. Look at it, and say it again", number)
	case !since.Before(said):
		return fmt.Sprintf("#%d has changed since you wrote that, or in the same moment. Look at what it shows now, and say it again", number)
	}
	return ""
}

// Given is what a person gave a pull request by a command that is bound to what it shows. Ferry's answer to the command keeps it, out of sight: from
// there a lost database reads it back.
type Given struct {
	Command string    `json:"command"`
	Head    forge.SHA `json:"head"`
	Edit    string    `json:"edit,omitempty"`
	Gate    string    `json:"gate,omitempty"`
	Reason  string    `json:"reason,omitempty"`
}

// mark returns the line that keeps it. JSON as Go writes it has no < and > in it, so that nothing ends the HTML comment early.
func (g Given) mark() string {
	b, err := json.Marshal(g)
	if err != nil { // it is plain text all through
		panic("promotion: " + err.Error())
	}
	return "<!-- ferry:given " + string(b) + " -->"
}

var (
	givenForm  = regexp.MustCompile(`^<!-- ferry:given (\{[^<>]*\}) -->$`)
	answerForm = regexp.MustCompile(`^<!-- answers:(\d+) -->$`)
)

// AnswerMark is the line by which Ferry's answer to a comment is found again.
func AnswerMark(comment int64) string { return fmt.Sprintf("<!-- answers:%d -->", comment) }

// ReadGiven reads back what an answer of Ferry's keeps, and the comment that it answers; 0 where it answers none. Only whole lines at the answer's end
// count: what people wrote, and Ferry repeats, stands in lines with other words.
func ReadGiven(answer string) (comment int64, given []Given) {
	lines := strings.Split(strings.TrimRight(answer, "\r\n "), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		line := strings.TrimSpace(lines[i])
		if m := answerForm.FindStringSubmatch(line); m != nil && comment == 0 {
			comment, _ = strconv.ParseInt(m[1], 10, 64)
			continue
		}
		m := givenForm.FindStringSubmatch(line)
		var g Given
		switch {
		case line == "":
			continue
		case m == nil || json.Unmarshal([]byte(m[1]), &g) != nil:
			return comment, given
		}
		given = append([]Given{g}, given...)
	}
	return comment, given
}
