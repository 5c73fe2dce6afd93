import { afterEach, beforeEach, expect, test } from "vitest";
import { freePort } from "../real/site.ts";
import { eventually, Machine } from "./harness.ts";

let machine: Machine;
beforeEach(async () => {
  machine = new Machine();
  await machine.start();
});
afterEach(() => machine.close());

const app = (name: string) => ({ name, command: ["run"] });
const file = "/home/me/deploy.ts";
const apply = (names: readonly string[], more: { prune?: boolean; dryRun?: boolean; source?: string } = {}) =>
  machine.daemon.platform.apply({ apps: names.map(app), source: file, ...more });
const names = async (): Promise<string[]> => (await machine.daemon.platform.apps()).map(({ name }) => name);
const fates = (changes: readonly { app: string; change: string }[]) =>
  changes.map(({ app: of, change }) => `${of} ${change}`);

test("an app that left its file goes on and is named, until it is pruned", async () => {
  await apply(["web", "old"]);
  await machine.up(app("by-hand"));
  await apply(["other"], { source: "/elsewhere/deploy.ts" });
  expect(fates(await apply(["web"]))).toEqual(["web unchanged", "old orphaned"]);
  expect(await names()).toEqual(["by-hand", "old", "other", "web"]);
  // Over the daemon's end.
  await machine.stop();
  await machine.start();
  expect(fates(await apply(["web"], { dryRun: true, prune: true }))).toEqual(["web unchanged", "old removed"]);
  expect(await names()).toContain("old");
  expect(fates(await apply(["web"], { prune: true }))).toEqual(["web unchanged", "old removed"]);
  await eventually(names, (list) => !list.includes("old"));
  expect(await names()).toEqual(["by-hand", "other", "web"]);
  await eventually(
    () => Promise.resolve(machine.running()),
    (running) => running.length === 3,
  );
  expect(fates(await apply(["web"]))).toEqual(["web unchanged"]);
});

test("an app belongs to the file that it was applied from last, also when nothing else changed", async () => {
  await apply(["web", "old"]);
  expect(fates(await apply(["old"], { source: "/moved/deploy.ts" }))).toEqual(["old unchanged"]);
  expect(fates(await apply(["web"]))).toEqual(["web unchanged"]);
  // By code, without a file: it stays where it was.
  await machine.up({ ...app("web"), env: { A: "1" } });
  expect(fates(await apply(["third"]))).toEqual(["third created", "web orphaned"]);
});

test("an orphan that another app depends on cannot be pruned, and nothing is changed", async () => {
  await apply(["base", "web"]);
  await machine.up({ ...app("user"), dependsOn: ["base"] });
  await expect(apply(["web", "new"], { prune: true })).rejects.toMatchObject({ code: "spec.invalid" });
  expect(await names()).toEqual(["base", "user", "web"]);
});

test("an orphan keeps its port until it has ended", async () => {
  const publicPort = await freePort();
  const web = (name: string) => ({ ...app(name), port: publicPort });
  await machine.daemon.platform.apply({ apps: [web("web")], source: file });
  const renamed = machine.daemon.platform.apply({ apps: [web("web2")], source: file, prune: true });
  await expect(renamed).rejects.toMatchObject({
    code: "port.in-use",
    remedy: expect.stringContaining("constellation rm web") as string,
  });
  expect(await names()).toEqual(["web"]);
  // Its port process would go on.
  await machine.daemon.platform.removeApp("web");
});
