package promotion_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ferry/forge"
	"ferry/promotion"
)

func TestMergeGroups(t *testing.T) {
	t.Parallel()
	type groups = []promotion.MergeGroup
	shown := forge.MergeQueue{Exists: true, Entries: []forge.Queued{{Number: 4, Group: "a"}, {Number: 9}, {Number: 7, Group: "b"}}}
	for name, test := range map[string]struct {
		queue forge.MergeQueue
		told  []forge.GroupHint
		known groups
		want  groups
	}{
		"what the queue shows":          {shown, nil, groups{{SHA: "old", Members: []int{1}}}, groups{{SHA: "a", Members: []int{4}}, {SHA: "b", Members: []int{4, 9, 7}}}},
		"what a delivery told first":    {shown, []forge.GroupHint{{Head: "c", Base: "a", Number: 9}}, nil, groups{{SHA: "a", Members: []int{4}}, {SHA: "b", Members: []int{4, 9, 7}}, {SHA: "c", Members: []int{4, 9}}}},
		"one that was made anew since":  {shown, []forge.GroupHint{{Head: "c", Number: 4}}, nil, groups{{SHA: "a", Members: []int{4}}, {SHA: "b", Members: []int{4, 9, 7}}}},
		"one that is gone":              {shown, []forge.GroupHint{{Head: "a", Number: 4}, {Head: "a", Number: 4, Gone: true}}, nil, groups{{SHA: "b", Members: []int{4, 9, 7}}}},
		"the queue shows nothing yet":   {forge.MergeQueue{Exists: true}, []forge.GroupHint{{Head: "x", Base: "main", Number: 3}, {Head: "y", Base: "x", Number: 5}}, nil, groups{{SHA: "x", Members: []int{3}}, {SHA: "y", Members: []int{3, 5}}}},
		"on one that is known":          {forge.MergeQueue{Exists: true}, []forge.GroupHint{{Head: "y", Base: "x", Number: 5}}, groups{{SHA: "x", Members: []int{2, 3}}}, groups{{SHA: "y", Members: []int{2, 3, 5}}}},
		"a queue that Ferry cannot see": {forge.MergeQueue{}, []forge.GroupHint{{Head: "y", Base: "x", Number: 5}, {Head: "z", Gone: true}}, groups{{SHA: "x", Members: []int{3}}, {SHA: "z", Members: []int{1}}}, groups{{SHA: "x", Members: []int{3}}, {SHA: "y", Members: []int{3, 5}}}},
		"nobody says which it is":       {forge.MergeQueue{}, []forge.GroupHint{{Head: "y", Base: "x"}}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, promotion.MergeGroups(test.queue, test.told, test.known)); diff != "" {
				t.Errorf("want - got +\n%s", diff)
			}
		})
	}
}

func TestGroupGates(t *testing.T) {
	t.Parallel()
	open, waiting, shut, unread := promotion.GroupMember{Number: 1, State: forge.Success}, promotion.GroupMember{Number: 2, State: forge.Pending, Description: "soak until noon"},
		promotion.GroupMember{Number: 3, State: forge.Failure, Description: "mia holds it"}, promotion.GroupMember{Number: 4}
	for _, test := range []struct {
		members []promotion.GroupMember
		state   forge.State
		words   string
	}{
		{[]promotion.GroupMember{open}, forge.Success, "nothing stops #1"},
		{[]promotion.GroupMember{open, {Number: 8, State: forge.Success}}, forge.Success, "nothing stops #1, #8"},
		{[]promotion.GroupMember{open, waiting, unread}, forge.Pending, "#2: soak until noon"},
		{[]promotion.GroupMember{waiting, shut, {Number: 9, State: forge.Failure}}, forge.Failure, "#3: mia holds it"},
		{[]promotion.GroupMember{unread}, forge.Pending, "#4: its gates have not been read yet"},
	} {
		want := promotion.Contribution{SHA: "g", Context: promotion.GatesContext, State: test.state, Description: test.words}
		got, ok := promotion.GroupGates("g", test.members, false)
		if diff := cmp.Diff(want, got); diff != "" || !ok {
			t.Errorf("want - got +\n%s", diff)
		}
		if got, _ := promotion.GroupGates("g", test.members, true); got.State == forge.Success {
			t.Errorf("a pull request's head is %+v", got)
		}
	}
	if got, ok := promotion.GroupGates("g", nil, false); ok {
		t.Errorf("nothing is in it, and it is %+v", got)
	}
	if _, ok := promotion.GroupConfig("g", nil, false); ok {
		t.Error("nobody changes the configuration, and something is said of it")
	}
	c, ok := promotion.GroupConfig("g", []promotion.GroupMember{open, shut, {Number: 9, State: forge.Failure}}, false)
	if !ok || c.State != forge.Failure || c.Description != "#3: mia holds it" || c.Context != promotion.ConfigContext {
		t.Errorf("%+v", c)
	}
}
