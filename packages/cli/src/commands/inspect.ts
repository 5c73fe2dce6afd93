import type { Command } from "commander";
import type { Context } from "../context.ts";
import { appLines } from "../views/app.ts";
import { instanceLines } from "../views/instance.ts";
import { onFirstInstance } from "./first-instance.ts";

/** `constellation inspect <app|instance>` */
export function define(command: Command, { out, signal, client }: Context): void {
  command
    .argument("<name>", 'an app, or an instance like "web.1"')
    .option("--plan", "print the launch plan of the instance")
    .option("--json", "print JSON")
    .action(async (name: string, { plan, json }: { plan?: boolean; json?: boolean }) => {
      const daemon = await client({ start: false });
      if (plan === true) {
        const text = await onFirstInstance(daemon, name, signal, (instance) => daemon.plan(instance, { signal }));
        if (json === true) out.line(JSON.stringify({ plan: text }));
        else out.write(text.endsWith("\n") ? text : `${text}\n`);
      } else if (name.includes(".")) {
        const instance = await daemon.instance(name, { signal });
        if (json === true) out.line(JSON.stringify(instance, null, 2));
        else for (const line of instanceLines(instance, out, Date.now())) out.line(line);
      } else {
        const app = await daemon.app(name, { signal });
        if (json === true) out.line(JSON.stringify(app, null, 2));
        else for (const line of appLines(app, out)) out.line(line);
      }
    });
}
