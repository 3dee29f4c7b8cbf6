#!/bin/sh
# Rotates in a fresh clone, and commits the stack's configuration, where the number lives.
#
#     sh examples/jobs/rotate.sh STACK [OPTION...]    # those of `fluxhooks rotate`
#
# BRANCH names the branch to push to; the one that is checked out when absent.
# The exit code is that of `fluxhooks rotate`, or of git where that failed.
set -eu

stack=$1
file=stacks/Pulumi.${stack##*/}.yaml
branch=${BRANCH:-$(git branch --show-current)}
PATH=$PWD/.venv/bin:$PATH
export PATH

as_job() {
    git -c user.name=fluxhooks -c user.email=fluxhooks@localhost "$@"
}

status=0
fluxhooks rotate "$@" --yes || status=$?

# Also after a failure: the file says what was begun, and the next run finishes it.
git add -- "$file"
if ! git diff --cached --quiet -- "$file"; then
    as_job commit --quiet --message "Rotate webhook secrets of $stack" -- "$file"
    as_job pull --quiet --rebase origin "$branch"
    git push --quiet origin "HEAD:$branch"
fi
exit "$status"
