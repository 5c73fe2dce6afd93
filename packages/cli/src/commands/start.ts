import type { Command } from "commander";
import type { Context } from "../context.ts";
import { forEachApp } from "./for-each-app.ts";

/** `constellation start <app...>` */
export function define(command: Command, context: Context): void {
  forEachApp(command, context, "Started", (client, app, options) => client.start(app, options));
}
