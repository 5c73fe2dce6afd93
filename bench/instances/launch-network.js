// How exact the bandwidth limits of private networks are: goodput through a veth pair in both directions.
// usage: node bench/instances/launch-network.js [seconds]; needs gcc, python3 and root. Runs in a network namespace of its own.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { release } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildPlan, planWire, watchLife } from "../../packages/instances/dist/launch/index.js";
import { ours } from "./launch/ours.js";
import { buildFirstInstruction } from "./launch/program.js";
import { nowMs, round } from "./launch/statistics.js";

if (process.env.CONSTELLATION_BENCH_INSIDE !== "1") {
  const { status } = spawnSync("unshare", ["-n", process.execPath, ...process.argv.slice(1)], {
    stdio: "inherit",
    env: { PATH: process.env.PATH, CONSTELLATION_BENCH_INSIDE: "1" },
  });
  process.exit(status ?? 1);
}

const seconds = Number(process.argv[2] ?? 3);
const folder = mkdtempSync("/var/tmp/constellation-bench-");
chmodSync(folder, 0o755);
const { request, spawner, host } = await ours(folder, buildFirstInstruction(folder), []);

const client = {
  sends:
    "import socket,sys,time\ns=socket.create_connection((sys.argv[1],int(sys.argv[2])))\nb=b'x'*65536\ne=time.time()+float(sys.argv[3])\nwhile time.time()<e: s.sendall(b)",
  receives: "import socket,sys\ns=socket.create_connection((sys.argv[1],int(sys.argv[2])))\nwhile s.recv(65536): pass",
};

/** Bytes per second between the first and the last byte after the first half second, in which the bucket is still full. */
async function goodput(direction, megabits, slot) {
  const limits = { sendBitsPerSecond: megabits * 1e6, receiveBitsPerSecond: megabits * 1e6 };
  const wire = planWire(slot, limits);
  let begun = 0;
  let counted = 0;
  let last = 0;
  const block = Buffer.alloc(65_536);
  const server = createServer((socket) => {
    const count = (bytes) => {
      const now = nowMs();
      if (begun === 0) begun = now;
      if (now - begun < 500) return;
      counted += bytes;
      last = now;
    };
    socket.on("error", () => {});
    if (direction === "sends") return socket.on("data", (data) => count(data.length));
    const end = nowMs() + seconds * 1000;
    let written = 0;
    const pump = () => {
      if (nowMs() > end) return socket.destroy();
      socket.write(block, () => {
        count(socket.bytesWritten - socket.writableLength - written);
        written = socket.bytesWritten - socket.writableLength;
        pump();
      });
    };
    pump();
  });
  await new Promise((resolve) => server.listen(0, "0.0.0.0", resolve));
  const argv = ["python3", "-c", client[direction], wire.hostAddress, String(server.address().port), String(seconds)];
  const wanted = request({ argv, env: { PATH: "/usr/bin:/bin" }, network: { kind: "private", wire }, cgroups: [] });
  await spawner.launch(buildPlan(wanted, host));
  await watchLife(wanted.instanceDir);
  const complaint = readFileSync(join(wanted.instanceDir, "log"), "utf8");
  if (complaint !== "" && direction === "sends") console.error(complaint);
  await new Promise((resolve) => server.close(resolve));
  const measured = (counted * 8) / 1e6 / ((last - begun - 500) / 1000);
  return { direction, limitMbit: megabits, goodputMbit: round(measured), percent: round((measured / megabits) * 100) };
}

const rows = [];
let slot = 0;
for (const megabits of [10, 50, 200])
  for (const direction of ["sends", "receives"]) rows.push(await goodput(direction, megabits, slot++));
await spawner.close();
rmSync(folder, { recursive: true });
console.log("goodput is what arrives above TCP; Ethernet, IP and TCP headers take 4 to 5 % of a limited rate");
console.table(rows);
const output = fileURLToPath(new URL("../results/launch-network.json", import.meta.url));
writeFileSync(
  output,
  `${JSON.stringify({ date: new Date().toISOString(), kernel: release(), seconds, rows }, null, 2)}\n`,
);
