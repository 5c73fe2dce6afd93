#!/usr/bin/env bash
# Boots Debian's systemd in QEMU (software emulation), installs the packed daemon as a service there with
# `constellation daemon install`, reboots, and sees that everything comes back. Not in CI: it takes some minutes.
# Usage: e2e/qemu/systemd.sh       needs: apt install qemu-system-x86 busybox-static cpio kmod e2fsprogs
# Debian's packages are downloaded once into $XDG_CACHE_HOME/constellation/qemu (default ~/.cache).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/constellation/qemu
timeout_seconds=${TIMEOUT_SECONDS:-900}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PATH=$PATH:/usr/sbin:/sbin

for program in qemu-system-x86_64 busybox cpio depmod mkfs.ext4 ldconfig apt-get dpkg-deb; do
  command -v "$program" >/dev/null || {
    echo "Cannot start the guest: no $program; apt install qemu-system-x86 busybox-static cpio kmod e2fsprogs" >&2
    exit 2
  }
done

# The kernel, as for run.sh, and a small Debian of packages that were never configured: systemd needs no more.
mkdir -p "$cache/systemd/partial"
if ! compgen -G "$cache/*.deb" >/dev/null; then
  (cd "$cache" && apt-get download "$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends:/ { print $2; exit }')")
fi
if ! compgen -G "$cache/systemd/systemd_*.deb" >/dev/null; then
  : >"$work/status"
  apt-get -qq -y -o Dir::State::status="$work/status" -o Dir::Cache::archives="$cache/systemd" -o Debug::NoLocking=1 \
    -o APT::Install-Recommends=0 install --download-only systemd systemd-sysv udev bash coreutils util-linux mount \
    libc-bin base-files base-passwd e2fsprogs kmod procps grep sed libstdc++6
fi
dpkg-deb -x "$(compgen -G "$cache/*.deb" | head -1)" "$work/kernel"
kernel=$(compgen -G "$work/kernel/boot/vmlinuz-*")
version=${kernel##*/vmlinuz-}

debian=$work/debian
mkdir -p "$debian"/usr/{bin,sbin,lib,lib64} "$debian"/{etc,proc,sys,dev,run,tmp,root,var,srv,opt}
for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$debian/$folder"; done
for package in "$cache"/systemd/*.deb; do
  case ${package##*/} in perl* | libperl* | usrmerge* | adduser* | debconf* | dpkg_*) continue ;; esac
  dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink -C "$debian"
done
cp "$debian/usr/share/base-passwd/passwd.master" "$debian/etc/passwd"
cp "$debian/usr/share/base-passwd/group.master" "$debian/etc/group"
tr -d - </proc/sys/kernel/random/uuid >"$debian/etc/machine-id"
echo guest >"$debian/etc/hostname"
: >"$debian/etc/fstab"
chmod 1777 "$debian/tmp"
modules=$debian/lib/modules/$version/kernel
mkdir -p "$modules"
for module in virtio virtio_ring virtio_pci virtio_pci_modern_dev virtio_pci_legacy_dev virtio_blk loop veth sch_tbf autofs4; do
  find "$work/kernel/lib/modules" -name "$module.ko*" -exec cp {} "$modules/" \;
done
depmod -b "$debian" "$version" 2>/dev/null

# Node with its libraries, and the product as a user installs it.
node=$(node -p 'fs.realpathSync(process.execPath)')
cp "$node" "$debian/usr/bin/node"
ldd "$node" | grep -o '/[^ ]*' | while read -r library; do
  [ -e "$debian$library" ] || { mkdir -p "$debian$(dirname "$library")" && cp -L "$library" "$debian$library"; }
done
(cd "$root" && npx tsc -b && node tools/bundle.js)
(cd "$root/packages/cli" && npm pack --silent --pack-destination "$work" >/dev/null)
npm install --silent --no-audit --no-fund --prefix "$debian/opt/constellation" "$work"/constellation-*.tgz
mkdir -p "$debian/opt/check" "$debian/srv/site"
cp "$here/guest/check.js" "$here/systemd/checks.js" "$debian/opt/check/"
echo '{ "type": "module" }' >"$debian/opt/check/package.json"
cp "$here/systemd/deploy.ts" "$here/systemd/server.js" "$debian/srv/site/"
cp "$here/systemd/checks.service" "$debian/etc/systemd/system/"
mkdir -p "$debian/etc/systemd/system/multi-user.target.wants"
ln -s ../checks.service "$debian/etc/systemd/system/multi-user.target.wants/checks.service"
for unit in serial-getty@ttyS0 getty@tty1 systemd-update-utmp systemd-update-utmp-runlevel systemd-pstore apt-daily; do
  ln -s /dev/null "$debian/etc/systemd/system/$unit.service"
done
ldconfig -r "$debian"
truncate -s 1500M "$work/disk"
mkfs.ext4 -q -F -m 0 -E root_owner=0:0 -d "$debian" "$work/disk"

# What finds the disk and hands over to systemd.
guest=$work/initrd
mkdir -p "$guest"/{bin,proc,sys,dev,new} "$guest/lib/modules/$version/kernel"
cp "$(command -v busybox)" "$guest/bin/busybox"
cp "$modules"/virtio*.ko* "$guest/lib/modules/$version/kernel/"
depmod -b "$guest" "$version" 2>/dev/null
cp "$here/systemd/init" "$guest/init"
chmod +x "$guest/init"
(cd "$guest" && find . | cpio --quiet -o -H newc) >"$work/initrd.cpio"

echo "booting Linux $version with Debian's systemd in QEMU, Node $(node -p process.version), at most $timeout_seconds s"
timeout --kill-after=5 "$timeout_seconds" qemu-system-x86_64 \
  -accel tcg,thread=multi -cpu max -smp 2 -m 2048 -nodefaults -display none -serial stdio -monitor none \
  -kernel "$kernel" -initrd "$work/initrd.cpio" \
  -drive "file=$work/disk,if=virtio,format=raw,cache=unsafe" \
  -append "console=ttyS0 quiet panic=-1 psi=1 systemd.show_status=false" \
  </dev/null | tr -d '\r' | tee "$work/log" || true

grep -q '^guest: everything came back' "$work/log" && exit 0
echo "the guest did not pass all checks (or did not end within $timeout_seconds s)" >&2
exit 1
