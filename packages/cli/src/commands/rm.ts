import type { Command } from "commander";
import type { Context } from "../context.ts";
import { forEachApp } from "./for-each-app.ts";

/** `constellation rm <app...>` */
export function define(command: Command, context: Context): void {
  forEachApp(command, context, "Removed", (client, app, options) => client.remove(app, options));
}
