import { userInfo } from "node:os";
import { afterEach, expect, test, vi } from "vitest";
import { daemonEnvironment } from "../src/daemon/locate.ts";

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
