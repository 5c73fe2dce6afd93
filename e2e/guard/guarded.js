// One attempt at a guarded run, as a program that can be killed. argv: folder, framework, resume?
import { runGuarded } from "../../packages/guard/dist/index.js";

const [root, framework, resume] = process.argv.slice(2);
const outcome = await runGuarded({
  root,
  framework,
  resume: resume === "resume",
  selfProtect: false,
  containers: false,
  output: "log",
  jobs: 2,
});
console.log(
  JSON.stringify({
    kind: outcome.kind,
    reason: outcome.reason,
    repeated: outcome.ledger.repeated,
    attempts: outcome.ledger.attempts.length,
  }),
);
process.exitCode = outcome.exitCode;
