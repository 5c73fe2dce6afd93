import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { deleteRemoved, forgetApp, forgetUnwritten } from "../../src/process/forget-app.ts";
import { InstanceNumbers } from "../../src/process/instance-numbers.ts";

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "cst-forget-"));
  mkdirSync(join(state, "data"));
});
afterEach(() => rmSync(state, { recursive: true, force: true }));

test("data, disks and numbers of an app go; those of its neighbours stay", async () => {
  const folders = { runtime: join(state, "run"), state };
  const numbers = new InstanceNumbers(state);
  const names = ["web.1", "web.2", "web.10", "web-2.1", "aweb.1"];
  for (const name of names) {
    numbers.take(name);
    mkdirSync(join(state, "data", name));
    writeFileSync(join(state, "data", name, "file"), "data");
  }
  for (const file of ["web.3.img", "web.3.img.growing", "web.4.img.new"])
    writeFileSync(join(state, "data", file), "a disk");
  numbers.take("web.3");
  numbers.take("web.5");
  expect(forgetApp("web", folders, numbers)).toBe(true);
  expect(readdirSync(join(state, "data")).sort()).toEqual(["aweb.1", "web-2.1"]);
  expect(numbers.take("other.1")).toBe(0);
  expect(new InstanceNumbers(state).take("aweb.1")).toBe(4);
  await deleteRemoved(folders);
  expect(existsSync(join(state, "removed"))).toBe(false);
  expect(forgetApp("web", folders, numbers)).toBe(false);
});

test("only instances that have written nothing are forgotten where data is to stay", () => {
  const folders = { runtime: join(state, "run"), state };
  const numbers = new InstanceNumbers(state);
  for (const name of ["web.1", "web.2", "web.3", "web.4", "web-2.1"]) numbers.take(name);
  for (const name of ["web.1", "web.2", "web.4", "web-2.1"]) mkdirSync(join(state, "data", name));
  writeFileSync(join(state, "data", "web.1", "file"), "data");
  writeFileSync(join(state, "data", "web.2.project"), "1000");
  writeFileSync(join(state, "data", "web.4.img"), "a disk");
  forgetUnwritten("web", folders, numbers);
  expect(readdirSync(join(state, "data")).sort()).toEqual(["web-2.1", "web.1", "web.4", "web.4.img"]);
  expect(numbers.namesOf("web").sort()).toEqual(["web.1", "web.4"]);
  expect(numbers.namesOf("web-2")).toEqual(["web-2.1"]);
});

test("a number that cannot be given back for want of space stays with its name", () => {
  const numbers = new InstanceNumbers(state);
  numbers.take("web.1");
  numbers.close();
  rmSync(state, { recursive: true });
  expect(() => numbers.forget("web.1")).toThrow(/ENOENT/);
  expect(numbers.of("web.1")).toBe(0);
  expect(numbers.reserve("a spare")).toBe(1);
});
