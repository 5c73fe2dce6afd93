#!/usr/bin/env node
import module from "node:module";

// Node 22 and newer keep compiled code on disk: a command then starts without parsing its files again.
(module as { enableCompileCache?: () => void }).enableCompileCache?.();
const { run } = await import("./run.ts");
process.exitCode = await run(process.argv.slice(2));
