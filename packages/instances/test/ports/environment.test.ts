import { parseApp } from "@constellation/contract";
import { describe, expect, it } from "vitest";
import type { PortBinding } from "../../src/driver/port-binding.ts";
import { portEnvironment, sharingOf } from "../../src/ports/index.ts";

const shared = (name: string, port: number): PortBinding => ({
  mode: "shared",
  name,
  publicPort: port,
  port,
  address: "127.0.0.1",
  url: `http://127.0.0.1:${port}`,
  socketFile: `/run/${name}/control.sock`,
});
const forwarded: PortBinding = { ...shared("metrics", 9000), mode: "forwarded", port: 20_123 };

describe("the environment of an instance with ports", () => {
  it("names each port, and passes shared ones as systemd does", () => {
    const { variables, sockets } = portEnvironment([shared("http", 8080), forwarded, shared("admin-api", 8081)]);
    expect(variables).toEqual({
      PORT: "8080",
      HTTP_PORT: "8080",
      METRICS_PORT: "20123",
      ADMIN_API_PORT: "8081",
      LISTEN_FDS: "2",
      LISTEN_FDNAMES: "http:admin-api",
      LISTEN_PID: "2",
    });
    expect(sockets.map(({ fd, socketFile }) => [fd, socketFile])).toEqual([
      [3, "/run/http/control.sock"],
      [4, "/run/admin-api/control.sock"],
    ]);
  });

  it("gives Node each socket twice, the second ones behind those that LISTEN_FDS counts", () => {
    const { variables, sockets } = portEnvironment([shared("http", 8080), shared("admin", 8081)], {
      preloadFile: "/p/l.cjs",
      nodeOptions: "--x",
    });
    expect(variables["LISTEN_FDS"]).toBe("2");
    expect(variables["NODE_OPTIONS"]).toBe('--x --require "/p/l.cjs"');
    expect(sockets.map(({ fd, socketFile }) => `${fd} ${socketFile}`)).toEqual([
      "3 /run/http/control.sock",
      "4 /run/admin/control.sock",
      "5 /run/http/control.sock",
      "6 /run/admin/control.sock",
    ]);
    expect(JSON.parse(variables["CONSTELLATION_LISTEN"] ?? "")).toMatchObject({
      ports: [
        { port: 8080, fds: [3, 5] },
        { port: 8081, fds: [4, 6] },
      ],
    });
  });

  it("says nothing about sockets when there are none", () => {
    expect(portEnvironment([forwarded], { preloadFile: "/p/l.cjs" })).toEqual({
      sockets: [],
      variables: { PORT: "20123", METRICS_PORT: "20123" },
    });
    expect(portEnvironment([])).toEqual({ sockets: [], variables: {} });
  });
});

describe("who shares the socket", () => {
  const script = { kind: "script", file: "/a/server.js", args: [] } as const;
  const command = (...argv: string[]) => ({ kind: "command", argv }) as const;
  const open = parseApp({ name: "web", command: ["true"] });
  it.each([
    ["a script", "auto", script, "shared"],
    ["node", "auto", command("/usr/bin/node", "server.js"), "shared"],
    ["npm, whose child listens", "auto", command("npm", "start"), "forwarded"],
    ["python", "auto", command("python3", "-m", "http.server"), "forwarded"],
    ["a program that takes a socket", "inherit", command("nginx"), "shared"],
    ["a script that must not", "forward", script, "forwarded"],
  ] as const)("%s, %s", (_, socket, run, wanted) => {
    expect(sharingOf({ socket }, run, open)).toBe(wanted);
  });

  it.each([
    ["a private one", { network: "private" }, {}, "forwarded"],
    ["a limit outwards", {}, { networkOutBitsPerSecond: 1e6 }, "forwarded"],
    ["a limit inwards", {}, { networkInBitsPerSecond: 1e6 }, "forwarded"],
    ["the machine's, whatever the limit", { network: "host" }, { networkOutBitsPerSecond: 1e6 }, "shared"],
    ["none, where nothing else reaches it", { network: "none" }, {}, "shared"],
  ] as const)("a script with a network of %s", (_, isolation, resources, wanted) => {
    const spec = { isolation: { ...open.isolation, ...isolation }, resources: { ...open.resources, ...resources } };
    expect(sharingOf({ socket: "auto" }, script, spec)).toBe(wanted);
  });
});
