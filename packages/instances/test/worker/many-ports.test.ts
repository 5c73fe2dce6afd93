import { request as get } from "node:http";
import { join } from "node:path";
import type { PortBinding, StartRequest } from "@constellation/instances";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PortProcess } from "../../src/ports/index.ts";
import { asRoot } from "../launch/world.ts";
import { end, line } from "../process/runs.ts";
import { BothWays } from "./both-ways.ts";

const { signal } = new AbortController();

describe.skipIf(!asRoot)("a script with many public ports", () => {
  let ways: BothWays;
  beforeAll(async () => void (ways = await BothWays.open()));
  afterAll(async () => {
    await ways.driver.close();
    await ways.playground.close();
  });

  test.each([8, 9, 13])("%i of them, each served", async (count) => {
    const opened = await Promise.all(
      Array.from({ length: count }, (_, at) =>
        PortProcess.start({
          folder: join(ways.playground.root, `port-${count}-${at}`),
          address: "127.0.0.1",
          port: 0,
          sharing: "shared",
        }),
      ),
    );
    try {
      const ports = opened.map(({ port, socketFile }, at): PortBinding => {
        const url = `http://127.0.0.1:${port}`;
        return { mode: "shared", name: `p${at}`, publicPort: port, address: "127.0.0.1", port, url, socketFile };
      });
      const script = `import http from "node:http";
        const ports = Object.entries(process.env).filter(([name]) => /^P\\d+_PORT$/.test(name)).map(([, port]) => port);
        let open = ports.length;
        for (const port of ports) http.createServer((_, answer) => answer.end(port)).listen(port, () => --open || console.log("all"));`;
      const request: StartRequest = { ...ways.request({ name: "many", script }), ports };
      // More than a Node that waits can take, or a slot.
      if (count <= 8) await ways.spareFor(request);
      const handle = await ways.driver.start(request, { signal });
      await line(handle, /^all$/);
      for (const { port } of opened) expect(await answerOf(port)).toBe(String(port));
      expect(handle.facts.start).toBe(count <= 8 ? "warm" : "cold");
      await end(ways.driver, handle);
      expect(ways.troubles).toEqual([]);
    } finally {
      await Promise.all(opened.map((each) => each.close({ graceMs: 0 })));
    }
  });
});

function answerOf(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = get({ host: "127.0.0.1", port, agent: false }, (response) => {
      response.setEncoding("utf8");
      let text = "";
      response.on("data", (part: string) => (text += part));
      response.on("end", () => resolve(text));
    });
    call.on("error", reject).end();
  });
}
