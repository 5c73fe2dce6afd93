import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fixture } from "./running.ts";

const sources = fileURLToPath(new URL("../../launcher/", import.meta.url));

/** Builds the port process with the address and undefined-behaviour sanitizers; undefined where there is no gcc. */
export function sanitized(folder: string): string | undefined {
  const files = readdirSync(sources).filter((name) => /^port(_\w+)?\.c$/.test(name));
  const binary = join(folder, "sanitized");
  const flags = [
    "-std=gnu11",
    "-g",
    "-O1",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-I",
    sources,
    "-o",
    binary,
  ];
  try {
    execFileSync("gcc", [...flags, fixture("hosted.c"), ...files.map((name) => join(sources, name))], {
      stdio: "pipe",
    });
    return binary;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    console.log("gcc is not here: the shipped port process is tested instead, without sanitizers");
    return undefined;
  }
}
