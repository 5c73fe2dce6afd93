import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { hostname } from "node:os";

const startedAt = Date.now();
let served = 0;

const pages: Record<string, (request: IncomingMessage) => { status: number; body: string }> = {
  "/": () => ({ status: 200, body: `Hello from ${hostname()}, which has served ${served} requests.\n` }),
  "/healthz": () => ({ status: 200, body: "ok\n" }),
  "/info": () => ({
    status: 200,
    body: `${JSON.stringify({ host: hostname(), pid: process.pid, served, uptimeMs: Date.now() - startedAt })}\n`,
  }),
};

const server = createServer((request: IncomingMessage, response: ServerResponse) => {
  const { pathname } = new URL(request.url ?? "/", "http://localhost");
  const { status, body } = pages[pathname]?.(request) ?? { status: 404, body: "Not found\n" };
  if (pathname !== "/healthz") served += 1;
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(body);
});

// All instances share this port: the platform hands each of them the same listening socket.
server.listen(Number(process.env["PORT"] ?? 8080), () => console.log(`${hostname()} listens`));

// A stop lets requests under way finish.
process.on("SIGTERM", () => server.close(() => process.exit(0)));
