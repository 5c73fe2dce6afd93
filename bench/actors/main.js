// Measures actors side by side with Erlang/OTP and with other actor libraries for JavaScript, prints a table and
// writes bench/results/actors.json. Rates and times are per processor time of the whole process (garbage collection
// included), so that they hold on a machine that does other things too; the wall time stands beside. Waits (idle to
// handled, timers, restart, threads) are wall time. Every case runs in a process of its own, and a median is taken
// over the runs after its warm-up.
//
//   node bench/actors/main.js [rounds] [words of the cases to measure, such as counting,idle]
import { print, report, write } from "./report.js";
import { rows } from "./rows.js";
import { erlang } from "./runtimes.js";

const rounds = Number(process.argv[2] ?? 3);
const words = process.argv[3]?.split(",") ?? [""];
const chosen = rows.filter(({ name }) => words.some((word) => name.includes(word)));
if (chosen.length === 0)
  throw new Error(`Cannot measure ${words.join(", ")}: wanted words of ${rows.map(({ name }) => name).join("; ")}`);
if (erlang === null)
  console.warn("Without Erlang (apt-get install erlang-base): its columns stay empty and its bars are not judged");

const made = chosen.map((row) => report(row, row.measure(rounds)));
const all = write(made, rounds);
print(words[0] === "" ? all : made);
if (made.some((row) => row.verdict === "below the bar")) process.exitCode = 2;
