import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { buildPlan, encodePlan, watchLife } from "../../src/launch/index.ts";
import { parseReply } from "../../src/launch/records/reply.ts";
import { host, outputOf, World } from "./world.ts";

const emulator = "qemu-aarch64-static";
const arm64 = fileURLToPath(new URL("../../launcher/bin/linux-arm64/launcher", import.meta.url));
const emulated = host.architecture === "x64" && spawnSync(emulator, ["--version"]).status === 0;

test.skipIf(!emulated)(
  "the arm64 launcher supervises, logs and records, as far as an emulator of one process can show",
  async () => {
    const world = new World();
    const request = world.request({ argv: ["sh", "-c", "echo from arm; exit 4"] });
    const plan = buildPlan(request, host);
    // The emulator knows neither namespaces nor subreapers: the supervisor must not ask for one.
    const [first, ...rest] = plan.steps;
    if (first === undefined) throw new Error("an empty plan");
    const supervise = { name: first.name, args: [...first.args.slice(0, 2), 0], says: first.says, mayFail: false };
    writeFileSync(join(world.folder, "plan"), encodePlan({ name: plan.name, steps: [supervise, ...rest] }));
    const child = spawn(emulator, [arm64, "launch", join(world.folder, "plan")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [answer] = (await once(child.stdout, "data")) as [Buffer];
    expect(parseReply(answer)).toMatchObject({ kind: "started" });
    expect(await watchLife(request.instanceDir)).toMatchObject({ record: { ending: { kind: "exited", exitCode: 4 } } });
    expect(outputOf(request).stdout).toBe("from arm\n");
    await world.close();
  },
);
