// Read and run by the loader of ES modules while a Node warms up: what programs import most gets its module form.
import "node:buffer";
import "node:child_process";
import "node:crypto";
import "node:events";
import "node:fs";
import "node:fs/promises";
import "node:http";
import { createRequire } from "node:module";
import "node:net";
import "node:os";
import { join } from "node:path";
import "node:stream";
import "node:timers/promises";
import { pathToFileURL } from "node:url";
import "node:util";

// What the first line of a bundle does.
createRequire(join(process.cwd(), "package.json"));
void pathToFileURL(import.meta.url);
void import.meta.dirname;
