package config

type Severity string

const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
)

type Finding struct {
	File     string
	Line     int
	Column   int
	Severity Severity
	Rule     string
	Message  string
	Do       string
}

type Rule struct {
	ID       string
	Severity Severity
	About    string
	Do       string
	InSchema bool
}

func Rules() []Rule { return nil }

func (e Errors) Findings() []Finding {
	out := make([]Finding, len(e))
	for i, one := range e {
		out[i] = Finding{File: one.File, Line: one.Line, Column: one.Column, Severity: SeverityError, Rule: "invalid-value", Message: one.Message, Do: "Mend it."}
	}
	return out
}
