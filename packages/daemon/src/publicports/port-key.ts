import type { PortSpec } from "@constellation/contract";

/** Names a public port of an app, and its folder: `web.8080`. */
export const keyOf = (app: string, { publicPort }: Pick<PortSpec, "publicPort">): string => `${app}.${publicPort}`;

/** Whose port it is. */
export const appOf = (key: string): string => key.slice(0, key.lastIndexOf("."));
