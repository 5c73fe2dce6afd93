#!/usr/bin/env node
import module from "node:module";

// Node 22 and newer keep compiled code on disk: a command then starts without parsing its files again.
(module as { enableCompileCache?: () => void }).enableCompileCache?.();
const { run } = await import("./run.ts");
process.exitCode = await run(process.argv.slice(2));
// Whatever the code of a spec has left open (a timer, a connection to a database) would keep the command for ever.
await Promise.all(
  [process.stdout, process.stderr].map((out) => new Promise<void>((done) => out.write("", () => done()))),
);
process.exit();
