package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"ferry/promotion/config"
	"ferry/server"
)

func TestSchemaCommand(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"schema": string(config.Schema()), "schema --included": string(config.IncludedSchema()), "schema --markdown": config.Reference(),
	} {
		var stdout, stderr bytes.Buffer
		if got := run(t.Context(), strings.Fields(args), func(string) string { return "" }, &stdout, &stderr); got != exitGood || stdout.String() != want || want == "" {
			t.Errorf("ferry %s: exit %d, %s%.200s", args, got, stderr.String(), stdout.String())
		}
	}
	for _, args := range []string{"schema x", "schema --included --markdown"} {
		if got := run(t.Context(), strings.Fields(args), func(string) string { return "" }, io.Discard, io.Discard); got != exitUsage {
			t.Errorf("ferry %s: exit %d", args, got)
		}
	}
}

func TestSchemaIsServed(t *testing.T) {
	t.Parallel()
	door := httptest.NewServer(server.New(server.Config{}))
	defer door.Close()
	for path, want := range map[string][]byte{"/schema/ferry.json": config.Schema(), "/schema/included.json": config.IncludedSchema()} {
		response, err := http.Get(door.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != http.StatusOK || !bytes.Equal(body, want) || response.Header.Get("Content-Type") != "application/schema+json" {
			t.Errorf("GET %s: %d, %v, %.100s", path, response.StatusCode, response.Header, body)
		}
	}
}
