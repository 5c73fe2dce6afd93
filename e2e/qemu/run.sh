#!/usr/bin/env bash
# Boots Debian's own kernel in QEMU (software emulation, cgroup v2 only), runs guest/checks.js there (control groups),
# guest/instances.js (real instances by the launcher, disks by project quota) and guest/guard.js (guarded runs). For cgroup
# v2 on machines that have v1, and for quotas on machines without. Not in CI: it takes some four minutes.
# Usage: e2e/qemu/run.sh [checks] [instances] [guard]; all without words
# needs: apt install qemu-system-x86 busybox-static cpio kmod e2fsprogs
# The kernel package is downloaded once into $XDG_CACHE_HOME/constellation/qemu (default ~/.cache).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/constellation/qemu
timeout_seconds=${TIMEOUT_SECONDS:-800}
parts=${*:-checks instances guard}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for program in qemu-system-x86_64 busybox cpio depmod apt-get dpkg-deb mkfs.ext4; do
  command -v "$program" >/dev/null || {
    echo "Cannot start the guest: no $program; apt install qemu-system-x86 busybox-static cpio kmod e2fsprogs" >&2
    exit 2
  }
done
(cd "$root" && npx tsc -b packages/instances packages/guard)

# The kernel and the few modules that the guest needs.
mkdir -p "$cache"
if ! compgen -G "$cache/*.deb" >/dev/null; then
  package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends:/ { print $2; exit }')
  (cd "$cache" && apt-get download "$package")
fi
dpkg-deb -x "$(compgen -G "$cache/*.deb" | head -1)" "$work/kernel"
kernel=$(compgen -G "$work/kernel/boot/vmlinuz-*")
version=${kernel##*/vmlinuz-}

# The root filesystem: busybox, Node with its libraries, the built host package and the guest's programs.
guest=$work/guest
mkdir -p "$guest"/{bin,proc,sys,dev,tmp,etc,lib/modules,app,root,state,launcher/bin}
cp "$(command -v busybox)" "$guest/bin/busybox"
node=$(node -p 'fs.realpathSync(process.execPath)')
cp "$node" "$guest/bin/node"
cp "$(command -v chattr)" "$guest/bin/chattr.e2fsprogs"
{ ldd "$node"; ldd "$(command -v chattr)"; } | grep -o '/[^ ]*' | while read -r library; do
  mkdir -p "$guest$(dirname "$library")"
  cp -L "$library" "$guest$library"
done
cp -r "$root/packages/host/dist" "$guest/app/host"
cp "$here"/guest/* "$guest/app/"
echo "$parts" >"$guest/app/parts"
echo '{ "type": "module" }' >"$guest/app/package.json"
# The driver in one file; the launcher lies beside it as in the package.
(cd "$root" && npx esbuild e2e/qemu/guest/instances.js --bundle --platform=node --format=esm --log-level=error \
  --banner:js='import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' \
  --outfile="$guest/app/instances.js" --allow-overwrite)
# The guard, and what it is told to run as a program of its own; the hooks lie where its bundle looks for them.
(cd "$root" && npx esbuild e2e/qemu/guest/guard.js e2e/guard/protected.js --bundle --platform=node --format=esm \
  --log-level=error --entry-names='[name]' --outdir="$guest/app" --allow-overwrite \
  --banner:js='import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);')
cp -r "$root/packages/guard/guests" "$guest/guests"
cp -r "$root/packages/instances/launcher/bin/linux-x64" "$guest/launcher/bin/"
echo "root:x:0:0:root:/root:/bin/sh" >"$guest/etc/passwd"
modules=$guest/lib/modules/$version
mkdir -p "$modules/kernel"
for module in virtio virtio_ring virtio_pci virtio_pci_modern_dev virtio_pci_legacy_dev virtio_blk veth quota_tree quota_v2; do
  find "$work/kernel/lib/modules" -name "$module.ko*" -exec cp {} "$modules/kernel/" \;
done
# depmod misses the lists of built-in modules, which nothing here needs.
depmod -b "$guest" "$version" 2>/dev/null
mv "$guest/app/init" "$guest/init"
chmod +x "$guest/init"
(cd "$guest" && find . | cpio --quiet -o -H newc) >"$work/initrd"
truncate -s 64M "$work/disk"
truncate -s 256M "$work/state"
mkfs.ext4 -q -O project,quota -E quotatype=prjquota "$work/state"

echo "booting Linux $version in QEMU, Node $(node -p process.version), at most $timeout_seconds s"
timeout --kill-after=5 "$timeout_seconds" qemu-system-x86_64 \
  -accel tcg,thread=multi -cpu max -smp 2 -m 1536 -nodefaults -no-reboot -display none \
  -serial stdio -monitor none \
  -kernel "$kernel" -initrd "$work/initrd" \
  -drive "file=$work/disk,if=virtio,format=raw,cache=none" \
  -drive "file=$work/state,if=virtio,format=raw,cache=none" \
  -append "console=ttyS0 quiet panic=-1 psi=1 systemd.unified_cgroup_hierarchy=1" \
  </dev/null | tr -d '\r' | tee "$work/log" || true

[ "$(grep -c '^guest: all checks passed' "$work/log")" = "$(wc -w <<<"$parts")" ] && exit 0
echo "the guest did not pass all checks (or did not end within $timeout_seconds s)" >&2
exit 1
