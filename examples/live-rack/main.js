// Run: npm run build, then `node examples/live-rack/main.js [seconds=10] [file.wav]`.
// Renders the rack into a WAV file as fast as it goes, then plays it in real time into a sink that only listens.
import { writeFileSync } from "node:fs";
import { blockFrames, sampleRate } from "./modules/stage.js";
import { openRack, tickMs } from "./rack.js";
import { wavFile } from "./wav.js";

const seconds = Number(process.argv[2] ?? 10);
const path = process.argv[3] ?? "rack.wav";
/** Blocks on their way through the rack: the latency that a player hears, and what a crash may cost. */
const lead = 3;

const offline = await openRack();
const startedMs = performance.now();
const blocks = await render(offline, Math.ceil((seconds * sampleRate) / blockFrames));
const tookMs = performance.now() - startedMs;
await offline.close();
writeFileSync(path, wavFile(blocks, sampleRate));
const peak = blocks.reduce((most, [left]) => Math.max(most, ...left), 0);
console.log(`${path}: ${seconds} s in ${(tookMs / 1000).toFixed(2)} s, peak ${peak.toFixed(3)}`);

const live = await openRack();
const report = await play(live, seconds);
const [{ handOver, counts }] = live.pool.snapshot();
await live.close();
console.log(
  JSON.stringify({
    ticks: report.ticks,
    lateTicks: report.missed,
    silentBlocks: report.silent,
    latenessP99Ms: Number(report.lateness.quantileMs(0.99).toFixed(2)),
    latenessMaxMs: Number(report.lateness.quantileMs(1).toFixed(2)),
    handOverP50Ms: Number(handOver.p50Ms.toFixed(2)),
    handOverP99Ms: Number(handOver.p99Ms.toFixed(2)),
    crashes: counts.crashes,
    bufferMs: Number((lead * tickMs).toFixed(1)),
  }),
);

async function render({ source, sink }, count) {
  const done = [];
  let sent = 0;
  while (done.length < count) {
    for (
      let block = sent < count ? source.claim() : null;
      block !== null;
      block = sent < count ? source.claim() : null
    ) {
      source.commit();
      sent += 1;
    }
    if (!(await sink.waitAsync(10_000))) throw new Error(`the rack stopped after ${done.length} blocks`);
    for (let block = sink.take(); block !== null; block = sink.take()) {
      done.push([block.slice(0, blockFrames), block.slice(blockFrames, 2 * blockFrames)]);
      sink.release();
    }
  }
  return done;
}

async function play(rack, forSeconds) {
  const send = () => rack.source.claim() !== null && rack.source.commit();
  for (let block = 0; block < lead; block += 1) send();
  await rack.sink.waitAsync(1000);
  const stop = AbortSignal.timeout(forSeconds * 1000);
  // Somebody plays with the rack meanwhile: a module more and less each second, and half way one dies.
  const changes = setInterval(() => void rack.addAndRemove("reverb").catch(console.error), 1000);
  setTimeout(() => rack.crash("delay"), forSeconds * 500);
  let silent = 0;
  const ticks = await rack.pool.runTicks(() => {
    if (rack.sink.take() === null) silent += 1;
    else rack.sink.release();
    send();
  }, stop);
  clearInterval(changes);
  return { ...ticks, silent };
}
