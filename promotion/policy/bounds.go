package policy

import (
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"
)

// Bounds of one expression: its length in bytes, and costs in CEL's units, of which a comparison takes about one. The estimate is for the largest facts
// and the longest way through the expression, so it may be far above what any evaluation takes.
const (
	MaxLength    = 4096
	maxEstimate  = 2_000_000
	maxEvaluated = 100_000
)

// The sizes that facts are taken to have at most when a cost is estimated, so that a list within a list is below maxEstimate, and one more is not. What
// is longer after all is still bounded by the cost of its evaluation.
const (
	longestText   = 128
	longestList   = 64
	largestObject = 4 * longestText // an image
)

// largest estimates the costs of an expression by the largest facts.
type largest struct{}

// EstimateSize returns the size of a fact; nil leaves CEL's own estimate, as for what the expression makes itself.
func (largest) EstimateSize(element cost.AstNode) *cost.SizeEstimate {
	if element.Type().Kind() == types.StructKind {
		return &cost.SizeEstimate{Max: largestObject} // each is a fact: an expression makes none
	}
	if len(element.Path()) == 0 {
		return nil
	}
	switch element.Type().Kind() {
	case types.ListKind:
		return &cost.SizeEstimate{Max: longestList}
	case types.StringKind:
		return &cost.SizeEstimate{Max: longestText}
	}
	return nil
}

// EstimateCallCost leaves the costs of functions to CEL's own estimates.
func (largest) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}
