import { app } from "constellation";

export default app({
  name: "web",
  script: "./server.ts",
  instances: 3,
  // Without root not every limit can be enforced; it runs all the same then, and `up` says what it lacks.
  resources: { cpu: 0.5, memory: "256MB", pids: 64, disk: "200MB", network: "50Mbit", bestEffort: true },
  env: { NODE_ENV: "production" },
  port: 8080,
  health: { http: "/healthz" },
  restart: { policy: "always" },
});
