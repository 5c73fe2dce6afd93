import { app } from "constellation";

export default app({
  name: "express",
  script: "./server.ts",
  instances: 2,
  resources: { memory: "256MB", pids: 64 },
  env: { NODE_ENV: "production", GREETING: "Hello" },
  port: 8081,
  health: { http: "/healthz" },
});
