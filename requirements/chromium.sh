#!/bin/sh
# Sees to it that the browser tests find Debian's chromium. It never fails: without one they are skipped, and it says so.
set -eu

say() { printf '%s\n' "$*" >&2; }

! command -v chromium >/dev/null || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    say "There is no chromium here, so the browser tests are skipped. To run them: sudo apt-get install chromium"
    exit 0
fi

say "installing Debian's chromium, for the browser tests"
export DEBIAN_FRONTEND=noninteractive
wait_for_another="-o DPkg::Lock::Timeout=300"
# shellcheck disable=SC2086  # an option and its value
said=$({ apt-get -qq $wait_for_another update && apt-get -qq -y --no-install-recommends $wait_for_another install chromium; } \
    2>&1 </dev/null) || {
    say "$said"
    say "chromium could not be installed (apt-get's words are above), so the browser tests are skipped."
}
