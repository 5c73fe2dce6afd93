import { mkdirSync, rmSync } from "node:fs";
import { userInfo } from "node:os";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { currentPlaces, daemonEnvironment } from "../src/daemon/locate.ts";

afterEach(() => void vi.unstubAllEnvs());

/** In a container the system may know nothing of a user but the number. */
function homeOfUser(): string | undefined {
  try {
    return userInfo().homedir;
  } catch {
    return undefined;
  }
}

const known = homeOfUser();

test.skipIf(known === undefined)("where HOME is not set the daemon's home is that of its user", () => {
  vi.stubEnv("HOME", "/srv/home");
  expect(daemonEnvironment()["HOME"]).toBe("/srv/home");
  for (const HOME of [undefined, ""]) {
    vi.stubEnv("HOME", HOME);
    expect(daemonEnvironment()["HOME"]).toBe(known);
  }
});

test("a user without a home does not take the folder in /tmp that another one made for him", () => {
  for (const name of ["CONSTELLATION_HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME"]) vi.stubEnv(name, undefined);
  vi.stubEnv("HOME", "none");
  const user = 2_000_000_000 + process.pid;
  const folder = `/tmp/constellation-${user}`;
  expect(currentPlaces(undefined, user).socketPath).toBe(`${folder}/run/daemon.sock`);
  mkdirSync(folder);
  onTestFinished(() => rmSync(folder, { recursive: true }));
  expect(() => currentPlaces(undefined, user)).toThrow(/it belongs to another user/);
});
