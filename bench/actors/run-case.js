// Runs one case some times in this process and prints one JSON line: `node --expose-gc run-case.js <case> <runs>`.
import * as concurrency from "./concurrency.js";
import * as measures from "./measures.js";
import * as micro from "./micro.js";

const [name, runs] = process.argv.slice(2);
const cases = { ...micro, ...concurrency };
const others = { ...measures };
const results = [];
for (let run = 0; run < Number(runs); run += 1) {
  const result = await (cases[name] ?? others[name])();
  results.push(result);
}
console.log(JSON.stringify(results));
process.exit(0);
