import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ConstellationError } from "@constellation/contract";

/**
 * Path of one of our small programs (`launcher/`), which come built with the package.
 * @throws `platform.unsupported` when there is none for this machine
 */
export function launchBinary(name: "launcher" | "port" | "warm.node"): string {
  const platform = `${process.platform}-${process.arch}`;
  const path = fileURLToPath(new URL(`../launcher/bin/${platform}/${name}`, import.meta.url));
  if (existsSync(path)) return path;
  throw new ConstellationError("platform.unsupported", `Cannot run "${name}" on ${platform}: ${path} does not exist`, {
    remedy: "Use Linux on x86-64 or arm64, or build it with packages/instances/launcher/build.sh.",
  });
}
