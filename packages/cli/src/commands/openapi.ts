import { existsSync, readFileSync } from "node:fs";
import type { Command } from "commander";
import { ConstellationError } from "@constellation/sdk";
import type { Context } from "../context.ts";

/** Written by the bundler: making the document loads every schema, which takes longer than most commands. */
const places = ["./openapi.json", "../../dist/openapi.json"];

/** `constellation openapi` */
export function define(command: Command, { out }: Context): void {
  command.option("--json", "print JSON, as it does anyway").action(() => {
    const file = places.map((path) => new URL(path, import.meta.url)).find((url) => existsSync(url));
    if (file === undefined)
      throw new ConstellationError("spec.unreadable", "The OpenAPI document is not in this package", {
        remedy: "Install the package again; in a clone of the repository, build it with `npm run build`.",
      });
    out.write(readFileSync(file, "utf8"));
  });
}
