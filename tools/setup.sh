#!/bin/sh
# Brings a fresh clone to where everything runs: Node's version, Debian packages, npm packages, the build.
#   tools/setup.sh            what running apps needs
#   tools/setup.sh --tests    what the test suite needs as well
#   --yes                     do not ask before apt-get (CI=true means the same)
# Does nothing that is done already, and says what it does.
set -eu
cd "$(dirname "$0")/.."

yes=${CI:+1}; tests=
for option in "$@"; do
  case $option in
    --yes|-y) yes=1 ;;
    --tests) tests=1 ;;
    *) echo "setup: unknown option \"$option\"; known are --yes and --tests" >&2; exit 2 ;;
  esac
done

if ! command -v node >/dev/null 2>&1 || ! node -e 'const [a,b]=process.versions.node.split(".").map(Number);process.exit(a>20||a===20&&b>=20?0:1)'; then
  echo "setup: Node 20.20 or newer is needed, found $(node --version 2>/dev/null || echo none)" >&2; exit 5
fi

# command:package — a package is asked for only when its command is missing.
wanted="mkfs.ext4:e2fsprogs nsenter:util-linux"
[ -z "$tests" ] || wanted="$wanted git:git python3:python3 ip:iproute2 nft:nftables bwrap:bubblewrap tmux:tmux erl:erlang-base redis-server:redis-server nginx:nginx pytest:python3-pytest gcc:gcc gcc:libc6-dev gcc:linux-libc-dev-arm64-cross qemu-aarch64-static:qemu-user-static systemd-analyze:systemd go:golang-go"
missing=
for pair in $wanted; do
  PATH="$PATH:/usr/sbin:/sbin" command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
done
if [ -n "$missing" ]; then
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "setup: missing on this machine:$missing; install them with its package manager" >&2
  elif [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null 2>&1; then
    echo "setup: missing:$missing; ask an administrator for: apt-get install$missing" >&2
  else
    if [ -z "$yes" ]; then
      if [ ! -t 0 ]; then echo "setup: missing:$missing; run again with --yes to install them" >&2; exit 5; fi
      printf 'Install these Debian packages:%s ? [y/N] ' "$missing"; read -r answer
      case $answer in y|Y|yes) ;; *) echo "setup: not installed; run again when you are ready" >&2; exit 5 ;; esac
    fi
    as_root=; [ "$(id -u)" = 0 ] || as_root=sudo
    echo "setup: installing$missing"
    # RUNLEVEL=1: the packages' own services (redis, nginx) are not started.
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $missing >/dev/null
  fi
fi

stamp=node_modules/.setup-stamp
if [ ! -f "$stamp" ] || [ package-lock.json -nt "$stamp" ]; then
  echo "setup: npm ci"
  npm ci --no-audit --no-fund --loglevel=error
  touch "$stamp"
fi
if [ -n "$tests" ] && { [ ! -d e2e/guard/node_modules ] || [ e2e/guard/package-lock.json -nt e2e/guard/node_modules ]; }; then
  # Not `npm ci`: it wants every platform's optional binaries in the lock file, and these frameworks lag behind with some.
  echo "setup: npm install in e2e/guard"
  (cd e2e/guard && npm install --no-save --no-audit --no-fund --loglevel=error)
fi
echo "setup: build"
npm run --silent build
