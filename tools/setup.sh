#!/bin/sh
# Makes the environment in the folder named (.venv) from requirements.lock, every hash checked.
set -eu
venv=$1

python=$("$(dirname "$0")/find_python.sh")
echo "Setting up $venv with $("$python" --version) ($python); about two minutes, once."

rm -rf "$venv"
if ! "$python" -m venv "$venv" 2>"$venv.log"; then
    cat "$venv.log" >&2
    echo "$python cannot make virtual environments: install its venv package (Debian and Ubuntu: python3-venv), or name another with 'make PYTHON=/path/to/python'." >&2
    rm -rf "$venv" "$venv.log"
    exit 1
fi
rm -f "$venv.log"

pip="$venv/bin/python -m pip --disable-pip-version-check --quiet"
$pip install --require-hashes --requirement requirements.lock
# The build tool is in the lock file too, so nothing unpinned is fetched here.
$pip install --no-deps --no-build-isolation --editable .
touch "$venv/.ready"
echo "The environment is ready: $venv/bin/iccp --help"
