// Writes what bench/results/pool.json holds into the README of the package, between its two marks.
// Run by pool.js; by itself: node bench/pool/tables.js [--check]
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const begin = "<!-- measured: written by bench/pool/tables.js from bench/results/pool.json -->\n";
const end = "<!-- end of measured -->\n";
const readme = new URL("../../packages/pool/README.md", import.meta.url);
const results = new URL("../results/pool.json", import.meta.url);

/** The README with the tables of these results. */
export function withTables(text, result) {
  const [before, after] = [text.indexOf(begin), text.indexOf(end)];
  if (before < 0 || after < 0) throw new Error("Cannot write the tables: the README has lost its marks");
  return `${text.slice(0, before)}${begin}\n${sections(result).join("\n\n")}\n\n${text.slice(after)}`;
}

function sections({ machine, node, parts }) {
  const dates = Object.values(parts).map((part) => part.date.slice(0, 10));
  const loads = Object.entries(parts).map(
    ([name, part]) =>
      `${name} ${part.loadBefore.toFixed(1)}${
        part.scheduling === undefined ? "" : ` (scheduled before all others, ${part.scheduling})`
      }`,
  );
  return [
    `${[...new Set(dates)].join(", ")}, Node ${node.slice(1)}, ${machine.cores} virtual cores (${machine.cpu}), Linux ${machine.kernel.split("-")[0]}. ` +
      `Load average when each part began: ${loads.join(", ")}.`,
    tasks(parts.tasks.figures),
    handOver(parts.handover.figures, parts.cold.figures),
    warm(parts.warm.figures),
    ring(parts.ring.figures),
    others(parts),
  ];
}

function tasks(rows) {
  const names = [...new Set(rows.map((row) => row.pool))].filter((name) => !name.endsWith(", one"));
  const of = (pool, placement) => rows.find((row) => row.pool === pool && row.placement === placement);
  const bare = (placement) => rows.find((row) => row.pool.endsWith(", one") && row.placement === placement);
  const cells = (row) =>
    row === undefined || row.failure !== undefined
      ? ["–", "–", "–"]
      : [(row.perSecond / 1000).toFixed(0), `${row.roundTripP50Us} µs`, `${row.afterTwoMsP50Us} µs`];
  return table(
    [
      "shared tasks, 4 workers, 64 in flight",
      "threads k/s",
      "round trip p50",
      "after 2 ms p50",
      "processes k/s",
      "round trip p50",
      "after 2 ms p50",
    ],
    [
      ...names.map((name) => [
        name === "constellation" ? `**${name}**` : name,
        ...cells(of(name, "threads")),
        ...cells(of(name, "processes")),
      ]),
      ["one bare `Worker`, one bare `fork`", ...cells(bare("threads")), ...cells(bare("processes"))],
    ],
  );
}

function handOver([thread, child], cold) {
  const pair = ({ p50Ms, p99Ms }) => `${p50Ms} / ${p99Ms} ms`;
  const coldOf = (name) => cold.find((row) => row.name.startsWith(name));
  const python = coldOf("Python");
  return table(
    ["exclusive hand-over, until a newly imported module has replied; spares hold TypeScript", "thread", "process"],
    [
      [`single, p50 / p99 of ${thread.single.count}`, pair(thread.single), pair(child.single)],
      ["while a refill is on its way, p50 / p99", pair(thread.whileRefilling), pair(child.whileRefilling)],
      [
        `burst of 8 from 8 spares, the last, refill on, median / worst of ${thread.burstOf8Last.count}`,
        pair(thread.burstOf8Last),
        pair(child.burstOf8Last),
      ],
      ...(thread.importFloorMs === undefined
        ? []
        : [
            [
              "floor of a burst: eight bare `import`s of such a module, shared by the cores",
              `${thread.importFloorMs} ms`,
              `${child.importFloorMs} ms`,
            ],
          ]),
      ["8 spares all warm", `${thread.allWarmMs} ms`, `${child.allWarmMs} ms`],
      ["one such spare", `${thread.spareMegabytes} MB`, `${child.spareMegabytes} MB`],
      ["idle pool, processor of its parent", `${thread.parentIdleCpuPercent} %`, `${child.parentIdleCpuPercent} %`],
      [
        `cold, with TypeScript${python === undefined ? "" : ` (Python's forkserver, its modules preloaded: ${python.p50Ms} ms)`}`,
        `${coldOf("node Worker").p50Ms} ms`,
        `${coldOf("node fork").p50Ms} ms`,
      ],
    ],
  );
}

function warm(rows) {
  const nodes = [...new Set(rows.map((row) => row.node))];
  const ways = [...new Set(rows.map((row) => `${row.placement}, ${row.way}`))];
  const cell = (node, way) => {
    const row = rows.find((one) => one.node === node && `${one.placement}, ${one.way}` === way);
    return row === undefined || row.warmMs === null ? "–" : `${row.warmMs} ms, ${row.megabytes} MB`;
  };
  return table(
    ["until TypeScript is ready in one worker, and what it holds", ...nodes.map((node) => `Node ${node.slice(1)}`)],
    ways
      .filter((way) => nodes.some((node) => cell(node, way) !== "–"))
      .map((way) => [way, ...nodes.map((node) => cell(node, way))]),
  );
}

function ring(figures) {
  const asleep = Object.entries(figures).filter(([name]) => /^wakeUpAfter.*Asleep$/.test(name));
  const us = (row) => (row.p50Us === null ? "–" : `${row.p50Us} µs`);
  return [
    table(
      ["ring of 1 KB frames between two threads", ""],
      [
        [
          "frames a second, median (best)",
          `${millions(figures.framesPerSecond)} (${millions(figures.framesPerSecondBest)})`,
        ],
        ["heap per frame", `${figures.heapBytesPerFrame} bytes`],
        ["wake-up p50 of a side that waits", `${figures.wakeUpP50Us} µs`],
      ],
    ),
    table(
      [
        "wake-up p50 of a reader that sleeps between frames",
        "woken",
        "anticipates",
        "bare `Atomics.notify`",
        "bare futex, in C",
      ],
      asleep.map(([name, row]) => [
        `one frame each ${/After(.*)Ms/.exec(name)[1]} ms`,
        us(row.woken),
        `${us(row.anticipated)}, for ${(row.anticipated.cpuPercentOfBothSides - row.woken.cpuPercentOfBothSides).toFixed(1)} % more of a core`,
        us(row.bareAtomics),
        us(row.bareFutex),
      ]),
    ),
  ].join("\n\n");
}

function others({ rack, orphans }) {
  const [free, crowded] = [rack.figures].flat();
  const played = (row) => `${row.ticks} / ${row.lateTicks} / ${row.silentBlocks}`;
  return table(
    ["other", ""],
    [
      [
        `live rack, ${free.seconds} s, modules added and removed each second, one crash: ticks / missed / blocks of silence`,
        played(free),
      ],
      ...(crowded === undefined
        ? []
        : [[`the same for ${crowded.seconds} s beside a program that computes on each core`, played(crowded)]]),
      [
        `workers gone after SIGKILL of their parent, p50 / worst of ${orphans.figures.count}`,
        `${orphans.figures.goneP50Ms} / ${orphans.figures.goneWorstMs} ms`,
      ],
    ],
  );
}

const millions = (count) => `${(count / 1e6).toFixed(1)} M`;

function table(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n");
}

const needed = ["tasks", "handover", "cold", "warm", "ring", "rack", "orphans"];

/** Writes the README anew, when every part has been measured; with `check` only says whether it holds what was measured. */
export function writeTables({ check = false } = {}) {
  const result = JSON.parse(readFileSync(results, "utf8"));
  const missing = needed.filter((name) => result.parts[name] === undefined);
  if (missing.length > 0) {
    console.log(`The README stays as it is: ${missing.join(", ")} not measured yet`);
    return !check;
  }
  const text = readFileSync(readme, "utf8");
  const fresh = withTables(text, result);
  if (!check) writeFileSync(readme, fresh);
  return fresh === text;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const check = process.argv.includes("--check");
  if (!writeTables({ check }) && check) {
    console.error("packages/pool/README.md does not hold what was measured; run: node bench/pool/tables.js");
    process.exitCode = 1;
  }
}
