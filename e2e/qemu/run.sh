#!/usr/bin/env bash
# Boots Debian's own kernel in QEMU (software emulation, cgroup v2 only) and runs guest/*.js there as the first process.
# For cgroup v2 on machines that have v1. Not in CI: it takes under a minute.
# Usage: e2e/qemu/run.sh          needs: apt install qemu-system-x86 busybox-static cpio kmod
# The kernel package is downloaded once into $XDG_CACHE_HOME/constellation/qemu (default ~/.cache).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/constellation/qemu
timeout_seconds=${TIMEOUT_SECONDS:-600}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for program in qemu-system-x86_64 busybox cpio depmod apt-get dpkg-deb; do
  command -v "$program" >/dev/null || {
    echo "Cannot start the guest: no $program; apt install qemu-system-x86 busybox-static cpio kmod" >&2
    exit 2
  }
done
(cd "$root" && npx tsc -b packages/host)

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
mkdir -p "$guest"/{bin,proc,sys,dev,tmp,etc,lib/modules,app}
cp "$(command -v busybox)" "$guest/bin/busybox"
node=$(node -p 'fs.realpathSync(process.execPath)')
cp "$node" "$guest/bin/node"
ldd "$node" | grep -o '/[^ ]*' | while read -r library; do
  mkdir -p "$guest$(dirname "$library")"
  cp -L "$library" "$guest$library"
done
cp -r "$root/packages/host/dist" "$guest/app/host"
cp "$here"/guest/* "$guest/app/"
echo '{ "type": "module" }' >"$guest/app/package.json"
modules=$guest/lib/modules/$version
mkdir -p "$modules/kernel"
for module in virtio virtio_ring virtio_pci virtio_pci_modern_dev virtio_pci_legacy_dev virtio_blk veth; do
  find "$work/kernel/lib/modules" -name "$module.ko*" -exec cp {} "$modules/kernel/" \;
done
# depmod misses the lists of built-in modules, which nothing here needs.
depmod -b "$guest" "$version" 2>/dev/null
mv "$guest/app/init" "$guest/init"
chmod +x "$guest/init"
(cd "$guest" && find . | cpio --quiet -o -H newc) >"$work/initrd"
truncate -s 64M "$work/disk"

echo "booting Linux $version in QEMU, Node $(node -p process.version), at most $timeout_seconds s"
timeout --kill-after=5 "$timeout_seconds" qemu-system-x86_64 \
  -accel tcg,thread=multi -cpu max -smp 2 -m 1536 -nodefaults -no-reboot -display none \
  -serial stdio -monitor none \
  -kernel "$kernel" -initrd "$work/initrd" \
  -drive "file=$work/disk,if=virtio,format=raw,cache=none" \
  -append "console=ttyS0 quiet panic=-1 psi=1 systemd.unified_cgroup_hierarchy=1" \
  </dev/null | tr -d '\r' | tee "$work/log" || true

grep -q '^guest: all checks passed' "$work/log" && exit 0
echo "the guest did not pass all checks (or did not end within $timeout_seconds s)" >&2
exit 1
