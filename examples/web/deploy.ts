import { app } from "constellation";

export default app({
  name: "web",
  script: "./server.ts",
  instances: 3,
  resources: { cpu: 0.5, memory: "256MB", pids: 64, disk: "200MB", network: "50Mbit" },
  env: { NODE_ENV: "production" },
  port: 8080,
  health: { http: "/healthz" },
  restart: { policy: "always" },
});
