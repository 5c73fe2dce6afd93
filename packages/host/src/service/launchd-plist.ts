import { HostError } from "../failure.ts";
import type { ServiceSettings } from "./systemd-unit.ts";

/**
 * A launchd property list (launchd.plist(5)). Instances outlive the daemon (AbandonProcessGroup), which starts at load
 * and again whenever it ends.
 */
export function launchdPlist(label: string, settings: ServiceSettings): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9.-]*$/.test(label))
    throw new HostError(
      "name-invalid",
      `Cannot name a launchd job ${JSON.stringify(label)}: wanted letters, digits, "." and "-"`,
    );
  if (!settings.command[0].startsWith("/"))
    throw new HostError(
      "name-invalid",
      `Cannot write a launchd job for ${JSON.stringify(settings.command[0])}: wanted an absolute path`,
    );
  const entries: [string, string][] = [
    ["Label", string(label)],
    ["ProgramArguments", array(settings.command.map(string))],
    ["RunAtLoad", "<true/>"],
    ["KeepAlive", "<true/>"],
    ["AbandonProcessGroup", "<true/>"],
    ["ThrottleInterval", "<integer>1</integer>"],
    ["ProcessType", string("Interactive")],
  ];
  if (settings.workingDirectory !== undefined) entries.push(["WorkingDirectory", string(settings.workingDirectory)]);
  if (settings.environment !== undefined)
    entries.push([
      "EnvironmentVariables",
      dictionary(Object.entries(settings.environment).map(([name, value]) => [name, string(value)])),
    ]);
  if (settings.logPath !== undefined) {
    entries.push(["StandardOutPath", string(settings.logPath)]);
    entries.push(["StandardErrorPath", string(settings.logPath)]);
  }
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<plist version="1.0">',
    dictionary(entries),
    "</plist>",
    "",
  ].join("\n");
}

function dictionary(entries: readonly (readonly [string, string])[]): string {
  return `<dict>\n${entries.map(([key, value]) => `  <key>${escapeXml(key)}</key>\n  ${value.replaceAll("\n", "\n  ")}\n`).join("")}</dict>`;
}

function array(values: readonly string[]): string {
  return `<array>\n${values.map((value) => `  ${value}\n`).join("")}</array>`;
}

function string(text: string): string {
  return `<string>${escapeXml(text)}</string>`;
}

function escapeXml(text: string): string {
  // oxlint-disable-next-line no-control-regex -- XML 1.0 has no way to write these at all
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/.test(text))
    throw new HostError(
      "name-invalid",
      `Cannot write ${JSON.stringify(text)} into a property list: wanted text without control characters`,
    );
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
