import type { AppInput } from "@constellation/contract";

const mark = Symbol.for("constellation.app");

/** An app as written, told apart from any other object that a file may export. */
export type DefinedApp = AppInput;

/**
 * Defines an app. Nothing is checked here, so that a file of specs loads at once; the daemon checks all of it.
 *
 * @example
 * export default app({ name: "web", script: "./server.ts", instances: 3, port: 8080 });
 */
export function app(spec: AppInput): DefinedApp {
  return Object.defineProperty({ ...spec }, mark, { value: true });
}

/**
 * Defines several apps that are started together.
 *
 * @example
 * export default defineApps(app({ name: "db", command: ["redis-server"] }), app({ name: "web", script: "./server.ts" }));
 */
export function defineApps(...apps: readonly (AppInput | readonly AppInput[])[]): DefinedApp[] {
  return apps.flat().map(app);
}

/** Whether a value was made by {@link app}. */
export function isDefinedApp(value: unknown): value is DefinedApp {
  return typeof value === "object" && value !== null && mark in value;
}
