import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { type AppInput, parseApp } from "@constellation/contract";
import type { ProcessDriver } from "@constellation/instances";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Playground } from "./playground.ts";
import { refusal, refusalOf, runToEnd, shell } from "./runs.ts";

const spec = (input: Partial<AppInput>) => parseApp({ name: "web", command: ["true"], ...input });

describe.skipIf(process.getuid?.() !== 0)("a mount, on this machine", () => {
  let playground: Playground;
  let driver: ProcessDriver;
  beforeAll(async () => {
    playground = new Playground();
    driver = await playground.open();
  });
  afterAll(async () => {
    expect(await playground.leftovers()).toEqual([]);
    await playground.close();
  });

  test("a mount is refused by name where it cannot be, and starts wherever it is accepted", async () => {
    const folder = join(playground.root, "mounting");
    mkdirSync(join(folder, "there"), { recursive: true });
    writeFileSync(join(folder, "file"), "text");
    const ofFolder = {
      "/": /whole file tree/,
      "/proc/x": /\/proc is made for each instance/,
      "/a/../proc": /\/proc is made/,
      "/dev/dri": /\/dev is made/,
      "/etc/no-such-folder": /lies in this machine's \/etc, where no such folder is/,
      "/etc/passwd": /\/etc, where no such folder/,
      "/data": /the data folder \/data is there/,
      "/data/x": /lies in the data folder/,
      "/run": /would cover the platform's \/run\/constellation/,
      "/run/constellation": /the platform's \/run\/constellation is there/,
      "/run/constellation/x": /lies in the platform's/,
      [join(folder, "new")]: /lies in the app's folder/,
      [playground.root]: /would cover the app's folder/,
      [join(folder, "there")]: null,
      [folder]: null,
      "/dev": null,
      "/etc": null,
      "/run/x": null,
      "/srv/deep/in//it/": null,
      "/tmp/x": null,
      "/x": null,
    };
    const ofFile = {
      "/etc": /this machine's \/etc is there, and no file/,
      "/etc/no-such-file": /no such file/,
      "/etc/apt": /no such file/,
      "/etc/passwd": null,
      "/srv/file": null,
      [join(folder, "file")]: null,
    };
    const cases = [
      ...Object.entries(ofFolder).map((entry) => ["there", ...entry] as const),
      ...Object.entries(ofFile).map((entry) => ["file", ...entry] as const),
    ];
    for (const [source, target, why] of cases) {
      const mounts = [{ source: join(folder, source), target }];
      const message = (await refusalOf(driver.check(spec({ folder, mounts }))))?.message ?? null;
      expect([target, message]).toEqual([target, why === null ? null : expect.stringMatching(why)]);
      const request = shell(playground, "true", { folder, mounts });
      if (why === null) expect((await runToEnd(driver, request)).exit.kind).toBe("completed");
      else expect((await refusal(driver, request)).message).toMatch(why);
    }
  });

  test("a device is refused by name, a socket and a FIFO are not", async () => {
    const folder = join(playground.root, "special");
    mkdirSync(folder);
    execFileSync("mkfifo", [join(folder, "fifo")]);
    execFileSync("mknod", [join(folder, "disk"), "b", "7", "200"]);
    const server = createServer().listen(join(folder, "socket"));
    await once(server, "listening");
    for (const name of ["fifo", "disk", "socket"]) chmodSync(join(folder, name), 0o666);
    const of = (source: string) => ({ mounts: [{ source, target: "/srv/it" }] });
    for (const device of ["/dev/null", join(folder, "disk")]) {
      const why = /cannot be mounted on \/srv\/it: devices cannot be mounted/;
      expect((await refusalOf(driver.check(spec(of(device)))))?.message).toMatch(why);
      expect((await refusal(driver, shell(playground, "true", of(device)))).message).toMatch(why);
    }
    for (const name of ["fifo", "socket"]) {
      const mounts = of(join(folder, name));
      expect(await refusalOf(driver.check(spec(mounts)))).toBe(null);
      const { exit } = await runToEnd(
        driver,
        shell(playground, `test ${name === "fifo" ? "-p" : "-S"} /srv/it`, mounts),
      );
      expect(exit).toMatchObject({ kind: "completed" });
    }
    server.close();
    await once(server, "close");
  });

  test.each([
    [{ mount: false }, /Leave isolation\.mount on, or/],
    [{ readOnlyRoot: false }, /Leave isolation\.readOnlyRoot on, or/],
    [{ mount: false, readOnlyRoot: false }, /Leave isolation\.mount and isolation\.readOnlyRoot on, or/],
  ])("without a file tree of its own nothing is mounted read-only: %j", async (isolation, remedy) => {
    const folder = mkdtempSync(join(playground.root, "shared-"));
    chmodSync(folder, 0o777);
    const on = (target: string, readOnly?: boolean) => ({ isolation, mounts: [{ source: folder, target, readOnly }] });
    for (const readOnly of [undefined, true]) {
      const refused = await refusalOf(driver.check(spec(on(folder, readOnly))));
      expect(refused).toMatchObject({
        code: "isolation.unavailable",
        message: `Cannot apply web: ${folder} cannot be read-only without a file tree of its own`,
      });
      expect(refused?.remedy).toMatch(remedy);
      expect(refused?.remedy).toContain("readOnly: false");
      const atStart = await refusal(driver, shell(playground, `touch ${folder}/made`, on(folder, readOnly)));
      expect(atStart.message).toContain("cannot be read-only");
    }
    expect((await refusalOf(driver.check(spec(on("/elsewhere", false)))))?.message).toMatch(/cannot be shown at/);
    const { exit } = await runToEnd(driver, shell(playground, `touch ${folder}/made`, on(folder, false)));
    expect(exit.kind).toBe("completed");
    expect(existsSync(join(folder, "made"))).toBe(true);
  });

  test("what an instance puts in the place of a source is not followed out of what it may write to", async () => {
    const shared = mkdtempSync(join(playground.root, "shared-"));
    const closed = mkdtempSync(join(playground.root, "closed-"));
    for (const folder of [join(shared, "sub"), join(closed, "inner")]) mkdirSync(folder);
    for (const folder of [shared, join(shared, "sub")]) chmodSync(folder, 0o777);
    symlinkSync(shared, join(playground.root, "alias"));
    writeFileSync(join(closed, "inner/secret"), "secret");
    const writable = { source: shared, target: "/srv/shared", readOnly: false };
    const sub = { source: join(playground.root, "alias/sub"), target: "/srv/sub" };
    const script = `ls /srv/sub; mv /srv/shared/sub /srv/shared/old; ln -s "$1" /srv/shared/sub`;
    const start = (to: string) => {
      const request = shell(playground, script.replace('"$1"', to), { mounts: [writable, sub] });
      return { ...request, app: "shared", index: 1 };
    };
    // Where it stays inside it is followed.
    expect((await runToEnd(driver, start("old"))).exit.kind).toBe("completed");
    expect((await runToEnd(driver, start(join(closed, "inner")))).exit.kind).toBe("completed");
    const refused = await refusal(driver, start("old"));
    expect(refused).toMatchObject({ code: "spec.invalid", remedy: expect.stringContaining(closed) as string });
    expect(refused.message).toContain(`leads by a link out of ${shared}`);
    expect((await refusalOf(driver.check(spec({ mounts: [writable, sub] }))))?.message).toContain(
      "leads by a link out",
    );
    expect((await refusalOf(driver.check(spec({ mounts: [sub] }))))?.message).toBe(undefined);
  });

  test("mounts are checked against each other", async () => {
    const folder = join(playground.root, "among");
    mkdirSync(join(folder, "inner"), { recursive: true });
    const both = (first: string, second: string) =>
      refusalOf(driver.check(spec({ mounts: [first, second].map((target) => ({ source: folder, target })) })));
    expect((await both("/x", "/x/"))?.message).toMatch(/the mount on \/x\/ is there/);
    expect((await both("/x/no-such", "/x"))?.message).toMatch(/(would cover|lies in) the mount on/);
    expect(await both("/x/inner", "/x")).toBe(null);
  });
});
