#!/bin/sh
# Makes sure that Go and the programs of some Debian packages are there.
#
#   scripts/need.sh git:git postgresql:initdb
#
# Each argument is PACKAGE:COMMAND. As root on Debian and its relatives the missing packages are installed; otherwise the
# command that installs them is printed and the exit status is 2. Go is only looked for: Debian's is too old.
set -eu

stop() {
	printf '%s\n' "$@" >&2
	exit 2
}

need_go() {
	command -v go >/dev/null 2>&1 ||
		stop "Ferry is built with Go 1.26 or newer, and there is no go on the PATH." "Install it from https://go.dev/dl/ and put its bin folder on the PATH."
	# Within this module an older Go (1.21 or newer) answers with the one it fetched for it, or says why it could not.
	version=$(go env GOVERSION) || stop "Ferry is built with Go 1.26 or newer: install it from https://go.dev/dl/."
	minor=$(printf '%s\n' "$version" | sed -n 's/^\(devel \)\{0,1\}go1\.\([0-9]*\).*/\2/p')
	[ "${minor:-0}" -ge 26 ] ||
		stop "Ferry is built with Go 1.26 or newer, and $(command -v go) is $version." "Install a newer one from https://go.dev/dl/."
}

# has tells whether a command is there. PostgreSQL's server programs are usually not on the PATH.
has() {
	command -v "$1" >/dev/null 2>&1 && return
	[ "$1" = initdb ] || return 1
	for dir in "${FERRY_POSTGRES_BIN:-}" /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin \
		/usr/local/opt/postgresql*/bin /home/linuxbrew/.linuxbrew/opt/postgresql*/bin /Applications/Postgres.app/Contents/Versions/*/bin; do
		[ -n "$dir" ] && [ -x "$dir/initdb" ] && return
	done
	return 1
}

# install gets Debian packages without asking. By itself the package postgresql makes and starts a database server for the
# whole machine, which Ferry has no use for: it is told not to, by a setting that is gone afterwards.
install() {
	setting=/etc/postgresql-common/createcluster.d/ferry.conf
	trap 'rm -f "$setting"; rmdir "${setting%/*}" /etc/postgresql-common 2>/dev/null || true' EXIT
	trap 'exit 130' INT TERM HUP
	mkdir -p "${setting%/*}"
	echo 'create_main_cluster = false' >"$setting"
	export DEBIAN_FRONTEND=noninteractive
	apt-get -o DPkg::Lock::Timeout=120 update &&
		apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "$@"
}

need_go
missing=
commands=
for need in "$@"; do
	has "${need#*:}" && continue
	missing="$missing ${need%%:*}"
	commands="$commands ${need#*:}"
done
[ -n "$missing" ] || exit 0

# The names are split into words below on purpose: no package has a space in its name.
if ! command -v apt-get >/dev/null 2>&1; then
	stop "Missing:$commands. Install what Debian calls$missing with this system's package manager."
fi
[ "$(id -u)" = 0 ] || stop "Missing:$commands. Install them and try again:" "" "  sudo apt-get update && sudo apt-get install -y --no-install-recommends$missing"
echo "Missing:$commands. Installing$missing."
# shellcheck disable=SC2086
install $missing </dev/null || stop "apt-get could not install$missing: its messages stand above."
for need in "$@"; do
	has "${need#*:}" || stop "apt-get installed ${need%%:*}, but ${need#*:} is still not there."
done
