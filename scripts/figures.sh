#!/bin/sh
# Prints each "bench: " line of its input as it comes, and everything else only where the last line is not "exit 0"; ends with that status.
# The shell reads line by line, which not every awk does from a pipe.
set -eu
rest=
status=1
while IFS= read -r line; do
	case $line in
	"bench: "*) printf '%s\n' "$line" ;;
	"exit "[0-9]*) status=${line#exit } ;;
	*) rest="$rest$line
" ;;
	esac
done
[ "$status" -eq 0 ] || printf '%s' "$rest" >&2
exit "$status"
