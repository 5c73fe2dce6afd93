// Runs one case of one peer in this process and prints one JSON line: `node run-peer.js <peer> <case> <runs> <size>`.
import { cpuMs } from "./cpu.js";

const [peer, name, runs, size] = process.argv.slice(2);
const cases = await import(`./peers/${peer}.js`);
const results = [];
for (let run = 0; run < Number(runs); run += 1) {
  const startMs = performance.now();
  const startCpuMs = cpuMs();
  if (name === "pingPong" || name === "counting")
    await new Promise((resolve) => cases[name](Number(size), (close) => resolve(close())));
  else await cases[name](Number(size));
  const wallMicros = (performance.now() - startMs) * 1000;
  results.push({ micros: (cpuMs() - startCpuMs) * 1000, wallMicros, messages: Number(size) });
}
console.log(JSON.stringify(results));
process.exit(0);
