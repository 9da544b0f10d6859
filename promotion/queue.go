package promotion

import (
	"fmt"
	"slices"
	"strings"

	"ferry/forge"
)

// QueueFacts is what the default branch's merge queue holds.
type QueueFacts struct {
	Exists  bool
	Entries []forge.Queued
	Groups  []MergeGroup // that stand at the forge
}

// MergeGroup is what a merge queue is about to merge: one pull request with all that are before it in the queue.
type MergeGroup struct {
	SHA     forge.SHA
	Members []int // their numbers, in the queue's order
}

// MergeGroups returns the groups that stand at the forge, from what its queue shows, what deliveries told, and what was known before. The queue may show an
// older state than a delivery told of, and nothing at all to a Ferry that may not see it: then a group has in it what the one had that it was made on.
func MergeGroups(queue forge.MergeQueue, told []forge.GroupHint, known []MergeGroup) (groups []MergeGroup) {
	gone := map[forge.SHA]bool{}
	for _, hint := range told {
		gone[hint.Head] = gone[hint.Head] || hint.Gone
	}
	members := map[forge.SHA][]int{}
	add := func(sha forge.SHA, numbers []int) {
		if members[sha] == nil && !gone[sha] {
			groups = append(groups, MergeGroup{sha, numbers})
		}
		members[sha] = numbers
	}
	var line []int
	shows := map[int]forge.SHA{}
	for _, e := range queue.Entries {
		line = append(line, e.Number)
		if shows[e.Number] = e.Group; e.Group != "" {
			add(e.Group, slices.Clone(line))
		}
	}
	for _, g := range known {
		if !queue.Exists {
			add(g.SHA, g.Members)
		} else if members[g.SHA] == nil {
			members[g.SHA] = g.Members // others may stand on it
		}
	}
	for _, hint := range told {
		place := slices.Index(line, hint.Number)
		switch {
		case hint.Gone || members[hint.Head] != nil || hint.Number == 0 || shows[hint.Number] != "":
		case place >= 0:
			add(hint.Head, line[:place+1])
		default:
			add(hint.Head, append(slices.Clone(members[hint.Base]), hint.Number))
		}
	}
	return groups
}

// GroupMember is one pull request of a merge group, and how a status of Ferry's stands on its own head.
type GroupMember struct {
	Number      int
	State       forge.State // empty: there is none
	Description string
}

// GroupGates returns ferry/gates of a merge group: open once it is for every pull request in it, shut where it is shut for one. What Ferry has not decided yet
// is waited for. Where none of its pull requests is open any more, it is not ok. A group whose commit is an open pull request's head stays waiting: what is said
// of it would be said of that pull request, and anybody who may push can make it look like a group.
func GroupGates(group forge.SHA, members []GroupMember, head bool) (out Contribution, ok bool) {
	out = Contribution{SHA: group, Context: GatesContext, State: forge.Success}
	var numbers []string
	for _, m := range members {
		numbers = append(numbers, fmt.Sprintf("#%d", m.Number))
		if m.State == "" {
			m.State, m.Description = forge.Pending, "its gates have not been read yet"
		}
		if out.State == forge.Success && m.State != forge.Success || out.State == forge.Pending && m.State == forge.Failure {
			out.State, out.Description = m.State, fmt.Sprintf("#%d: %s", m.Number, m.Description)
		}
	}
	if out.State == forge.Success {
		out.Description = "nothing stops " + strings.Join(numbers, ", ")
	}
	return out.notOf(head), len(members) > 0
}

// GroupConfig returns ferry/config of a merge group: what is said of the pull requests in it that change the configuration. Where none does, it is not ok.
// For a group whose commit is an open pull request's head, see GroupGates.
func GroupConfig(group forge.SHA, members []GroupMember, head bool) (out Contribution, ok bool) {
	for _, m := range members {
		if m.State == "" || ok && out.State != forge.Success {
			continue
		}
		out, ok = Contribution{SHA: group, Context: ConfigContext, State: m.State, Description: fmt.Sprintf("#%d: %s", m.Number, m.Description)}, true
	}
	return out.notOf(head), ok
}

// notOf returns what is contributed to a merge group, which is never success where its commit is an open pull request's head.
func (c Contribution) notOf(head bool) Contribution {
	if head && c.State == forge.Success {
		c.State, c.Description = forge.Pending, "this commit is the head of an open pull request, and no merge group's"
	}
	return c
}
