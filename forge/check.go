package forge

import "time"

// Check is how one commit status or check run of a commit stands: the newest of its kind and name by whoever posted it.
type Check struct {
	ID          int64     `json:"id"`
	Name        string    `json:"name"`           // the status' context, or the check run's name
	Run         bool      `json:"run,omitempty"`  // a check run
	By          string    `json:"by,omitempty"`   // the login of who posted the status, or the slug of the App that made the check run
	State       State     `json:"state"`          // Pending, Success or Failure
	Word        string    `json:"word,omitempty"` // the forge's own word for it ("timed_out"), where that says more than State
	Description string    `json:"description,omitempty"`
	URL         string    `json:"url,omitempty"`
	At          time.Time `json:"at,omitzero"`
}

// CheckHint says on which commit a status was posted or a check run changed.
type CheckHint struct {
	SHA    SHA
	Name   string // empty where the delivery is about all of an App's check runs on the commit
	Status int64  // the status' number: a read that shows none as new is older than the delivery
	Run    int64  // the check run's, likewise
	Done   bool   // the check run was completed
}

// Arming is that somebody has told the forge to merge a pull request by itself, or has taken that back.
type Arming struct {
	Queue bool   // by the merge queue; else by native auto-merge
	By    string // the login; empty where it was taken back
	// Ejected is why the merge queue took it out by itself, without having merged it.
	Ejected string
}

// Armed is who has told the forge to merge a pull request by itself, as read for taking it back.
type Armed struct {
	Open      bool // the pull request is
	AutoMerge string
	Queue     string
}

// NewCheckRun is a check run to be made, completed.
type NewCheckRun struct {
	Name        string
	SHA         SHA
	State       State // Success or Failure
	Title       string
	Summary     string // markdown
	URL         string
	Annotations []Annotation // at most 50
}

// Annotation is what a check run says of a line of a file.
type Annotation struct {
	Path    string `json:"path"`
	Line    int    `json:"line"`
	Failure bool   `json:"failure,omitempty"` // else it is a warning
	Title   string `json:"title,omitempty"`
	Message string `json:"message"`
}
