import type { Command } from "commander";
import type { Context } from "../context.ts";
import { forEachApp } from "./for-each-app.ts";

/** `constellation restart <app...>` */
export function define(command: Command, context: Context): void {
  forEachApp(command, context, "Restarting", (client, app, options) => client.restart(app, options));
}
