package forgetest

import (
	"context"
	"encoding/json"
	"fmt"
)

// Example is one webhook payload that GitHub published as an example.
type Example struct {
	Event   string // the value of X-GitHub-Event
	Payload []byte
}

// Examples returns all of GitHub's examples, in the order in which they were published. It fails where the npm package
// can be neither found in the user's cache nor fetched.
func Examples(ctx context.Context) ([]Example, error) {
	data, err := fetch(ctx, examplesPackage, examplesFile)
	if err != nil {
		return nil, fmt.Errorf("GitHub's example webhooks: %w", err)
	}
	var events []struct {
		Name     string
		Examples []json.RawMessage
	}
	if err := json.Unmarshal(data, &events); err != nil {
		return nil, fmt.Errorf("read GitHub's example webhooks: %w", err)
	}
	var all []Example
	for _, e := range events {
		for _, payload := range e.Examples {
			all = append(all, Example{Event: e.Name, Payload: payload})
		}
	}
	return all, nil
}
