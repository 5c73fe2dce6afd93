import { expect, test } from "vitest";
import { composeEnvironment } from "../../src/environment/environment.ts";
import { fillCommand } from "../../src/environment/fill-command.ts";
import { requestFor } from "../driver/conformance.ts";

const place = {
  path: ["/usr/bin", "/bin"],
  hostname: "web-2",
  dataFolder: "/data",
  metricsSocket: "/run/constellation/metrics.sock",
  ports: { PORT: "20001", HTTP_PORT: "20001" },
};

test("an instance finds the platform's variables, the other apps, and its own, and nothing else", () => {
  process.env["SECRET_OF_THE_DAEMON"] = "x";
  const request = requestFor(
    { kind: "command", argv: ["x"] },
    { app: "web", index: 2, revision: 7, urls: { "my-api": "http://127.0.0.1:9000" }, env: { MODE: "a b" } },
  );
  expect(composeEnvironment(request, place)).toEqual({
    PATH: "/usr/bin:/bin",
    HOME: "/data",
    TMPDIR: "/tmp",
    HOSTNAME: "web-2",
    LANG: "C.UTF-8",
    CONSTELLATION_APP: "web",
    CONSTELLATION_INSTANCE: "web.2",
    CONSTELLATION_REVISION: "7",
    CONSTELLATION_METRICS: "/run/constellation/metrics.sock",
    DATA_DIR: "/data",
    MY_API_URL: "http://127.0.0.1:9000",
    MODE: "a b",
    PORT: "20001",
    HTTP_PORT: "20001",
  });
  delete process.env["SECRET_OF_THE_DAEMON"];
});

test("the spec's own variables win over the platform's, but not over its ports", () => {
  const request = requestFor({ kind: "command", argv: ["x"] }, { env: { HOME: "/elsewhere", PORT: "1" } });
  expect(composeEnvironment(request, place)).toMatchObject({ HOME: "/elsewhere", PORT: "20001" });
});

test("commands are filled with $PORT and ${NAME}; what a shell may mean is left alone", () => {
  const argv = ["serve", "--port=$PORT", "${HOST}:${PORT}", "$PORTS $HOST ${nope} $1 $$ ${constructor}"];
  expect(fillCommand(argv, { PORT: "80", HOST: "h" })).toEqual([
    "serve",
    "--port=80",
    "h:80",
    "$PORTS $HOST ${nope} $1 $$ ${constructor}",
  ]);
});
