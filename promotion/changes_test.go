package promotion_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"ferry/forge"
	"ferry/promotion"
)

func TestNewSourceCommit(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]promotion.SourceCommit{
		"Add a basket":                       {Subject: "Add a basket"},
		"Add a basket (#12)\n\n* one\n* two": {Subject: "Add a basket", Pull: 12},
		"Revert \"x (#3)\" (#12)":            {Subject: "Revert \"x (#3)\"", Pull: 12},
		"(#12)":                              {Subject: "(#12)"},
		"see (#0)":                           {Subject: "see (#0)"},
		"see (#12) there":                    {Subject: "see (#12) there"},
		"big (#99999999999999999999)":        {Subject: "big (#99999999999999999999)"},
		"Merge pull request #12 from ann/x\n\nPay by card\n\nmore": {Subject: "Pay by card", Pull: 12},
		"Merge pull request #12 from ann/x":                        {Subject: "Merge pull request #12 from ann/x", Pull: 12},
		"Merge branch 'main' into x":                               {Subject: "Merge branch 'main' into x"},
		"a\tb\u202ec\r\nmore":                                      {Subject: "a b c"},
		strings.Repeat("ä", 500):                                   {Subject: strings.Repeat("ä", 119) + "…"},
		"":                                                         {},
	} {
		want.SHA, want.Author = sha(1), "ann"
		if got := promotion.NewSourceCommit(forge.Commit{SHA: sha(1), Message: message, Author: forge.User{Login: "ann"}}); !reflect.DeepEqual(got, want) {
			t.Errorf("%.40q: %+v, want %+v", message, got, want)
		}
	}
}

// built says from which commit each tag was built.
func (w *world) built(commits map[string]int64) {
	for tag, n := range commits {
		w.s.Sources = append(w.s.Sources, promotion.Announced{Image: promotion.ParseImage(image + ":" + tag), Source: "acme/checkout", Commit: sha(n)})
	}
}

func changeKey(base, head int64) promotion.ChangeKey {
	return promotion.ChangeKey{Source: "acme/checkout", Base: sha(base), Head: sha(head)}
}

// changed is a change that was read, with so many commits.
func changed(base, head int64, relation forge.Relation, subjects ...string) promotion.SourceChange {
	c := promotion.SourceChange{ChangeKey: changeKey(base, head), State: promotion.ChangeRead, Relation: relation, Total: len(subjects)}
	for i, s := range subjects {
		c.Commits = append(c.Commits, promotion.SourceCommit{SHA: sha(head*100 + int64(i)), Subject: s})
	}
	return c
}

// TestChangesArePutTogether: what lies between two releases is the union of the steps between them; a gap is read once, and shows the link alone till then.
func TestChangesArePutTogether(t *testing.T) {
	t.Parallel()
	pending := promotion.SourceChange{ChangeKey: changeKey(2, 3), State: promotion.ChangePending}
	failed := promotion.SourceChange{ChangeKey: changeKey(1, 3), State: promotion.ChangeFailed}
	one, two := changed(1, 2, forge.Ahead, "first"), changed(2, 3, forge.Ahead, "second", "third")
	tests := []struct {
		name    string
		known   []promotion.SourceChange
		reads   string
		reading bool
		says    []string
		hides   string
	}{
		{"every step", []promotion.SourceChange{one, two}, "", false, []string{"3 commits in `acme/checkout`:\n\n- ", "`third`\n", "`second`\n", "`first`\n"}, "`never`"},
		{"in any order, among others", []promotion.SourceChange{changed(7, 8, forge.Ahead, "x"), two, one, changed(9, 2, forge.Ahead, "y")}, "", false, []string{"3 commits"}, "`y`"},
		{"a step on its way", []promotion.SourceChange{one, pending}, "", true, nil, "`first`"},
		{"a gap", []promotion.SourceChange{one}, fmt.Sprint(changeKey(2, 3)), true, nil, "`first`"},
		{"a gap that cannot be read", []promotion.SourceChange{one, {ChangeKey: changeKey(2, 3), State: promotion.ChangeFailed}, failed}, "", false, nil, "`first`"},
		{"the whole was read", []promotion.SourceChange{changed(2, 3, forge.Ahead, "x"), changed(1, 3, forge.Ahead, "whole")}, "", false, []string{"1 commit in", "`whole`"}, "`x`"},
		{"a step astray", []promotion.SourceChange{one, changed(2, 3, forge.Diverged, "second")}, fmt.Sprint(changeKey(1, 3)), true, nil, "`second`"},
		{"the whole went astray", []promotion.SourceChange{one, changed(2, 3, forge.Diverged, "second"), changed(1, 3, forge.Diverged, "its")}, "", false, []string{"different ways", "1 commit", "`its`"}, "`second`"},
		{"nothing in common", []promotion.SourceChange{two, changed(1, 3, forge.Diverged)}, "", false, []string{"no history in common"}, "`second`"},
		{"back", []promotion.SourceChange{two, changed(1, 3, forge.Behind)}, "", false, []string{"This goes back"}, "`second`"},
		{"a circle", []promotion.SourceChange{changed(2, 3, forge.Ahead, "a"), changed(3, 2, forge.Ahead, "b")}, fmt.Sprint(changeKey(1, 3)), true, nil, "`a`"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := line(t)
			w.built(map[string]int64{"1.0.0": 1, "1.1.0": 2, "1.2.0": 3})
			w.commit("dev", "1.1.0")
			w.s.Changes = tt.known
			w.arrive("dev", "1.2.0")
			wish := w.wishes["staging"]
			got := ""
			if len(w.plan.Reads) > 0 {
				got = strings.Trim(fmt.Sprint(w.plan.Reads), "[]")
			}
			if want := strings.Trim(tt.reads, " "); strings.ReplaceAll(got, "} {", "}{") != strings.ReplaceAll(want, "} {", "}{") || wish.Reading != tt.reading {
				t.Errorf("reads %s, want %s; reading: %t", got, want, wish.Reading)
			}
			w.says("staging", append([]string{fmt.Sprintf("[changes](https://forge.example/acme/checkout/compare/%s...%s)", sha(1), sha(3))}, tt.says...)...)
			if strings.Contains(wish.Body, tt.hides) || len(tt.says) == 0 && strings.Contains(wish.Body, "commits") {
				t.Errorf("the body says more:\n%s", wish.Body)
			}
		})
	}
}

// TestManyChangesFit: a thousand commits, the newest first, counted whole and listed up to a bound.
func TestManyChangesFit(t *testing.T) {
	t.Parallel()
	w := line(t)
	w.built(map[string]int64{"1.0.0": 1, "1.1.0": 2})
	var subjects []string
	for i := range 250 {
		subjects = append(subjects, fmt.Sprintf("%d %s", i, strings.Repeat("@", 115)))
	}
	c := changed(1, 2, forge.Ahead, subjects...)
	for i := range c.Commits {
		if c.Total = 1000; i%2 == 0 {
			c.Commits[i].Pull = i + 1
		}
	}
	w.s.Changes = []promotion.SourceChange{c}
	w.arrive("dev", "1.1.0")
	body := w.wishes["staging"].Body
	w.says("staging", "1000 commits, 125 pull requests in", "`248 @", "- … and 100 more pull requests", "`249 @", "- … and 100 more other commits", "- … and 750 older commits", "### Gates", end)
	if n := utf8.RuneCountInString(body); n > 40_000 {
		t.Errorf("%d characters", n)
	}
}
