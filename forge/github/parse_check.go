package github

import (
	"encoding/json"
	"fmt"

	"ferry/forge"
)

type checkPayload struct {
	common
	ID      int64  `json:"id"` // of a status
	SHA     string `json:"sha"`
	Context string `json:"context"`
	Run     *struct {
		ID     int64  `json:"id"`
		SHA    string `json:"head_sha"`
		Name   string `json:"name"`
		Status string `json:"status"`
	} `json:"check_run"`
	Suite *struct {
		SHA string `json:"head_sha"`
	} `json:"check_suite"`
}

// parseCheck reads on which commit something was posted. What it says of it is read from GitHub: a check run changes.
func parseCheck(name string, body []byte) (forge.Event, error) {
	var p checkPayload
	if err := json.Unmarshal(body, &p); err != nil {
		return forge.Event{}, err
	}
	e, err := p.inRepository(forge.EventCheck)
	if err != nil {
		return forge.Event{}, err
	}
	hint, field, text := forge.CheckHint{}, "sha", p.SHA
	switch {
	case name == "status":
		hint.Name, hint.Status = p.Context, p.ID
	case name == "check_run" && p.Run != nil:
		hint.Name, hint.Run, hint.Done = p.Run.Name, p.Run.ID, p.Run.Status == "completed"
		field, text = "check_run.head_sha", p.Run.SHA
	case name == "check_suite" && p.Suite != nil:
		field, text = "check_suite.head_sha", p.Suite.SHA
	default:
		return forge.Event{}, missing(name)
	}
	if hint.SHA, err = forge.ParseSHA(text); err != nil {
		return forge.Event{}, fmt.Errorf("the field %s: %w", field, err)
	}
	e.Check = &hint
	return e, nil
}
