package github

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"ferry/forge"
)

// groupForm is how GitHub names the branch of a merge group: by the branch it is for, its last pull request, and what it was made on.
var groupForm = regexp.MustCompile(`^gh-readonly-queue/(.+)/pr-([0-9]{1,9})-([0-9a-f]{40})$`)

// queueBot pushes the branches of merge groups. Everybody with write access can push a branch that is named like one.
const queueBot = "github-merge-queue[bot]"

// pushedGroup reads the queue's push of a merge group's branch, of which an App without the permission for merge queues hears too; nil for any other: whoever
// deletes a branch of that name deletes no group by it.
func pushedGroup(p forge.Push, sender *userPart) *forge.GroupHint {
	found := groupForm.FindStringSubmatch(p.Branch)
	if found == nil || sender.user().Login != queueBot {
		return nil
	}
	g := &forge.GroupHint{Branch: found[1], Head: p.After, Base: forge.SHA(found[3])}
	g.Number, _ = strconv.Atoi(found[2]) // digits
	if g.Head == "" {
		g.Head, g.Gone = p.Before, true
	}
	return g
}

type groupPayload struct {
	common
	Group *struct {
		HeadSHA string `json:"head_sha"`
		HeadRef string `json:"head_ref"`
		BaseSHA string `json:"base_sha"`
		BaseRef string `json:"base_ref"`
	} `json:"merge_group"`
}

// parseGroup reads that a merge group was made or destroyed (docs.github.com, "Webhook events and payloads", merge_group).
func parseGroup(body []byte) (forge.Event, error) {
	var p groupPayload
	if err := json.Unmarshal(body, &p); err != nil {
		return forge.Event{}, err
	}
	e, err := p.inRepository(forge.EventQueue)
	switch {
	case err != nil:
		return forge.Event{}, err
	case p.Group == nil:
		return forge.Event{}, missing("merge_group")
	}
	g := &forge.GroupHint{Branch: strings.TrimPrefix(p.Group.BaseRef, heads), Gone: e.Action == "destroyed"}
	if g.Head, err = forge.ParseSHA(p.Group.HeadSHA); err != nil {
		return forge.Event{}, fmt.Errorf("the field merge_group.head_sha: %w", err)
	}
	if g.Base, err = forge.ParseSHA(p.Group.BaseSHA); err != nil {
		return forge.Event{}, fmt.Errorf("the field merge_group.base_sha: %w", err)
	}
	if found := groupForm.FindStringSubmatch(strings.TrimPrefix(p.Group.HeadRef, heads)); found != nil {
		g.Number, _ = strconv.Atoi(found[2]) // digits
	}
	e.Group = g
	return e, nil
}
