import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import { appName } from "@constellation/contract";
import type { Command } from "commander";
import { ConstellationError } from "@constellation/sdk";
import type { Context } from "../context.ts";
import { specFiles } from "../spec/find.ts";

const entries = [
  "server.ts",
  "src/server.ts",
  "index.ts",
  "src/index.ts",
  "main.ts",
  "src/main.ts",
  "server.js",
  "index.js",
];

/** `constellation init` */
export function define(command: Command, { out }: Context): void {
  command
    .option("--name <name>", "name of the app; without it that of the package or folder")
    .option("--script <file>", "its script; without it the first usual one that is there")
    .option("--port <number>", "its public port", "8080")
    .option("--json", "print JSON")
    .action(({ name, script, port, json }: { name?: string; script?: string; port: string; json?: boolean }) => {
      const folder = process.cwd();
      refuseSecond(folder);
      if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535)
        throw new ConstellationError("usage.invalid", `--port is ${JSON.stringify(port)}, it must be a port number`);
      if (name !== undefined) checkName(name);
      const file = join(folder, "constellation.ts");
      const app = { name: name ?? nameFor(folder), script: script ?? scriptIn(folder) };
      write(file, specText(app.name, app.script, Number(port)));
      if (json === true) out.line(JSON.stringify({ file, ...app }));
      else {
        out.line(`Wrote ${relative(process.cwd(), file)}: app ${app.name} runs ${app.script}`);
        if (!existsSync(resolve(folder, app.script)))
          out.line(`${app.script} is not there yet; write it, or change the spec.`);
        out.line("Start it with `constellation up`.");
      }
    });
}

function refuseSecond(folder: string): void {
  const found = specFiles.find((file) => existsSync(join(folder, file)));
  if (found !== undefined)
    throw new ConstellationError("app.exists", `There is a spec already: ${found}`, {
      remedy: "Change it, or remove it first.",
    });
}

function checkName(name: string): void {
  if (appName.pattern.test(name)) return;
  throw new ConstellationError("usage.invalid", `--name is ${JSON.stringify(name)}, it ${appName.wanted}`);
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: "wx" });
  } catch (cause) {
    throw new ConstellationError("access.denied", `Cannot write ${file}: ${String(cause)}`, { cause });
  }
}

/** A manifest that cannot be read names nothing. */
function nameInManifest(file: string): unknown {
  try {
    return (JSON.parse(readFileSync(file, "utf8")) as { name?: unknown } | null)?.name;
  } catch {
    return undefined;
  }
}

/** The package's or folder's name, made into the name of an app. */
function nameFor(folder: string): string {
  const named = nameInManifest(join(folder, "package.json"));
  const text = typeof named === "string" ? (named.split("/").at(-1) ?? named) : basename(folder);
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+/, "")
    .slice(0, 40)
    .replace(/-+$/, "");
  return name || "app";
}

const scriptIn = (folder: string): string =>
  `./${entries.find((entry) => existsSync(join(folder, entry))) ?? "server.ts"}`;

const specText = (name: string, script: string, port: number): string => `import { app } from "constellation";

export default app({
  name: ${JSON.stringify(name)},
  script: ${JSON.stringify(script)},
  instances: 2,
  // All instances serve this port together; the script listens on process.env.PORT.
  port: ${port},
  // bestEffort takes what this machine can enforce, and \`up\` says what it cannot; without it that is refused.
  resources: { cpu: 1, memory: "256MB", bestEffort: true },
  restart: "always",
});
`;
