#!/bin/sh
# Looks for known vulnerabilities in what Ferry calls, with the given version of govulncheck. It fails when there is one and
# when the look-up goes wrong, and passes with a message only where the database cannot be reached.
set -eu

status=0
output=$(go run "golang.org/x/vuln/cmd/govulncheck@$1" ./... 2>&1) || status=$?
printf '%s\n' "$output"
[ "$status" != 0 ] || exit 0
if printf '%s\n' "$output" | grep -q '^govulncheck: fetching vulnerabilities: Get .*\(dial tcp\|proxyconnect\|timeout\|connection re\)'; then
	echo "NOT CHECKED: the vulnerability database cannot be reached from here. Run make lint where it can."
	exit 0
fi
exit 1
