import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const launcher = fileURLToPath(new URL("../../../packages/instances/launcher", import.meta.url));

/** Builds the measured program (static, no libc) and returns its path. Needs gcc. */
export function buildFirstInstruction(folder) {
  const path = `${folder}/first-instruction`;
  const flags =
    "-std=gnu11 -O2 -static -nostdlib -nostartfiles -ffreestanding -fno-stack-protector -fno-pic -no-pie -s".split(" ");
  execFileSync("gcc", [...flags, `-I${launcher}`, "-o", path, `${launcher}/start.c`, `${here}first-instruction.c`]);
  return path;
}
