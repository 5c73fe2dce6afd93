import { expect, test } from "vitest";
import { places } from "../src/index.ts";

test("CONSTELLATION_HOME decides before everything else", () => {
  expect(places({ CONSTELLATION_HOME: "/srv/c", HOME: "/home/a" }, 0)).toEqual({
    stateDirectory: "/srv/c",
    runtimeDirectory: "/srv/c/run",
    socketPath: "/srv/c/run/daemon.sock",
    guardSocketPath: "/srv/c/run/guard.sock",
    daemonLogFile: "/srv/c/daemon.log",
  });
});

test("root uses the system's folders, a user those of XDG", () => {
  expect(places({}, 0).socketPath).toBe("/run/constellation/daemon.sock");
  expect(places({ HOME: "/home/a" }, 1000)).toMatchObject({
    stateDirectory: "/home/a/.local/state/constellation",
    runtimeDirectory: "/home/a/.constellation/run",
  });
  expect(places({ HOME: "/home/a", XDG_STATE_HOME: "/s" }, 1000).stateDirectory).toBe("/s/constellation");
  for (const HOME of [undefined, "", "home"])
    expect(places({ HOME }, 1000).socketPath).toBe("/tmp/constellation-1000/run/daemon.sock");
});

test("a login, `sudo -u` and cron mean the same daemon, and no folder that the end of a login takes away", () => {
  const XDG_RUNTIME_DIR = "/run/user/1000";
  expect(places({ HOME: "/home/a", XDG_RUNTIME_DIR }, 1000)).toEqual(places({ HOME: "/home/a" }, 1000));
  const HOME = `/home/${"é".repeat(9)}`;
  expect(places({ HOME, XDG_RUNTIME_DIR }, 1000).socketPath).toBe("/run/user/1000/constellation/daemon.sock");
});

test("a path that is not absolute would mean another daemon in each folder: it is refused, or no path as XDG says", () => {
  expect(() => places({ CONSTELLATION_HOME: "state" }, 0)).toThrow(/CONSTELLATION_HOME "state": it is not absolute/);
  expect(places({ HOME: "/home/a", XDG_STATE_HOME: "s", XDG_RUNTIME_DIR: "./r" }, 1000)).toEqual(
    places({ HOME: "/home/a" }, 1000),
  );
});

test("where no folder can be made, Node would make it for ever: that is refused", () => {
  for (const home of ["/proc/x", "/proc", "//proc/1/cwd", "/./proc/x"])
    expect(() => places({ CONSTELLATION_HOME: home }, 0)).toThrow(/nothing can be kept in \/proc/);
  expect(places({ CONSTELLATION_HOME: "/process/x" }, 0).stateDirectory).toBe("/process/x");
});
