import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDoor } from "../../src/probes/door.ts";

const folder = mkdtempSync(join(tmpdir(), "door-"));
const server = createServer((_, response) => response.end("here"));
beforeAll(async () => {
  server.listen(join(folder, "real.sock"));
  await once(server, "listening");
  symlinkSync("real.sock", join(folder, "link.sock"));
  symlinkSync("/no/such", join(folder, "dangling.sock"));
  writeFileSync(join(folder, "file.sock"), "");
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const descriptors = (): number => readdirSync("/proc/self/fd").length;

test("a door leads to the socket that was looked at", async () => {
  const door = openDoor(join(folder, "real.sock"));
  const socket = connect(door.path);
  await once(socket, "connect");
  socket.destroy();
  door.close();
});

test.each([
  ["link.sock", "ELOOP|is no socket"],
  ["dangling.sock", "ELOOP|is no socket"],
  ["file.sock", "is no socket"],
  ["none.sock", "ENOENT"],
])("%s is refused, and nothing stays open", (name, why) => {
  const before = descriptors();
  expect(() => openDoor(join(folder, name))).toThrow(new RegExp(why));
  expect(descriptors()).toBe(before);
});
