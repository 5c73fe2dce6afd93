import type { Command } from "commander";
import type { Context } from "../context.ts";
import { psLines } from "../views/ps.ts";

/** `constellation ps [app]` */
export function define(command: Command, { out, signal, client }: Context): void {
  command
    .argument("[app]", "only this app")
    .option("--json", "print JSON")
    .action(async (name: string | undefined, { json }: { json?: boolean }) => {
      const daemon = await client({ start: false });
      const snapshot =
        name === undefined
          ? await daemon.snapshot({ signal })
          : { apps: [await daemon.app(name, { signal })], instances: await daemon.instances(name, { signal }) };
      if (json === true) out.line(JSON.stringify(snapshot, null, 2));
      else for (const line of psLines(snapshot, out, Date.now())) out.line(line);
    });
}
