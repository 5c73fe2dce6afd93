import { app } from "constellation";

export default [
  app({
    name: "web",
    script: "./server.js",
    instances: 3,
    port: 8080,
    health: { http: "/", timeout: "20s" },
    resources: { cpu: 1, memory: "128MB", pids: 64, disk: "16MB" },
  }),
  app({ name: "after", command: ["sleep", "100000"], dependsOn: ["web"] }),
];
