import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createContext, runInContext } from "node:vm";
import { build } from "esbuild";
import { beforeAll, describe, expect, it } from "vitest";

const program = fileURLToPath(new URL("../fixtures/browser-program.ts", import.meta.url));
const chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
if (chromium === undefined)
  console.warn("skipped: actors in a real browser need `chromium` (apt-get install chromium)");

const expected = { sum: 50_005_000, afterCrash: 0, late: "timeout", left: 0 };
let bundle = "";

beforeAll(async () => {
  const conditions = ["constellation-source"];
  // esbuild refuses what a browser does not have: an import of `node:` anywhere in the core fails here.
  const built = await build({ entryPoints: [program], bundle: true, write: false, platform: "browser", conditions });
  bundle = built.outputFiles[0]?.text ?? "";
});

describe("the core", () => {
  it("asks nothing of Node", async () => {
    expect(bundle.length).toBeGreaterThan(50_000);
    expect(bundle).not.toMatch(/["']node:|\brequire\(/);
    // Only what every browser has. JSON, promises and WebAssembly belong to the language.
    const web = { console, performance, setTimeout, clearTimeout, MessageChannel, AbortController, TextEncoder };
    const world = createContext({ ...web, TextDecoder, structuredClone });
    runInContext(bundle, world);
    expect(await world["findings"]).toMatchObject({ ...expected, far: null });
  });

  it.skipIf(chromium === undefined)("runs in a browser, and in a worker of it", async () => {
    const page = await openPage(chromium ?? "");
    expect(page).toMatchObject({ ...expected, far: 500_500 });
  });
});

/** Opens the program in a browser and gives back what the page says. */
async function openPage(browser: string): Promise<unknown> {
  const said = withResolvers();
  const server = await serve(said.resolve);
  const profile = mkdtempSync(join(tmpdir(), "actors-browser-"));
  const { port } = server.address() as AddressInfo;
  const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"];
  const args = [...flags, `--user-data-dir=${profile}`, `http://127.0.0.1:${port}/`];
  const child = spawn(browser, args, { stdio: "ignore", detached: true });
  child.once("error", said.reject);
  child.once("exit", (code) => said.reject(new Error(`The browser ended with code ${code} before the page spoke`)));
  try {
    return await said.promise;
  } finally {
    const gone = new Promise((resolve) => child.once("close", resolve));
    // A browser is many processes; detached, they are a group of their own.
    if (child.pid !== undefined && child.exitCode === null) {
      process.kill(-child.pid, "SIGKILL");
      await gone;
    }
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

const page = `<!doctype html><title>actors</title>
<script>globalThis.makeWorker = () => new Worker("/program.js");</script><script src="/program.js"></script>
<script>
  const say = (found) => fetch("/said", { method: "POST", body: JSON.stringify(found) });
  addEventListener("error", (event) => say({ error: event.message }));
  findings.then(say, (error) => say({ error: String(error) }));
</script>`;

function serve(said: (found: unknown) => void): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.method === "POST") {
      let text = "";
      request.on("data", (piece: Buffer) => (text += piece.toString()));
      request.on("end", () => {
        response.end();
        said(JSON.parse(text));
      });
    } else if (request.url === "/program.js") response.setHeader("content-type", "text/javascript").end(bundle);
    else response.setHeader("content-type", "text/html").end(page);
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

function withResolvers(): {
  readonly promise: Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
} {
  let resolve: (value: unknown) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<unknown>((yes, no) => ([resolve, reject] = [yes, no]));
  return { promise, resolve, reject };
}
