package sandbox

import (
	"net/http"
	"strconv"
	"time"
)

// createCheckRun is for Apps alone (docs.github.com, REST, "Check runs": write permission for the REST API to interact with
// checks is only available to GitHub Apps).
func createCheckRun(c *call) (reply, error) {
	by, err := c.ownApp()
	if err != nil {
		return reply{}, err
	}
	var in newCheckRun
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	x, err := c.s.addCheckRun(c.repo, in, by)
	if err != nil {
		return reply{}, err
	}
	return created(c.s.checkRunJSON(c.repo, x))
}

func updateCheckRun(c *call) (reply, error) {
	by, err := c.ownApp()
	if err != nil {
		return reply{}, err
	}
	x, err := c.checkRun()
	if err != nil {
		return reply{}, err
	}
	if x.App != by.id {
		return reply{}, fail(http.StatusForbidden, "Invalid app_id `%d` - check run can only be modified by the GitHub App that created it.", by.id)
	}
	var in newCheckRun
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if err := c.s.editCheckRun(c.repo, x, in, by); err != nil {
		return reply{}, err
	}
	return ok(c.s.checkRunJSON(c.repo, x))
}

func (c *call) ownApp() (*app, error) {
	if c.client.grant == nil {
		return nil, fail(http.StatusForbidden, "You must authenticate via a GitHub App.")
	}
	return c.client.grant.installation.app, nil
}

func (c *call) checkRun() (*checkRun, error) {
	id, err := c.number("check_run_id")
	if err != nil {
		return nil, err
	}
	for _, x := range c.repo.checks {
		if x.ID == id {
			return x, nil
		}
	}
	return nil, notFound()
}

func getCheckRun(c *call) (reply, error) {
	x, err := c.checkRun()
	if err != nil {
		return reply{}, err
	}
	return ok(c.s.checkRunJSON(c.repo, x))
}

func listAnnotations(c *call) (reply, error) {
	x, err := c.checkRun()
	if err != nil {
		return reply{}, err
	}
	list := []object{}
	for _, a := range paged(c, x.Annotations) {
		list = append(list, object{
			"path": a.Path, "start_line": a.StartLine, "end_line": a.EndLine, "start_column": a.StartColumn, "end_column": a.EndColumn, "annotation_level": a.Level,
			"message": a.Message, "title": a.Title, "raw_details": a.Details, "blob_href": c.s.html("/%s/blob/%s/%s", c.repo.fullName(), x.SHA, a.Path),
		})
	}
	return ok(list)
}

func listCheckRuns(c *call) (reply, error) {
	sha, err := c.commit()
	if err != nil {
		return reply{}, err
	}
	var found []*checkRun
	for _, x := range c.repo.runsOn(sha, c.query("filter") != "all") {
		if c.query("check_name") != "" && x.Name != c.query("check_name") || c.query("status") != "" && x.Status != c.query("status") ||
			c.query("app_id") != "" && c.query("app_id") != strconv.FormatInt(x.App, 10) {
			continue
		}
		found = append(found, x)
	}
	list := []object{}
	for _, x := range paged(c, found) {
		list = append(list, c.s.checkRunJSON(c.repo, x))
	}
	return ok(object{"total_count": len(found), "check_runs": list})
}

func (s *Sandbox) checkRunJSON(r *repository, x *checkRun) object {
	u := s.api("/repos/%s/check-runs/%d", r.fullName(), x.ID)
	details := x.Details
	if details == nil { // docs.github.com, REST, "Create a check run", details_url: the App's homepage is used
		home := s.html("/")
		details = &home
	}
	o := object{
		"id": x.ID, "node_id": nodeID("CheckRun", x.ID), "head_sha": x.SHA, "name": x.Name, "external_id": x.External, "url": u, "html_url": s.html("/%s/runs/%d", r.fullName(), x.ID),
		"details_url": details, "status": x.Status, "conclusion": x.Conclusion, "started_at": stamp(x.Started), "completed_at": stamp(x.Completed),
		"output": object{"title": x.Title, "summary": x.Summary, "text": x.Text, "annotations_count": len(x.Annotations), "annotations_url": u + "/annotations"},
		// One suite for each App and commit would be GitHub's; its number tells no more here than the run's own.
		"check_suite": object{"id": x.App}, "app": nil, "pull_requests": []object{},
	}
	if a := s.st.apps[x.App]; a != nil {
		o["app"] = s.appJSON(a)
	}
	return o
}

// emitCheckRun tells of a check run: GitHub sends created and completed to every App that may read checks.
func (s *Sandbox) emitCheckRun(r *repository, x *checkRun, action string, by *app) {
	r.touched = true
	run := s.checkRunJSON(r, x)
	run["check_suite"] = object{
		"id": x.App, "node_id": nodeID("CheckSuite", x.App), "head_branch": r.branch, "head_sha": x.SHA, "status": x.Status, "conclusion": x.Conclusion,
		"url": s.api("/repos/%s/check-suites/%d", r.fullName(), x.App), "before": nil, "after": x.SHA, "pull_requests": []object{}, "app": run["app"],
		"created_at": stamp(x.Started), "updated_at": stamp(latestOf(x.Started, x.Completed)),
	}
	s.emit(r, "check_run", action, by.bot, object{"check_run": run})
}

func latestOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
