package github

import (
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"ferry/forge"
)

// Glance returns of the payload of the event name what its intake needs: its kind and action, repository and installation. It fails where Parse
// does, except that it does not look into the commits of a push, the largest and most frequent of all payloads: those are read when the delivery
// is worked off.
func Glance(name string, body []byte) (forge.Event, error) {
	if name == "push" && gjson.ValidBytes(body) {
		if e, ok := glancePush(gjson.ParseBytes(body)); ok {
			return e, nil
		}
	}
	return Parse(name, body)
}

// glancePush returns false for a push that has anything unusual: Parse says what.
func glancePush(payload gjson.Result) (forge.Event, bool) {
	e := forge.Event{Kind: forge.EventPush}
	ok, seen := payload.IsObject(), 0
	payload.ForEach(func(key, value gjson.Result) bool {
		found := true
		switch key.Str {
		case "ref":
			branch, isBranch := strings.CutPrefix(value.Str, "refs/heads/")
			if found = value.Str != ""; !isBranch || branch == "" {
				e.Kind = forge.EventUnused
			}
		case "before", "after":
			_, err := forge.ParseSHA(value.Str)
			found = err == nil && value.Type == gjson.String
		case "repository":
			e.Repo, found = glanceRepository(value)
		case "installation":
			e.Installation, found = number(value.Get("id"))
			seen-- // the webhook of a repository has none
		default:
			return true
		}
		seen++
		ok = ok && found
		return ok
	})
	return e, ok && seen == 4
}

func glanceRepository(value gjson.Result) (forge.Repository, bool) {
	id, ok := number(value.Get("id"))
	name, branch := value.Get("full_name"), value.Get("default_branch")
	repo, err := forge.ParseFullName(name.Str)
	repo.ID = id
	return forge.Repository{Repo: repo, DefaultBranch: branch.Str, Archived: value.Get("archived").Bool()}, ok && id > 0 && err == nil
}

func number(value gjson.Result) (int64, bool) {
	n, err := strconv.ParseInt(value.Raw, 10, 64)
	return n, err == nil
}
