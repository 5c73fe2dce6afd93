import type { Command } from "commander";
import type { Context } from "../context.ts";
import { forEachApp } from "./for-each-app.ts";

/** `constellation stop <app...>` */
export function define(command: Command, context: Context): void {
  forEachApp(command, context, "Stopped", (client, app, options) => client.stop(app, options));
}
