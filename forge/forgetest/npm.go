package forgetest

import "context"

// NPM returns one file of an npm package, for a test that holds Ferry to a description that somebody else publishes. It fails where the
// package can be neither found in the user's cache nor fetched.
func NPM(ctx context.Context, pkg, file string) ([]byte, error) { return fetch(ctx, pkg, file) }
