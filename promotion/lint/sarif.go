package lint

import (
	"encoding/json"
	"io"
	"net/url"
	"slices"

	"ferry/promotion/config"
)

// sarifLog is the part of SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format") that findings need.
type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool       sarifTool     `json:"tool"`
	ColumnKind string        `json:"columnKind"`
	Results    []sarifResult `json:"results"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name    string      `json:"name"`
	Version string      `json:"version,omitempty"`
	Rules   []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID      string       `json:"id"`
	Short   sarifText    `json:"shortDescription"`
	Help    sarifText    `json:"help"`
	Default sarifDefault `json:"defaultConfiguration"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifDefault struct {
	Level string `json:"level"`
}

type sarifResult struct {
	RuleID    string          `json:"ruleId"`
	RuleIndex int             `json:"ruleIndex"`
	Level     string          `json:"level"`
	Message   sarifText       `json:"message"`
	Locations []sarifLocation `json:"locations"`
}

type sarifLocation struct {
	Physical sarifPhysical `json:"physicalLocation"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   *sarifRegion  `json:"region,omitempty"`
}

type sarifArtifact struct {
	URI  string `json:"uri"`
	Base string `json:"uriBaseId"`
}

type sarifRegion struct {
	Line   int `json:"startLine"`
	Column int `json:"startColumn,omitempty"`
}

// WriteSARIF writes the findings as SARIF 2.1.0, which code scanning takes. It fails where w does.
func WriteSARIF(w io.Writer, version string, findings []config.Finding) error {
	rules := Rules()
	run := sarifRun{Tool: sarifTool{Driver: sarifDriver{Name: "ferry lint", Version: version, Rules: []sarifRule{}}}, ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	for _, r := range rules {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{ID: r.ID, Short: sarifText{r.About}, Help: sarifText{r.Do}, Default: sarifDefault{string(r.Severity)}})
	}
	for _, f := range findings {
		run.Results = append(run.Results, sarifResult{
			RuleID:    f.Rule,
			RuleIndex: slices.IndexFunc(rules, func(r config.Rule) bool { return r.ID == f.Rule }), // -1 is SARIF's own word for none
			Level:     string(f.Severity),
			Message:   sarifText{sentence(f)},
			Locations: []sarifLocation{{sarifPhysical{Artifact: sarifArtifact{URI: (&url.URL{Path: f.File}).EscapedPath(), Base: "%SRCROOT%"}, Region: region(f)}}},
		})
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}})
}

// region is where in the file a finding is; nil where it is about the file as a whole.
func region(f config.Finding) *sarifRegion {
	if f.Line == 0 {
		return nil
	}
	return &sarifRegion{Line: f.Line, Column: f.Column}
}

// sentence is what is wrong, and what to do.
func sentence(f config.Finding) string {
	if f.Do == "" {
		return f.Message
	}
	return f.Message + ". " + f.Do
}
