package sandbox

import (
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"ferry/forge"
)

// What GitHub takes of a check run in one request (docs.github.com, REST, "Create a check run").
const (
	maxAnnotations = 50
	maxCheckText   = 65535
)

// checkRun is a check run on a commit.
type checkRun struct {
	ID          int64
	App         int64
	Name        string
	SHA         string
	Status      string
	Conclusion  *string
	Details     *string
	External    *string
	Started     time.Time
	Completed   time.Time
	Title       *string
	Summary     *string
	Text        *string
	Annotations []annotation
}

// annotation is what a check run says of lines of a file.
type annotation struct {
	Path        string  `json:"path"`
	StartLine   int     `json:"start_line"`
	EndLine     int     `json:"end_line"`
	StartColumn *int    `json:"start_column"`
	EndColumn   *int    `json:"end_column"`
	Level       string  `json:"annotation_level"`
	Message     string  `json:"message"`
	Title       *string `json:"title"`
	Details     *string `json:"raw_details"`
}

// newCheckRun is what a check run is made or changed with; what is nil stays as it is.
type newCheckRun struct {
	Name       string  `json:"name"`
	SHA        string  `json:"head_sha"`
	Details    *string `json:"details_url"`
	External   *string `json:"external_id"`
	Status     string  `json:"status"`
	Conclusion *string `json:"conclusion"`
	Output     *struct {
		Title       *string      `json:"title"`
		Summary     *string      `json:"summary"`
		Text        *string      `json:"text"`
		Annotations []annotation `json:"annotations"`
	} `json:"output"`
}

func (s *Sandbox) addCheckRun(r *repository, in newCheckRun, by *app) (*checkRun, error) {
	c, err := r.git.Commit(in.SHA)
	if err != nil || c.SHA != in.SHA {
		return nil, fail(http.StatusUnprocessableEntity, "No commit found for SHA: %s", in.SHA)
	}
	if in.Name == "" {
		return nil, missingField("CheckRun", "name")
	}
	if in.Status == "" {
		in.Status = "queued"
	}
	x := &checkRun{ID: s.st.nextID(), App: by.id, Name: in.Name, SHA: in.SHA, Started: s.now()}
	if err := s.changeCheckRun(x, in); err != nil {
		return nil, err
	}
	r.checks = append(r.checks, x)
	s.emitCheckRun(r, x, "created", by)
	if x.Status == "completed" {
		s.emitCheckRun(r, x, "completed", by)
	}
	return x, s.mergeArmed(r)
}

func (s *Sandbox) editCheckRun(r *repository, x *checkRun, in newCheckRun, by *app) error {
	before := x.Status
	if err := s.changeCheckRun(x, in); err != nil {
		return err
	}
	if x.Status == "completed" && before != "completed" {
		s.emitCheckRun(r, x, "completed", by)
	}
	return s.mergeArmed(r)
}

// changeCheckRun writes into x what was given, or nothing at all where that is wrong.
func (s *Sandbox) changeCheckRun(x *checkRun, in newCheckRun) error {
	if err := in.wrong(); err != nil {
		return err
	}
	if in.Conclusion != nil { // it makes the run completed (docs.github.com, REST, "Create a check run", conclusion)
		x.Status, x.Conclusion, x.Completed = "completed", in.Conclusion, s.now()
	} else if in.Status != "" {
		x.Status, x.Conclusion, x.Completed = in.Status, nil, time.Time{}
	}
	if in.Name != "" {
		x.Name = in.Name
	}
	if in.Details != nil {
		x.Details = in.Details
	}
	if in.External != nil {
		x.External = in.External
	}
	if out := in.Output; out != nil {
		x.Title, x.Summary, x.Text = out.Title, out.Summary, out.Text
		x.Annotations = append(x.Annotations, out.Annotations...)
	}
	return nil
}

// wrong returns GitHub's reason against what a check run is made or changed with.
func (in newCheckRun) wrong() error {
	switch {
	case in.Conclusion == nil && in.Status == "completed":
		return missingField("CheckRun", "conclusion")
	case in.Conclusion != nil && !slices.Contains([]string{"action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out"}, *in.Conclusion):
		return invalid("CheckRun", "conclusion", "conclusion is not included in the list")
	case in.Status != "" && !slices.Contains([]string{"queued", "in_progress", "completed"}, in.Status):
		return invalid("CheckRun", "status", "status is not included in the list")
	case in.Output == nil:
		return nil
	case in.Output.Title == nil:
		return missingField("CheckRun", "title")
	case in.Output.Summary == nil:
		return missingField("CheckRun", "summary")
	case len(in.Output.Annotations) > maxAnnotations:
		return invalid("CheckRun", "annotations", "Exceeds max annotations of %d", maxAnnotations)
	}
	for _, text := range []*string{in.Output.Summary, in.Output.Text} {
		if text != nil && utf8.RuneCountInString(*text) > maxCheckText {
			return fail(http.StatusUnprocessableEntity, "Invalid request.\n\nOnly %d characters are allowed; %d were supplied.", maxCheckText, utf8.RuneCountInString(*text))
		}
	}
	return nil
}

// passing says whether a check run counts as green for a required status (docs.github.com, "About protected branches": successful, skipped, or neutral).
func (x *checkRun) passing() bool {
	return x.Conclusion != nil && slices.Contains([]string{"success", "skipped", "neutral"}, *x.Conclusion)
}

// runsOn returns the check runs of a commit, the newest first; of each App and name the newest alone, where the latest are asked for.
func (r *repository) runsOn(sha string, latest bool) []*checkRun {
	var list []*checkRun
	for _, x := range slices.Backward(r.checks) {
		if x.SHA != sha || latest && slices.ContainsFunc(list, func(y *checkRun) bool { return y.App == x.App && y.Name == x.Name }) {
			continue
		}
		list = append(list, x)
	}
	return list
}

// CheckRun is a check run as an App posts it.
type CheckRun struct {
	Name, Status, Conclusion, Title, URL string
}

// SetCheckRun posts a check run as the App of that slug, which needs no installation for it. It fails where there is no such App or commit.
func (s *Sandbox) SetCheckRun(repo string, sha forge.SHA, slug string, x CheckRun) error {
	s.mu.Lock()
	defer s.settle()
	return wrap(s.setCheckRun(repo, sha, slug, x), "SetCheckRun", repo, sha)
}

func (s *Sandbox) setCheckRun(repo string, sha forge.SHA, slug string, x CheckRun) error {
	r := s.st.repo(repo)
	if r == nil {
		return fail(http.StatusNotFound, "there is no repository %s", repo)
	}
	for _, a := range s.st.apps {
		if a.slug != slug {
			continue
		}
		in := newCheckRun{Name: x.Name, SHA: string(sha), Status: x.Status}
		if x.Conclusion != "" {
			in.Conclusion = &x.Conclusion
		}
		if x.URL != "" {
			in.Details = &x.URL
		}
		made, err := s.addCheckRun(r, in, a)
		if err == nil && x.Title != "" {
			made.Title, made.Summary = &x.Title, &x.Title
		}
		return err
	}
	return fail(http.StatusUnprocessableEntity, "no App is called %q", slug)
}
