// How exactly limits are kept.
import { connect } from "node:net";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runs, sleep } from "./product-daemon.js";

export async function cpuQuota(daemon, rows, seconds) {
  const cores = 0.25;
  const app = { name: "busy", command: ["sh", "-c", "while :; do :; done"], resources: { cpu: cores } };
  await daemon.until(runs("busy"), 1, () => daemon.apply(app));
  await sleep(500);
  const before = await sample(daemon, "busy");
  await sleep(seconds * 1000);
  const after = await sample(daemon, "busy");
  const used = (after.cpuTimeUs - before.cpuTimeUs) / 1000 / (after.at - before.at);
  rows.add(
    `CPU quota of ${cores} cores`,
    "% off",
    [(used / cores - 1) * 100],
    1,
    "a machine that is busy gives less than the quota",
  );
  await daemon.remove("busy");
}

/** The newest sample of the app's only instance. */
async function sample(daemon, app) {
  let take;
  const first = new Promise((resolve) => (take = resolve));
  const end = await daemon.stream(`/v1/samples?app=${app}&intervalMs=100&follow=true`, take);
  const found = await first;
  end();
  return found;
}

const server = `
const net = require("node:net");
const chunk = Buffer.alloc(65536);
net.createServer((socket) => {
  socket.on("error", () => {});
  socket.once("data", (first) => {
    if (first[0] === 105) return void socket.resume();
    const more = () => { while (socket.write(chunk)); };
    socket.on("drain", more);
    more();
  });
}).listen(Number(process.env.PORT), "0.0.0.0");
`;

/** The daemon must have been started with a prepared network, in a network namespace of our own. */
export async function networkLimit(daemon, rows, seconds) {
  const megabits = 50;
  const port = 20_000 + (process.pid % 20_000);
  writeFileSync(join(daemon.folder, "pump.cjs"), server);
  const app = {
    name: "pump",
    command: [process.execPath, "pump.cjs"],
    folder: daemon.folder,
    isolation: { network: "private" },
    port: { public: port, socket: "forward" },
    resources: { network: `${megabits}Mbit` },
    health: { tcp: true },
  };
  await daemon.until(
    (event) => event.type === "app.healthy" && event.app === "pump",
    1,
    () => daemon.apply(app),
  );
  for (const direction of ["out", "in"]) {
    const rate = await pump(daemon, port, direction, seconds);
    rows.add(`network limit of ${megabits} Mbit/s, ${direction}`, "% off", [(rate / 1e6 / megabits - 1) * 100], 5);
  }
  await daemon.remove("pump");
}

/** Bits per second on the wire, headers included as the limit counts them, after the first second. */
async function pump(daemon, port, direction, seconds) {
  const socket = connect({ host: "127.0.0.1", port });
  socket.on("error", () => undefined);
  await new Promise((done) => socket.once("connect", done));
  if (direction === "out") socket.write("o");
  else {
    const chunk = Buffer.alloc(16_384, "i");
    const more = () => {
      while (socket.writable && socket.write(chunk));
    };
    socket.on("drain", more);
    more();
  }
  socket.resume();
  const counter = direction === "out" ? "networkSentBytes" : "networkReceivedBytes";
  await sleep(1000);
  const before = await sample(daemon, "pump");
  await sleep(seconds * 1000);
  const after = await sample(daemon, "pump");
  socket.destroy();
  return ((after[counter] - before[counter]) * 8000) / (after.at - before.at);
}
