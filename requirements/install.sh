#!/bin/sh
# Makes the virtual environment VENV what requirements/LOCK.txt says, with PYTHON, and Perdure itself in it (editable).
#
#     requirements/install.sh PYTHON VENV LOCK        LOCK is dev, demo or bench
#
# Every file comes with the hash that the lock names for it; nothing else is downloaded. An environment that another
# Python made is made anew.
set -eu

python=$1 venv=$2 lock=$3
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

made_by=$("$python" -c 'import sys; print(sys.base_prefix, sys.version)') || {
    say "'$python' does not run. Perdure needs Python 3.11, 3.12 or 3.13: make PYTHON=/path/to/python3 ..."
    exit 1
}
"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || {
    say "'$python' is $("$python" -V 2>&1); Perdure needs Python 3.11, 3.12 or 3.13: make PYTHON=/path/to/python3 ..."
    exit 1
}

# Two makes at once would write the same environment.
if command -v flock >/dev/null && [ "${PERDURE_INSTALL_LOCKED-}" != "$venv" ]; then
    PERDURE_INSTALL_LOCKED=$venv exec flock "$venv.lock" "$0" "$@"
fi

if [ "$(cat "$venv/.made-by" 2>/dev/null)" != "$made_by" ]; then
    rm -rf "$venv"
    if "$python" -c 'import ensurepip' 2>/dev/null; then
        "$python" -m venv "$venv"
    elif "$python" -m pip --version >/dev/null 2>&1; then
        # Debian keeps ensurepip in a package of its own, python3-venv: its pip installs into the environment instead.
        "$python" -m venv --without-pip "$venv"
    else
        say "'$python' has neither ensurepip nor pip. On Debian: apt install python3-pip"
        exit 1
    fi
    printf '%s\n' "$made_by" >"$venv/.made-by"
fi

pip() {
    if [ -x "$venv/bin/pip" ]; then
        "$venv/bin/python" -m pip "$@"
    else
        "$python" -m pip --python "$venv/bin/python" "$@"
    fi
}

say "$venv: installing requirements/$lock.txt ($("$venv/bin/python" -V))"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
pip install --quiet --require-hashes -r "requirements/$lock.txt"
pip install --quiet --no-deps --no-build-isolation -e .
touch "$venv/.has-$lock"
