import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { launchdPlist, systemdUnit, type ServiceSettings } from "../../src/index.ts";
import { findProgram } from "../../src/capabilities/try-command.ts";

const settings: ServiceSettings = {
  description: "Constellation daemon",
  command: ["/usr/bin/env", "node", "/opt/a b/daemon.js", '--name=50% "off"', "$HOME"],
  environment: { NODE_ENV: "production", ODD: 'a"b\\c %h' },
  workingDirectory: "/",
};

test("a unit lets instances outlive the daemon and delegates control groups", () => {
  const lines = systemdUnit(settings).split("\n");
  for (const wanted of [
    "KillMode=process",
    "Delegate=yes",
    "OOMScoreAdjust=-500",
    "Restart=always",
    "WantedBy=multi-user.target",
  ])
    expect(lines).toContain(wanted);
  expect(lines).toContain('ExecStart=/usr/bin/env node "/opt/a b/daemon.js" "--name=50%% \\"off\\"" "$$HOME"');
  expect(lines).toContain('Environment="ODD=a\\"b\\\\c %%h"');
  const user = systemdUnit({ ...settings, forUser: true });
  expect(user).toContain("WantedBy=default.target");
  expect(user).not.toContain("OOMScoreAdjust");
});

test.runIf(findProgram("systemd-analyze") !== undefined)("systemd itself finds nothing wrong with either unit", () => {
  const folder = mkdtempSync(join(tmpdir(), "host-unit-"));
  for (const forUser of [false, true]) {
    const path = join(folder, `constellation-${forUser}.service`);
    writeFileSync(path, systemdUnit({ ...settings, forUser }));
    const { status, stderr } = spawnSync(
      "systemd-analyze",
      ["verify", "--man=no", ...(forUser ? ["--user"] : []), path],
      {
        encoding: "utf8",
        env: { PATH: "/usr/bin:/bin", XDG_RUNTIME_DIR: folder, HOME: folder },
      },
    );
    const ours = stderr
      .split("\n")
      .filter((line) => line.includes("constellation-") && !line.includes("DelegateSubgroup"));
    expect(ours).toEqual([]);
    expect(status).toBe(0);
  }
  rmSync(folder, { recursive: true });
});

test("no text can begin a setting of its own", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (word, value) => {
      try {
        const unit = systemdUnit({ description: word, command: ["/bin/x", word], environment: { A: value } });
        expect(unit.split("\n")).toHaveLength(
          systemdUnit({ description: "", command: ["/bin/x"], environment: { A: "" } }).split("\n").length,
        );
      } catch (error) {
        expect(error).toMatchObject({ code: "name-invalid" });
      }
    }),
  );
  expect(() => systemdUnit({ ...settings, command: ["node"] })).toThrow(
    expect.objectContaining({ code: "name-invalid" }),
  );
  expect(() => systemdUnit({ ...settings, environment: { "A=B": "" } })).toThrow(
    expect.objectContaining({ code: "name-invalid" }),
  );
});

test("a property list is XML that keeps every word", () => {
  const plist = launchdPlist("io.example.constellation", {
    ...settings,
    command: ["/bin/x", "<a> & 'b'"],
    logPath: "/tmp/log",
  });
  expect(plist).toContain("<string>&lt;a&gt; &amp; 'b'</string>");
  expect(plist).toContain("<key>AbandonProcessGroup</key>\n  <true/>");
  expect(() => launchdPlist("a b", settings)).toThrow(expect.objectContaining({ code: "name-invalid" }));
  expect(() => launchdPlist("a", { ...settings, command: ["/x", "\u0001"] })).toThrow(
    expect.objectContaining({ code: "name-invalid" }),
  );
});

test.runIf(findProgram("python3") !== undefined)("a property list is read back with the same values", () => {
  const script = "import sys, plistlib, json; print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))";
  const plist = launchdPlist("io.example.constellation", settings);
  const read = JSON.parse(execFileSync("python3", ["-c", script], { input: plist, encoding: "utf8" })) as Record<
    string,
    unknown
  >;
  expect(read).toMatchObject({
    Label: "io.example.constellation",
    ProgramArguments: settings.command,
    KeepAlive: true,
    EnvironmentVariables: settings.environment,
  });
});
