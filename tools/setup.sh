#!/bin/sh
# Makes the environment in the folder named (.venv) from requirements.lock, every hash checked.
set -eu
venv=$1
log=$venv.log

python=$("$(dirname "$0")/find_python.sh")
echo "Setting up $venv with $("$python" --version) ($python); a few minutes, once."

fail() {
    cat "$log" >&2
    echo "$1" >&2
    rm -rf "$venv" "$log"
    exit 1
}

# Runs pip, counting packages on the terminal instead of listing them; its own words only if it fails.
install() {
    "$venv/bin/python" -m pip --disable-pip-version-check install "$@" >"$log" 2>&1 &
    pip=$!
    while [ -t 1 ] && kill -0 "$pip" 2>/dev/null; do
        printf '\r  %s of %s packages' "$(grep -c '^Collecting' "$log")" "$total"
        sleep 1
    done
    [ -t 1 ] && printf '\r\033[K'
    wait "$pip"
}

rm -rf "$venv"
"$python" -m venv "$venv" >"$log" 2>&1 ||
    fail "$python cannot make virtual environments: install its venv package (Debian and Ubuntu: python3-venv), or name another with 'make PYTHON=/path/to/python'."

total=$(grep -c '==' requirements.lock)
install --require-hashes --requirement requirements.lock ||
    fail "The packages could not be installed; the lines above say why. Is the package registry reachable?"
# The build tool is in the lock file too, so nothing unpinned is fetched here.
total=1
install --no-deps --no-build-isolation --editable . ||
    fail "The package itself could not be installed; the lines above say why."

rm -f "$log"
# A checkout that was moved has an environment that points to the old place.
pwd >"$venv/.ready"
echo "The environment is ready: $venv/bin/iccp --help"
