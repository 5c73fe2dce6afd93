// What is measured: each starts, answers on `port`, and stops. All of them serve on the loopback.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  allocatePrivatePort,
  listenPreload,
  portEnvironment,
  PortProcess,
} from "../../../packages/instances/dist/ports/index.js";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const receiver = fileURLToPath(
  new URL("../../../packages/instances/test/ports/fixtures/with-sockets.py", import.meta.url),
);
const streamModule = "/usr/lib/nginx/modules/ngx_stream_module.so";

/** Starts programs in a folder of their own and stops all of them. */
export class Stage {
  folder = mkdtempSync(join(tmpdir(), "constellation-bench-"));
  children = [];
  ports = [];
  /** The one process between the client and the server, where there is one. */
  proxyPid = undefined;

  run(argv, env = {}) {
    const child = spawn(argv[0], argv.slice(1), { env: { PATH: process.env.PATH, ...env }, stdio: "ignore" });
    this.children.push(child);
    return child;
  }

  async forwarder(backends) {
    const port = await PortProcess.start({
      folder: join(this.folder, "port"),
      address: "127.0.0.1",
      port: 0,
      sharing: "forwarded",
    });
    this.ports.push(port);
    this.proxyPid = port.pid;
    await port.setBackends(backends.map((backend) => ({ address: "127.0.0.1", port: backend })));
    return port;
  }

  async shared(count) {
    const port = await PortProcess.start({
      folder: join(this.folder, "port"),
      address: "127.0.0.1",
      port: 0,
      sharing: "shared",
    });
    this.ports.push(port);
    const binding = { mode: "shared", name: "http", port: port.port, socketFile: port.socketFile };
    const { variables, sockets } = portEnvironment([binding], { preloadFile: listenPreload, workloadPid: null });
    const children = Array.from({ length: count }, () =>
      this.run(["python3", receiver, JSON.stringify(sockets), process.execPath, here("server.cjs")], variables),
    );
    await pause(300);
    return { port, children };
  }

  async node() {
    const port = await freePort();
    this.run([process.execPath, here("server.cjs")], { PORT: String(port) });
    return port;
  }

  async cluster(workers) {
    const port = await freePort();
    this.run([process.execPath, here("cluster.cjs")], { PORT: String(port), WORKERS: String(workers) });
    return port;
  }

  async nginx() {
    const port = await freePort();
    writeFileSync(join(this.folder, "big"), Buffer.alloc(1 << 20, "b"));
    const http = `access_log off; sendfile on; keepalive_requests 100000000;
      server { listen 127.0.0.1:${port} backlog=4096; root ${this.folder}; location = / { return 200 "ok"; } }`;
    this.#nginx("origin", `http { ${this.#temporary()} ${http} }`);
    return port;
  }

  async nginxStream(to) {
    if (!existsSync(streamModule)) return undefined;
    const port = await freePort();
    this.#nginx(
      "stream",
      `stream { server { listen 127.0.0.1:${port} backlog=4096; proxy_pass 127.0.0.1:${to}; } }`,
      `load_module ${streamModule};`,
    );
    return port;
  }

  async haproxy(to) {
    if (!existsSync("/usr/sbin/haproxy")) return undefined;
    const port = await freePort();
    const file = join(this.folder, "haproxy.cfg");
    writeFileSync(
      file,
      `global
  maxconn 4000
  nbthread 1
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option splice-auto
listen l
  bind 127.0.0.1:${port} backlog 4096
  server s 127.0.0.1:${to}
`,
    );
    this.proxyPid = this.run(["/usr/sbin/haproxy", "-f", file, "-db"]).pid;
    return port;
  }

  #nginx(name, body, head = "") {
    const folder = join(this.folder, name);
    mkdirSync(folder);
    const file = join(folder, "nginx.conf");
    writeFileSync(
      file,
      `${head} user root; daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;\nevents { worker_connections 4096; }\n${body}\n`,
    );
    this.run(["/usr/sbin/nginx", "-p", folder, "-c", file, "-e", join(folder, "error.log")]);
  }

  #temporary() {
    return ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map((kind) => `${kind}_temp_path ${this.folder}/${kind};`)
      .join(" ");
  }

  async close() {
    for (const child of this.children) child.kill("SIGTERM");
    await Promise.all(
      this.children.map(
        (child) => child.exitCode ?? child.signalCode ?? new Promise((resolve) => child.once("exit", resolve)),
      ),
    );
    for (const port of this.ports) await port.close();
    rmSync(this.folder, { recursive: true });
  }
}

/** CPU time that a process has used so far, in microseconds (proc(5): stat, fields 14 and 15, in ticks of 10 ms). */
export function cpuUs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

/** Proportional set size of one process in kB. */
export const pssKb = (pid) => Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1]);

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until something accepts. */
export async function listening(port) {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const up = await new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true)).once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (up) return port;
    await pause(50);
  }
  throw new Error(`nothing listens on ${port}`);
}

async function freePort() {
  const { port, release } = await allocatePrivatePort();
  setTimeout(release, 60_000).unref();
  return port;
}
