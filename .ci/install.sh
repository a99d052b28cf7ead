# Shared by the scripts here that install what is missing: `.` this file and set `about` to the words before each message.
# shellcheck shell=bash

say() { printf '%s: %s\n' "${about:?}" "$*" >&2; }
fail() { say "$@"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# Into `wanted`, what the caller's `missing` prints, in a way that the bash of macOS knows.
look() {
    local name
    wanted=()
    while read -r name; do wanted+=("$name"); done < <(missing)
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# The names of Debian's packages for what is wanted are the caller's to know: `apt_packages`.
install_with_apt() {
    if [ "$(id -u)" -ne 0 ] && ! have sudo; then
        say "missing: $*. Installing needs root, and there is no sudo. As root, run:"
        fail "apt-get update && apt-get install -y --no-install-recommends $(apt_packages "$@")"
    fi
    say "installing what is missing ($*); this takes a minute or two"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q
    local packages
    read -r -a packages <<<"$(apt_packages "$@")"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${packages[@]}"
    hash -r
}
