import { instanceName, type StartRequest } from "../driver/start-request.ts";

/** What only the driver knows when it composes an environment; every path as the instance sees it. */
export interface EnvironmentPlace {
  /** Folders of programs, first one first. */
  readonly path: readonly string[];
  readonly hostname: string;
  readonly dataFolder: string;
  readonly metricsSocket: string;
  /** What the ports part adds: `PORT`, `<NAME>_PORT`, `LISTEN_*`. */
  readonly ports: Readonly<Record<string, string>>;
}

/**
 * Everything that an instance finds in its environment: nothing is inherited. The platform's variables come first, then
 * the URLs of other apps, then what the spec names, which wins.
 */
export function composeEnvironment(request: StartRequest, place: EnvironmentPlace): Record<string, string> {
  return {
    PATH: place.path.join(":"),
    HOME: place.dataFolder,
    TMPDIR: "/tmp",
    HOSTNAME: place.hostname,
    LANG: "C.UTF-8",
    CONSTELLATION_APP: request.app,
    CONSTELLATION_INSTANCE: instanceName(request),
    CONSTELLATION_REVISION: String(request.revision),
    CONSTELLATION_METRICS: place.metricsSocket,
    DATA_DIR: place.dataFolder,
    ...Object.fromEntries(Object.entries(request.urls).map(([app, url]) => [urlVariable(app), url])),
    ...request.env,
    // NODE_OPTIONS of the spec is part of what the ports part gives, and LISTEN_* would lie when changed.
    ...place.ports,
  };
}

/** `MY_API_URL` for the app `my-api`. */
export function urlVariable(app: string): string {
  return `${app.toUpperCase().replaceAll("-", "_")}_URL`;
}
