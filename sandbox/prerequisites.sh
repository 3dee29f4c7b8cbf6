#!/bin/sh
# Names the first prerequisite that is missing, and how to get it, in one line.

say() {
    echo "missing: $1" >&2
    exit 1
}

python="${PYTHON:-python3}"
command -v "$python" >/dev/null 2>&1 ||
    say "Python 3.11 or newer; install it with your package manager, or name one: make PYTHON=python3.12 …"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    say "Python 3.11 or newer ($("$python" --version 2>&1) is older); name one: make PYTHON=python3.12 …"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    say "Python's venv module; on Debian and Ubuntu: apt-get install python3-venv"
command -v git >/dev/null 2>&1 ||
    say "git; install it with your package manager: apt-get install git, brew install git"
[ -x "$(git --exec-path)/git-http-backend" ] ||
    say "git http-backend; on Fedora: dnf install git-core, on Alpine: apk add git-daemon"
