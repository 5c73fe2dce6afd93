// A guarded run with protection on. argv: folder, options as JSON.
import { runGuarded } from "../../packages/guard/dist/index.js";

const [root, options = "{}"] = process.argv.slice(2);
const started = performance.now();
let killLevelAtMs;
const outcome = await runGuarded({
  root,
  output: "log",
  containers: false,
  ...JSON.parse(options),
  onEvent(event) {
    if (event.kind === "level" && event.state.level === "kill") killLevelAtMs ??= performance.now();
  },
});
const reactionMs = killLevelAtMs === undefined ? null : performance.now() - killLevelAtMs;
console.log(
  JSON.stringify({
    kind: outcome.kind,
    reason: outcome.reason,
    exitCode: outcome.exitCode,
    tests: [...outcome.ledger.tests.values()].map(({ file, path, status }) => [file, ...path, status].join(" ")),
    unfit: [...outcome.ledger.unfit.keys()],
    troubles: outcome.ledger.troubles.map(({ title }) => title),
    releasedPorts: outcome.releasedPorts,
    teardown: outcome.teardown,
    teardownMs: outcome.teardown.tookMs,
    reactionMs,
    tookMs: performance.now() - started,
  }),
);
process.exitCode = outcome.exitCode;
