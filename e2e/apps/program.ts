import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { AppInput } from "@constellation/contract";
import type { Home } from "./home.ts";
import { type Ask, askHttp, askRedis } from "./load.ts";

/** A program from the world outside, and how a user runs it. */
export interface Program {
  readonly name: string;
  /** The Debian program that it needs. */
  readonly needs: string | null;
  readonly ask: Ask;
  readonly answer: RegExp;
  /** A line that it prints when it starts. */
  readonly says: RegExp;
  readonly app: (home: Home, port: number) => AppInput;
}

const http = { http: "/", timeout: "5s" };

/** The programs that must live as instances. */
export const programs: readonly Program[] = [
  {
    name: "express",
    needs: null,
    ask: askHttp,
    answer: /^express\.\d+ serves/,
    says: /express listens/,
    app: (home, port) => {
      home.take("express.ts");
      return { name: "express", script: "./express.ts", port, health: http };
    },
  },
  {
    name: "fastify",
    needs: null,
    ask: askHttp,
    answer: /^fastify\.\d+ serves/,
    says: /fastify listens/,
    app: (home, port) => {
      home.take("fastify.ts");
      return { name: "fastify", script: "./fastify.ts", port, health: http };
    },
  },
  {
    name: "redis",
    needs: "redis-server",
    ask: askRedis,
    answer: /^\+PONG/,
    says: /Ready to accept connections/,
    app: (_, port) => ({
      name: "redis",
      command: ["redis-server", "--port", "$PORT", "--save", "", "--dir", "/data"],
      port,
      health: { tcp: true },
    }),
  },
  {
    name: "nginx",
    needs: "nginx",
    ask: askHttp,
    answer: /^nginx serves/,
    says: /start worker process/,
    app: (home, port) => {
      home.take("nginx.conf");
      const start = 'sed "s/__PORT__/$PORT/" nginx.conf > /tmp/nginx.conf && exec nginx -e stderr -c /tmp/nginx.conf';
      // Its SIGQUIT ends it after the requests under way.
      return { name: "nginx", command: ["sh", "-c", start], port, health: http, stop: { signal: "SIGQUIT" } };
    },
  },
  {
    name: "python",
    needs: "python3",
    ask: askHttp,
    answer: /Directory listing/,
    says: /GET \/ HTTP/,
    app: (_, port) => ({
      name: "python",
      command: ["/usr/bin/python3", "-u", "-m", "http.server", "--directory", "/usr/share/doc/base-files", "$PORT"],
      port,
      health: http,
    }),
  },
];

/** Why a program cannot be tried here; null when it can. In CI nothing may be missing. */
export function missing({ name, needs }: Program): string | null {
  if (needs === null || process.env["CI"] !== undefined) return null;
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  if (folders.some((folder) => existsSync(join(folder, needs)))) return null;
  return `${name} is not tried: this machine has no ${needs}`;
}

/** The program of a process, which is the proof that it is the same one. */
export const startedAt = (pid: number): string => {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
};
