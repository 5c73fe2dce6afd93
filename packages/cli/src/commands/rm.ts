import type { Command } from "commander";
import type { CallOptions, Constellation } from "@constellation/sdk";
import type { Context } from "../context.ts";
import { forEachApp } from "./for-each-app.ts";

/** `constellation rm <app...>` */
export function define(command: Command, context: Context): void {
  command.option("--data", "delete the data folders and logs too, also those of apps that are gone");
  const erase = (): boolean => command.opts<{ data?: boolean }>().data === true;
  const remove = (client: Constellation, app: string, options: CallOptions): Promise<void> =>
    client.remove(app, { ...options, erase: erase() });
  forEachApp(command, context, "Removed", remove, erase);
}
