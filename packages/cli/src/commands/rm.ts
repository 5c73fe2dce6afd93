import type { Command } from "commander";
import type { Context } from "../context.ts";
import { forEachApp } from "./for-each-app.ts";

/** `constellation rm <app...>` */
export function define(command: Command, context: Context): void {
  command.option("--data", "delete the data folders and logs too");
  forEachApp(command, context, "Removed", (client, app, options) =>
    client.remove(app, { ...options, erase: command.opts<{ data?: boolean }>().data === true }),
  );
}
