#!/bin/sh
# Compares our supervisors with Erlang's: run.sh [seed] [count]. Installs Erlang where it is missing (Debian, as root).
set -eu
cd "$(dirname "$0")/../../../.."
command -v erl >/dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq erlang-base; }
OTP_SEED="${1:-$(date +%s)}" OTP_COUNT="${2:-1000}" exec npx vitest run packages/actors/test/differential
