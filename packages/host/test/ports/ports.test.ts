import fc from "fast-check";
import { existsSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { findFreePort, identifyProcess, listListeners } from "../../src/index.ts";
import { parseLsof } from "../../src/ports/macos-listeners.ts";
import { parseSocketTable } from "../../src/ports/socket-table.ts";
import { endChild, firstOutput, startChild } from "../children.ts";

test("listening rows of tcp and tcp6", () => {
  const header = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
  const rest = "00000000:00000000 00:00000000 00000000";
  expect(
    parseSocketTable(
      `${header}   0: 0100007F:1F90 00000000:0000 0A ${rest}  1000        0 12345 1 0 100 0 0 10 0\n   1: 0100007F:1F90 0100007F:C001 01 ${rest} 1000 0 99 1\n`,
      4,
    ),
  ).toEqual([{ family: 4, address: "127.0.0.1", port: 8080, inode: 12345, uid: 1000 }]);
  const six = (address: string) =>
    parseSocketTable(`   0: ${address}:0050 ${"0".repeat(32)}:0000 0A ${rest} 0 0 7 1\n`, 6)[0]?.address;
  expect(six("00000000000000000000000000000000")).toBe("::");
  expect(six("00000000000000000000000001000000")).toBe("::1");
  expect(six("B80D0120000000000000000001000000")).toBe("2001:db8::1");
  expect(six("0000000000000000FFFF00000100007F")).toBe("::ffff:7f00:1");
});

test("arbitrary text gives no port that is none", () => {
  fc.assert(
    fc.property(fc.string(), fc.constantFrom(4 as const, 6 as const), (text, family) => {
      for (const socket of parseSocketTable(text, family)) expect(socket.port).toBeLessThanOrEqual(65535);
      for (const socket of parseLsof(text)) expect(socket.port).not.toBeNaN();
    }),
  );
});

test("rows of lsof", () => {
  expect(parseLsof("p501\ncnode\nf23\ntIPv4\nn127.0.0.1:3000\nf24\ntIPv6\nn*:8080\n")).toMatchObject([
    { family: 4, address: "127.0.0.1", port: 3000, owners: [{ identity: { pid: 501 }, commandLine: ["node"] }] },
    { family: 6, address: "::", port: 8080 },
  ]);
});

describe.runIf(process.platform === "linux")("ports of this machine", () => {
  test("a listener is joined to its process, command and marker", async () => {
    const script =
      "const s = require('net').createServer().listen(0, '127.0.0.1', () => console.log(s.address().port))";
    const child = startChild(process.execPath, ["-e", script], { PORT_TEST_OWNER: "run-7" });
    const port = Number(await firstOutput(child));
    const [listener, ...others] = listListeners({ ports: [port], markerName: "PORT_TEST_OWNER" });
    expect(others).toEqual([]);
    expect(listener).toMatchObject({
      address: "127.0.0.1",
      family: 4,
      owners: [{ identity: identifyProcess(child.pid), marker: "run-7" }],
    });
    expect(listener?.owners[0]?.commandLine[0]).toBe(process.execPath);
    expect(listListeners({ ports: [port], pids: [child.pid] })[0]?.owners).toHaveLength(1);
    expect(listListeners({ ports: [port], pids: [process.pid] })[0]?.owners).toEqual([]);
    await endChild(child);
    expect(listListeners({ ports: [port] })).toEqual([]);
  });

  test("a foreign listener has no marker", async () => {
    const server = createServer().listen(0, "::1");
    await once(server, "listening");
    const port = portOf(server);
    const [listener] = listListeners({ ports: [port], markerName: "PORT_TEST_OWNER" });
    expect(listener).toMatchObject({ address: "::1", family: 6, owners: [{ identity: { pid: process.pid } }] });
    expect(listener?.owners[0]).not.toHaveProperty("marker");
    server.close();
    await once(server, "close");
  });
});

test.runIf(process.platform === "linux" && existsSync("/usr/bin/python3"))(
  "a listener whose environment has no end is a foreign one",
  async () => {
    // Eight gigabytes that are not there, named as its environment (prctl(2), PR_SET_MM_MAP).
    const script = `
import ctypes, socket, struct, time
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = libc.sbrk.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
size = 8 << 30
place = libc.mmap(None, size, 3, 0x4022, -1, 0)
stat = open("/proc/self/stat").read()
fields = [int(field) for field in stat[stat.rindex(")") + 4:].split()]
code, end_code, stack, data, end_data, heap, words, end_words = (fields[n - 4] for n in (26, 27, 28, 45, 46, 47, 48, 49))
brk = libc.sbrk(0)
places = struct.pack("<11QQIi", code, end_code, data, end_data, heap, brk, stack, words, end_words, place, place + size, 0, 0, -1)
if libc.prctl(35, 14, ctypes.create_string_buffer(places), len(places), 0) != 0:
    raise OSError(ctypes.get_errno())
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
time.sleep(1000)
`;
    const child = startChild("/usr/bin/python3", ["-c", script]);
    const port = Number(await firstOutput(child));
    const [listener] = listListeners({ ports: [port], markerName: "PORT_TEST_OWNER" });
    expect(listener?.owners).toMatchObject([{ identity: identifyProcess(child.pid) }]);
    expect(listener?.owners[0]).not.toHaveProperty("marker");
    await endChild(child);
  },
);

test("a free port is free, and one that was promised is not given again", async () => {
  const given = new Set<number>();
  for (let round = 0; round < 20; round++) {
    const port = await findFreePort({ except: given });
    expect(given.has(port)).toBe(false);
    given.add(port);
  }
});

test("a taken port of a range is passed over, a full range is an error that names it", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = portOf(server);
  await expect(findFreePort({ from: port, to: port })).rejects.toMatchObject({
    code: "port-unavailable",
    message: expect.stringContaining(String(port)),
  });
  expect(await findFreePort({ from: port, to: Math.min(65535, port + 50) })).not.toBe(port);
  await expect(findFreePort({ from: 9, to: 3 })).rejects.toMatchObject({ code: "limit-invalid" });
  server.close();
  await once(server, "close");
});

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening");
  return address.port;
}
