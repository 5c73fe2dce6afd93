import { userInfo } from "node:os";
import { afterEach, expect, test, vi } from "vitest";
import { daemonEnvironment } from "../src/daemon/locate.ts";

afterEach(() => void vi.unstubAllEnvs());

test("where HOME is not set the daemon's home is that of its user", () => {
  vi.stubEnv("HOME", "/srv/home");
  expect(daemonEnvironment()["HOME"]).toBe("/srv/home");
  for (const HOME of [undefined, ""]) {
    vi.stubEnv("HOME", HOME);
    expect(daemonEnvironment()["HOME"]).toBe(userInfo().homedir);
  }
});
