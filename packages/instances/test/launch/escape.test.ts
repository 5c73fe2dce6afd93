import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { buildPlan, fullIsolation, type LaunchRequest, watchLife } from "../../src/launch/index.ts";
import { asRoot, host, World } from "./world.ts";

// What a program inside an instance tries in order to get out, see others or change the machine. Python is the
// attacker: it reaches every system call by number.
const probe = fileURLToPath(new URL("fixtures/escape.py", import.meta.url));
const hasPython = existsSync("/usr/bin/python3");

const users = {
  ...(asRoot ? { "an unprivileged user": { kind: "own", uid: 100_777, gid: 100_777, groups: [] } } : {}),
  "a user namespace": asRoot
    ? { kind: "namespace", insideUid: 0, insideGid: 0, outsideUid: 100_778, outsideGid: 100_778 }
    : { kind: "namespace", insideUid: 1000, insideGid: 1000, outsideUid: host.uid, outsideGid: host.gid },
} as const satisfies Record<string, LaunchRequest["user"]>;

describe.each(Object.entries(users))("from inside, as %s", (_, user) => {
  const world = World.use();
  const attempt = async (name: string): Promise<string> => {
    const binds = [{ source: probe, target: "/home/escape.py", writable: false }];
    const { stdout, stderr } = await world.run(
      world.isolated({ argv: ["python3", "/home/escape.py", name], user, binds }),
    );
    return stdout + stderr;
  };

  test.skipIf(!hasPython)("system calls that change the machine or look at others are refused", async () => {
    const answer = JSON.parse(await attempt("syscalls")) as Record<string, string>;
    expect(Object.keys(answer).length).toBeGreaterThan(25);
    const refused = ["EPERM", "EACCES", "ENOSYS", "EAFNOSUPPORT", "EPROTONOSUPPORT", "EROFS"];
    for (const [call, errno] of Object.entries(answer)) expect(refused, `${call} gave ${errno}`).toContain(errno);
    expect(answer).toMatchObject({
      clone3: "ENOSYS",
      io_uring_setup: "ENOSYS",
      "clone(NEWUSER)": "EPERM",
      unshare: "EPERM",
      mount: "EPERM",
      ptrace: "EPERM",
      "raw socket": "EPERM",
    });
  });

  test("it sees only its own processes", async () => {
    const { stdout } = await world.isolatedShell("ls /proc | grep -c '^[0-9]'; ps -eo comm=", { user });
    const [count, ...names] = stdout.trim().split("\n");
    expect(Number(count)).toBeLessThan(8);
    expect(names).toContain("instance-init");
    expect(names.join()).not.toMatch(/node|vitest|supervisor/u);
  });

  test("it cannot look into or signal its init", async () => {
    const { stdout } = await world.isolatedShell(
      "cat /proc/1/environ /proc/1/maps 2>/dev/null | wc -c; ls /proc/1/fd /proc/1/root/ 2>/dev/null | wc -l; kill -9 1 2>/dev/null; sleep 0.1; echo alive",
      { user },
    );
    expect(stdout).toBe("0\n0\nalive\n");
  });

  test("it can write only to /tmp, /dev/shm and its data folder", async () => {
    const data = mkdtempSync(join(world.folder, "data-"));
    if (asRoot)
      chownSync(
        data,
        user.kind === "own" ? user.uid : user.outsideUid,
        user.kind === "own" ? user.gid : user.outsideGid,
      );
    const { stdout } = await world.isolatedShell(
      'for d in / /etc /usr /usr/bin /home /root /run /var /var/empty /opt /proc /sys /dev /srv /mnt; do touch $d/x 2>/dev/null && echo "wrote $d"; done; for d in /tmp /dev/shm /data /var/tmp; do echo hello > $d/x || echo "no $d"; done',
      { user, data: { kind: "folder", source: data, target: "/data" } },
    );
    expect(stdout).toBe("");
    expect(readFileSync(join(data, "x"), "utf8")).toBe("hello\n");
  });

  test("the app's folder is there and read-only, its neighbours are not there", async () => {
    const app = mkdtempSync(join(world.folder, "app-"));
    chmodSync(app, 0o777); // only the mount keeps anyone from writing
    writeFileSync(join(app, "file"), "content");
    mkdirSync(join(world.folder, "secret"), { recursive: true });
    const { stdout } = await world.isolatedShell(
      `cat ${app}/file; touch ${app}/x 2>&1; rm -f ${app}/file 2>&1; ls ${world.folder}`,
      {
        user,
        binds: [{ source: app, writable: false }],
      },
    );
    expect(stdout).toContain("content");
    expect(stdout.match(/Read-only file system/gu)).toHaveLength(2);
    expect(stdout).not.toContain("secret");
    expect(readFileSync(join(app, "file"), "utf8")).toBe("content");
  });

  test("a folder that is private to another user can still be bound", async () => {
    const app = mkdtempSync(join(world.folder, "private-")); // mode 700
    const inner = join(app, "inner");
    mkdirSync(inner, { mode: 0o755 });
    writeFileSync(join(inner, "file"), "reachable", { mode: 0o644 });
    const { stdout } = await world.isolatedShell("cat /srv/app/file", {
      user,
      binds: [{ source: inner, target: "/srv/app", writable: false }],
    });
    expect(stdout).toBe("reachable\n");
  });

  test("the daemon's folder and socket do not exist, nor does anybody's home", async () => {
    const { stdout } = await world.isolatedShell(
      `ls -A /root /home /run ${world.folder} 2>&1; ls /sys /sys/fs/cgroup 2>&1; ls -d /lost+found /boot 2>&1`,
      { user },
    );
    expect(
      stdout
        .replaceAll(/ls: cannot access .*: No such file or directory\n/gu, "")
        .replaceAll(/^\/(?:root|home|run|sys):\n|\n/gmu, ""),
    ).toBe("");
  });

  test("secrets in /etc and knobs in /proc are out of reach", async () => {
    const { stdout } = await world.isolatedShell(
      "cat /etc/shadow 2>/dev/null | wc -c; for f in sys/kernel/core_pattern sys/vm/overcommit_memory sys/net/ipv4/ip_forward sysrq-trigger irq/default_smp_affinity; do echo 1 > /proc/$f; done 2>/dev/null; cat /proc/kcore /proc/keys /proc/timer_list /proc/interrupts 2>/dev/null | wc -c",
      { user },
    );
    expect(stdout).toBe("0\n0\n");
  });

  test("it has no capability and cannot get one from a file", async () => {
    const { stdout } = await world.isolatedShell(
      "grep -E '^Cap|NoNewPrivs|Seccomp:' /proc/self/status; find / -xdev -perm -4000 -name su -exec {} -c id \\; 2>/dev/null | grep -c 'uid=0(' ",
      { user },
    );
    for (const set of ["Inh", "Prm", "Eff", "Bnd", "Amb"]) expect(stdout).toContain(`Cap${set}:\t0000000000000000`);
    expect(stdout).toContain("NoNewPrivs:\t1\nSeccomp:\t2\n");
  });

  test("its /tmp is its own and has a size", async () => {
    const { stdout, stderr } = await world.isolatedShell(
      "ls -A /tmp; head -c 30000000 /dev/zero > /tmp/big; stat -c %s /tmp/big",
      { user },
    );
    expect(Number(stdout)).toBeLessThanOrEqual(16 << 20);
    expect(stderr).toContain("No space left on device");
  });

  test("device nodes are the six harmless ones, and it can make none", async () => {
    const { stdout } = await world.isolatedShell(
      "for f in /dev/*; do { [ -c $f ] || [ -b $f ]; } && ! [ -L $f ] && printf '%s ' $f; done; mknod /tmp/sda b 8 0 2>&1 | grep -c -i permit; echo x > /dev/null && head -c 4 /dev/zero | wc -c",
      { user },
    );
    expect(stdout).toBe("/dev/full /dev/null /dev/random /dev/tty /dev/urandom /dev/zero 1\n4\n");
  });

  test("limits hold: open files, core dumps", async () => {
    const { stdout } = await world.isolatedShell("ulimit -n; ulimit -c; ulimit -Hn 4096 2>/dev/null; ulimit -Hn", {
      user,
      rlimits: { openFiles: 128 },
    });
    expect(stdout).toBe("128\n0\n128\n");
  });

  test("a resolver that lies outside /etc is readable", async () => {
    const resolver = join(world.folder, "resolv");
    writeFileSync(resolver, "nameserver 192.0.2.1\n");
    const request = world.isolated({ argv: ["cat", resolver], user });
    const plan = buildPlan(request, { ...host, resolver });
    await world.spawner.launch(plan);
    await watchLife(request.instanceDir);
    expect(readFileSync(join(request.instanceDir, "log"), "utf8")).toContain("F nameserver 192.0.2.1\n");
  });

  test("a network of its own has loopback and nothing else", async () => {
    const { stdout } = await world.isolatedShell(
      "cat /proc/net/dev | tail -n +3 | cut -d: -f1 | tr -d ' '; grep -c . /proc/net/route; python3 -c \"import socket; s=socket.create_server(('127.0.0.1',0)); socket.create_connection(s.getsockname()); print('loopback works')\"",
      { user },
    );
    expect(stdout).toMatch(/^lo\n[01]\nloopback works\n$/u); // the route table is empty or only its headings
  });

  test("parts can be switched off one by one", async () => {
    for (const part of ["pid", "ipc", "uts", "cgroup", "dropCapabilities"] as const) {
      if (part === "pid" && user.kind === "namespace") continue; // a fresh /proc needs the PID namespace of the same user namespace
      const { record } = await world.isolatedShell("true", { user, isolation: { ...fullIsolation, [part]: false } });
      expect(record.ending, part).toEqual({ kind: "exited", exitCode: 0 });
    }
    const { record } = await world.isolatedShell("true", {
      user,
      isolation: { ...fullIsolation, seccomp: "off", terminals: false },
    });
    expect(record.ending).toEqual({ kind: "exited", exitCode: 0 });
  });
});

test("links into hidden folders do not lead out", async () => {
  const world = new World();
  await world.spawner.start();
  try {
    const app = mkdtempSync(join(world.folder, "app-"));
    symlinkSync("/root", join(app, "root"));
    symlinkSync("../../../../../../etc/hostname", join(app, "name"));
    const { stdout } = await world.isolatedShell(`ls -A ${app}/root/`, { binds: [{ source: app, writable: false }] });
    expect(stdout).toBe("");
  } finally {
    await world.close();
  }
});
