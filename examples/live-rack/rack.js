// A rack of eight modules, each on a warm worker thread of its own, joined by rings of shared memory.
import { createPool, createRing, RingReader, RingWriter } from "@constellation/pool";
import { blockBytes, blockFrames, sampleRate } from "./modules/stage.js";

export const order = ["lfo", "oscillator", "envelope", "amplifier", "filter", "delay", "reverb", "mixer"];
export const tickMs = (blockFrames * 1000) / sampleRate;

const moduleUrl = (name) => new URL(`./modules/${name}.js`, import.meta.url);

export async function openRack({ spares = 2 } = {}) {
  const pool = createPool({
    module: moduleUrl("preload"),
    placement: "thread",
    workers: 0,
    spares: order.length + spares,
    latency: { budgetMs: 20, tickMs },
  });
  await pool.ready();
  const rings = [...order, "sink"].map(() => createRing({ frames: 16, frameBytes: blockBytes }));
  const leases = new Map();
  const place = async (name) => {
    const index = order.indexOf(name);
    const lease = await pool.lease();
    const wires = { input: rings[index], output: rings[index + 1] };
    await lease.load(moduleUrl(name), wires, { timeoutMs: 10_000 });
    leases.set(name, lease);
    // A module that dies is replaced on the same rings; they remember where it was.
    lease.ended
      .then((how) => (typeof how === "object" && how.kind !== "ended" ? place(name) : null))
      .catch((error) => console.error(`${name} could not be replaced: ${error.message}`));
  };
  await Promise.all(order.map(place));
  return {
    pool,
    source: new RingWriter(rings[0], Float32Array),
    sink: new RingReader(rings.at(-1), Float32Array),
    crash: (name) => leases.get(name).send("crash"),
    /** A module on the side for a moment, as a player adds and removes one. */
    async addAndRemove(name) {
      const input = createRing({ frames: 2, frameBytes: blockBytes });
      const output = createRing({ frames: 2, frameBytes: blockBytes });
      const lease = await pool.lease();
      await lease.load(moduleUrl(name), { input, output }, { timeoutMs: 10_000 });
      lease.send("stop");
      await lease.release();
    },
    async close() {
      for (const lease of leases.values()) lease.send("stop");
      await pool.close();
    },
  };
}
