// Runs one case of one peer in this process and prints one JSON line: `node run-peer.js <peer> <case> <runs> <size>`.
const [peer, name, runs, size] = process.argv.slice(2);
const cases = await import(`./peers/${peer}.js`);
const results = [];
for (let run = 0; run < Number(runs); run += 1) {
  const startMs = performance.now();
  if (name === "pingPong" || name === "counting")
    await new Promise((resolve) => cases[name](Number(size), (close) => resolve(close())));
  else await cases[name](Number(size));
  results.push({ micros: (performance.now() - startMs) * 1000, messages: Number(size) });
}
console.log(JSON.stringify(results));
process.exit(0);
