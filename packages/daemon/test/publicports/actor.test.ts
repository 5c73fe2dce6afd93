import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ActorSystem, child, supervise, supervisor } from "@constellation/actors";
import { parseApp } from "@constellation/contract";
import { MemoryStateStore } from "@constellation/engine";
import { expect, onTestFinished, test } from "vitest";
import { Observations } from "../../src/agent/index.ts";
import { PublicPorts, publicPortsActor } from "../../src/publicports/index.ts";
import { Repository } from "../../src/state/index.ts";

/** Ports that count how often all of them are looked at. */
class CountedPorts extends PublicPorts {
  sweeps = 0;

  override reconcile(): Promise<void> {
    this.sweeps += 1;
    return super.reconcile();
  }
}

test("apps that come together have the ports looked at a few times, and not once for each", async () => {
  const folder = mkdtempSync(join(tmpdir(), "cst-pp-"));
  const store = new MemoryStateStore();
  const repository = new Repository(store);
  const { mirror } = repository;
  const follow = new AbortController();
  await mirror.load(follow.signal);
  void mirror.follow(follow.signal).catch(() => undefined);
  const observations = new Observations();
  const reports: string[] = [];
  const report = (text: string): void => void reports.push(text);
  const ports = new CountedPorts({ folder, mirror, observations, waiting: null, report, recycle: () => undefined });
  const system = new ActorSystem({ name: "ports" });
  const start = publicPortsActor(ports, mirror, observations, report);
  await supervise(
    system,
    supervisor({ kind: "root", strategy: "one_for_one", children: [child({ id: "public-ports", start })] }),
  );
  onTestFinished(async () => {
    await system.shutdown(1000);
    follow.abort();
    await store.close();
    rmSync(folder, { recursive: true });
  });
  const apps = Array.from({ length: 60 }, (_, at) =>
    parseApp({ name: `app${at}`, command: ["true"], port: 20_000 + at }),
  );
  const at = { revision: 1, source: null, updatedAt: 0 };
  await Promise.all(
    apps.map((spec) =>
      repository.write(
        repository
          .edit()
          .put({ kind: "revision", app: spec.name, revision: 1 }, { spec, restarts: 0 })
          .put({ kind: "app", app: spec.name }, { mode: "stopped", erase: false, instances: 1, ...at }),
      ),
    ),
  );
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(ports.sweeps).toBeGreaterThan(0);
  expect(ports.sweeps).toBeLessThan(20);
  expect(reports).toEqual([]);
});
