import type { Event } from "@constellation/contract";
import { openMemoryTelemetry } from "@constellation/engine";
import { expect, onTestFinished, test } from "vitest";
import { TelemetryArchive } from "../../src/observe/index.ts";

const removed = (seq: number, app: string): Event => ({ type: "app.removed", app, seq, at: 1000 + seq });
const probed = (seq: number, detail: string): Event => ({
  type: "probe.changed",
  app: "web",
  instance: "web.1",
  probe: "startup",
  ok: false,
  detail,
  seq,
  at: 1000 + seq,
});

test("an event that is too long is lost, and those that came with it are not", async () => {
  const telemetry = openMemoryTelemetry();
  onTestFinished(() => telemetry.close());
  const archive = new TelemetryArchive(telemetry);
  const events = [removed(1, "a"), probed(2, "x".repeat(100_000)), removed(3, "b")];
  await expect(archive.append(events)).rejects.toThrow("its body has");
  expect(await archive.last(10)).toEqual([removed(1, "a"), removed(3, "b")]);
});
