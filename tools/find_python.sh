#!/bin/sh
# Prints the path of a Python 3.12 or newer that really runs, or says in one line what to do.
# A name on PATH is not enough: pyenv puts shims there that fail for versions not switched on.
set -u

# On 3.11 a dependency (moderndid) silently installs an old release, hence the floor.
runs() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1
}

say() {
    case "${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}" in
        ko*) echo "$2" >&2 ;;
        *) echo "$1" >&2 ;;
    esac
}

# One that is named is meant: another in its place would surprise.
if [ -n "${PYTHON:-}" ] && ! { command -v "$PYTHON" >/dev/null 2>&1 && runs "$PYTHON"; }; then
    say "PYTHON is $PYTHON, which is no Python 3.12 or newer: name another, or leave PYTHON out." \
        "PYTHON으로 지정한 $PYTHON은(는) Python 3.12 이상이 아닙니다. 다른 것을 지정하거나 PYTHON을 빼십시오."
    exit 1
fi

candidates() {
    [ -n "${PYTHON:-}" ] && echo "$PYTHON"
    printf '%s\n' python3.13 python3.12 python3 python python3.14
    pyenv_root=${PYENV_ROOT:-$(pyenv root 2>/dev/null || echo "${HOME:-}/.pyenv")}
    for minor in 13 12 14; do
        ls -d "$pyenv_root"/versions/3."$minor".*/bin/python 2>/dev/null
    done
    command -v uv >/dev/null 2>&1 && uv python find '>=3.12' 2>/dev/null
}

candidates | {
    while IFS= read -r candidate; do
        found=$(command -v "$candidate" 2>/dev/null) || continue
        if runs "$found"; then
            # A shim works only while its version is switched on: name the interpreter behind it.
            "$found" -c 'import sys; print(sys.executable)'
            exit 0
        fi
    done
    exit 1
} && exit 0

# uv can bring a Python of its own.
if command -v uv >/dev/null 2>&1 && uv python install 3.13 >/dev/null 2>&1; then
    uv python find 3.13 && exit 0
fi

say "Python 3.12 or newer is needed and none was found: install one (for example python3.12 and python3.12-venv, 'pyenv install 3.12', or uv), or name it with 'make PYTHON=/path/to/python'." \
    "Python 3.12 이상이 필요한데 찾지 못했습니다. 설치하거나(예: python3.12와 python3.12-venv, 'pyenv install 3.12', uv) 'make PYTHON=/경로/python'으로 지정하십시오."
exit 1
