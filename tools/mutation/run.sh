#!/bin/sh
# Changes the supervision code on purpose, one thing at a time, and counts how many changes the tests notice; fails
# below 80 %. What did not change since the last run is not run again. Arguments go to Stryker, such as
# --mutate src/supervisor/restarting.ts
set -eu
here="$(cd "$(dirname "$0")" && pwd)"
[ -d "$here/node_modules/@stryker-mutator/core" ] || (cd "$here" && npm ci --no-audit --no-fund)
kept="$(mktemp -d)"
trap 'rm -rf "$kept"' EXIT
cd "$here/../../packages/actors"
OTP_TRACES="$kept/trace" OTP_SEED=1 OTP_COUNT=150 "$here/node_modules/.bin/stryker" run "$@"
