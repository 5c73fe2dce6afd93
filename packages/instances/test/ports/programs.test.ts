import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { allocatePrivatePort, type PortProcess } from "../../src/ports/index.ts";
import { newFolder, openPort, run } from "./running.ts";
import { exchange, fetchText } from "./talking.ts";

/** Opens a forwarded port and starts a program that listens on the private port behind it. */
async function behind(argv: (port: string) => string[]): Promise<PortProcess> {
  const port = await openPort({ sharing: "forwarded" });
  const held = await allocatePrivatePort();
  await port.setBackends([{ address: "127.0.0.1", port: held.port }]);
  run(argv(String(held.port)));
  held.release();
  return port; // connections wait until the program listens
}

it("serves Python's http.server", async () => {
  const folder = newFolder();
  const body = "x".repeat(300_000);
  writeFileSync(join(folder, "page.txt"), body);
  const port = await behind((own) => [
    "python3",
    "-m",
    "http.server",
    own,
    "--bind",
    "127.0.0.1",
    "--directory",
    folder,
  ]);
  expect(await fetchText(port.port, "/page.txt")).toBe(body);
});

it("serves redis-server", async (context) => {
  if (!present("redis-server")) return context.skip("redis-server is not here");
  const port = await behind((own) => [
    "redis-server",
    "--port",
    own,
    "--save",
    "",
    "--bind",
    "127.0.0.1",
    "--loglevel",
    "warning",
  ]);
  const value = "v".repeat(100_000);
  const answer = await exchange(
    port.port,
    Buffer.from(["SET key", "GET key", "QUIT"].map((command) => resp(command, value)).join("")),
  );
  expect(String(answer)).toBe(`+OK\r\n$100000\r\n${value}\r\n+OK\r\n`);
});

it("serves nginx, uploads included", async (context) => {
  if (!present("nginx")) return context.skip("nginx is not here");
  const folder = newFolder();
  const port = await behind((own) => ["nginx", "-p", folder, "-e", "stderr", "-c", nginxConfiguration(folder, own)]);
  const { port: to } = port;
  const body = Buffer.alloc(5_000_000, "u");
  const status = await new Promise((resolve, reject) => {
    const upload = request({ host: "127.0.0.1", port: to, method: "PUT", path: "/up/file", agent: false }, (response) =>
      resolve(response.resume().statusCode),
    );
    upload.on("error", reject).end(body);
  });
  expect(status).toBe(201);
  expect(await fetchText(to, "/up/file")).toBe(String(body));
  await vi.waitFor(async () => expect(await port.stats()).toMatchObject({ active: 0, aborted: 0 }));
});

/** A command in Redis' own form (its inline form ends at 64 kB); SET gets the value as its last word. */
function resp(command: string, value: string): string {
  const words = command.startsWith("SET") ? [...command.split(" "), value] : command.split(" ");
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
}

function nginxConfiguration(folder: string, port: string): string {
  mkdirSync(join(folder, "up"), { mode: 0o777 });
  const file = join(folder, "nginx.conf");
  writeFileSync(
    file,
    `daemon off; master_process off; pid ${folder}/pid; error_log stderr;
     events {}
     http {
       access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fcgi;
       uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi; client_max_body_size 10m;
       server { listen 127.0.0.1:${port}; root ${folder}; location /up/ { dav_methods PUT; } }
     }`,
  );
  return file;
}

function present(program: string): boolean {
  try {
    execFileSync("sh", ["-c", `command -v ${program}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
