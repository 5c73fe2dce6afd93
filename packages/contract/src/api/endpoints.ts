/** How an answer travels: one JSON value, one JSON value a line for as long as the caller listens, raw bytes, a WebSocket, or none. */
export type BodyForm = "json" | "json-lines" | "bytes" | "text" | "websocket" | "none";

/** Where a call of the API goes: what a client needs of a route, free of schemas so that it loads in no time. */
export interface Endpoint {
  readonly method: "GET" | "POST" | "PUT" | "DELETE" | "HEAD";
  /** Path with `:name` for parameters. */
  readonly path: string;
  readonly form: BodyForm;
}

/** Every endpoint of the daemon. */
export const endpoints = {
  version: { method: "GET", path: "/v1/version", form: "json" },
  node: { method: "GET", path: "/v1/node", form: "json" },
  openapi: { method: "GET", path: "/v1/openapi.json", form: "json" },
  apply: { method: "POST", path: "/v1/apply", form: "json" },
  apps: { method: "GET", path: "/v1/apps", form: "json" },
  app: { method: "GET", path: "/v1/apps/:app", form: "json" },
  removeApp: { method: "DELETE", path: "/v1/apps/:app", form: "json" },
  stopApp: { method: "POST", path: "/v1/apps/:app/stop", form: "json" },
  startApp: { method: "POST", path: "/v1/apps/:app/start", form: "json" },
  restartApp: { method: "POST", path: "/v1/apps/:app/restart", form: "json" },
  scaleApp: { method: "POST", path: "/v1/apps/:app/scale", form: "json" },
  instances: { method: "GET", path: "/v1/instances", form: "json" },
  instance: { method: "GET", path: "/v1/instances/:instance", form: "json" },
  plan: { method: "GET", path: "/v1/instances/:instance/plan", form: "text" },
  exec: { method: "GET", path: "/v1/instances/:instance/exec", form: "websocket" },
  logs: { method: "GET", path: "/v1/logs", form: "json-lines" },
  events: { method: "GET", path: "/v1/events", form: "json-lines" },
  samples: { method: "GET", path: "/v1/samples", form: "json-lines" },
  hasArtifact: { method: "HEAD", path: "/v1/artifacts/:sha256", form: "none" },
  artifact: { method: "GET", path: "/v1/artifacts/:sha256", form: "bytes" },
  putArtifact: { method: "PUT", path: "/v1/artifacts/:sha256", form: "json" },
  stopDaemon: { method: "POST", path: "/v1/daemon/stop", form: "json" },
} as const satisfies Record<string, Endpoint>;
