#!/bin/sh
# Builds the static programs of this folder into bin/<platform>/ and records which sources they came from.
#   ./build.sh                    both platforms that have a compiler here
#   ./build.sh linux-x64 [outdir] one platform, elsewhere if an output folder is given
# Needs gcc and linux-libc-dev; for arm64 gcc-aarch64-linux-gnu. Users never run this: the results are in git.
set -eu
cd "$(dirname "$0")"

# A program is its name, its sources and their headers; every one is linked with start.c and may include sys.h.
# A program whose sources are missing is skipped.
programs="
launcher: launcher.c spawner.c plan.c run.c processes.c files.c mounts.c image.c project.c privileges.c sealed.c netlink.c supervise.c ending.c control.c standby.c turns.c records.c log.c session.c plan.h launch.h supervise.h socket.h spawner.h
port: port.c port_backends.c port_connections.c port_control.c port_pump.c port_stats.c port_text.c port.h port_sys.h
"
flags="-std=gnu11 -O2 -Wall -Wextra -Werror -Wno-unused-function -static -nostdlib -nostartfiles -ffreestanding
 -fno-stack-protector -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-pic -no-pie -fno-tree-loop-distribute-patterns
 -ffunction-sections -fdata-sections -ffile-prefix-map=$PWD=. -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,noexecstack
 -Wl,-z,norelro -Wl,-z,noseparate-code -s"
module_flags="-std=gnu11 -O2 -Wall -Wextra -Werror -Wno-unused-function -shared -fPIC -nostdlib -ffreestanding
 -fvisibility=hidden -fno-stack-protector -fno-asynchronous-unwind-tables -fno-unwind-tables -ffile-prefix-map=$PWD=.
 -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,norelro -Wl,--hash-style=gnu -s"

# Hash over names and contents of everything that went into a program: a test compares it with the recorded one.
sources_hash() { sha256sum build.sh sys.h start.c "$@" | sha256sum | cut -d' ' -f1; }

build() { # platform compiler outdir
  mkdir -p "$3"
  printf '%s\n' "$programs" | while IFS=: read -r name files; do
    [ -n "$name" ] || continue
    sources=
    for file in $files; do
      [ -e "$file" ] || continue 2
      case $file in *.c) sources="$sources $file" ;; esac
    done
    # shellcheck disable=SC2086
    "$2" $flags -o "$3/$name" start.c $sources -lgcc
    # shellcheck disable=SC2086
    printf '{ "sources": "%s", "compiler": "%s" }\n' "$(sources_hash $files)" "$("$2" --version | head -n 1)" > "$3/$name.json"
    printf 'built %s (%s bytes)\n' "$3/$name" "$(stat -c %s "$3/$name")"
  done
  build_module "$2" "$3"
}

# warm.node is loaded by Node: position independent, and its functions are Node's.
build_module() { # compiler outdir
  "$1" $module_flags -o "$2/warm.node" warm.c
  printf '{ "sources": "%s", "compiler": "%s" }\n' "$(sources_hash warm.c socket.h launch.h plan.h supervise.h)" "$("$1" --version | head -n 1)" > "$2/warm.node.json"
  printf 'built %s (%s bytes)\n' "$2/warm.node" "$(stat -c %s "$2/warm.node")"
}

compiler_of() {
  case $1 in
    linux-x64) [ "$(uname -m)" = x86_64 ] && echo gcc || echo x86_64-linux-gnu-gcc ;;
    linux-arm64) [ "$(uname -m)" = aarch64 ] && echo gcc || echo aarch64-linux-gnu-gcc ;;
    *) echo "unknown platform \"$1\"; wanted linux-x64 or linux-arm64" >&2; exit 2 ;;
  esac
}

for platform in ${1:-linux-x64 linux-arm64}; do
  compiler=$(compiler_of "$platform")
  if command -v "$compiler" > /dev/null; then build "$platform" "$compiler" "${2:-bin/$platform}"
  elif [ $# -gt 0 ]; then echo "cannot build for $platform: $compiler is not installed" >&2; exit 1
  else echo "skipped $platform: $compiler is not installed"; fi
done
