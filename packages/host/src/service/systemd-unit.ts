import { HostError } from "../failure.ts";

/** What a service manager needs to know to keep the daemon running. */
export interface ServiceSettings {
  readonly description: string;
  /** The program and its words; the program as an absolute path. */
  readonly command: readonly [string, ...string[]];
  readonly environment?: Readonly<Record<string, string>>;
  readonly workingDirectory?: string;
  /** A user's own manager (`systemctl --user`, a LaunchAgent) instead of the machine's. @default false */
  readonly forUser?: boolean;
  /** Where the daemon writes what it says (macOS). */
  readonly logPath?: string;
}

/**
 * A systemd unit. Instances outlive the daemon (KillMode=process ends only the daemon itself), get control groups of
 * their own (Delegate, with the daemon in the leaf `supervisor` where systemd is 254 or newer), and the daemon is among
 * the last that the OOM killer and systemd-oomd take.
 */
export function systemdUnit(settings: ServiceSettings): string {
  const [program] = settings.command;
  if (!program.startsWith("/"))
    throw new HostError(
      "name-invalid",
      `Cannot write a systemd unit for ${JSON.stringify(program)}: wanted an absolute path`,
    );
  const environment = Object.entries(settings.environment ?? {}).map(([name, value]) => {
    if (!/^[A-Za-z_]\w*$/.test(name))
      throw new HostError(
        "name-invalid",
        `Cannot write the environment entry ${JSON.stringify(name)}: wanted letters, digits and _`,
      );
    return `Environment=${quote(`${name}=${value}`)}`;
  });
  const forUser = settings.forUser === true;
  return [
    "[Unit]",
    `Description=${oneLine(settings.description)}`,
    ...(forUser ? [] : ["After=network-online.target", "Wants=network-online.target"]),
    "StartLimitIntervalSec=60",
    "StartLimitBurst=10",
    "",
    "[Service]",
    "Type=exec",
    // systemd resolves the program itself and takes it quoted only in its words.
    `ExecStart=${settings.command.map(quoteCommandWord).join(" ")}`,
    ...(settings.workingDirectory === undefined
      ? []
      : [`WorkingDirectory=${escapePercent(oneLine(settings.workingDirectory))}`]),
    ...environment,
    "Restart=always",
    "RestartSec=1",
    "KillMode=process",
    "TimeoutStopSec=30",
    "Delegate=yes",
    "DelegateSubgroup=supervisor",
    ...(forUser ? [] : ["OOMScoreAdjust=-500"]),
    "OOMPolicy=continue",
    "ManagedOOMPreference=avoid",
    // A user's manager may not raise hard limits, and a start that tries fails.
    ...(forUser ? [] : ["LimitNOFILE=1048576"]),
    "TasksMax=infinity",
    "",
    "[Install]",
    `WantedBy=${forUser ? "default.target" : "multi-user.target"}`,
    "",
  ].join("\n");
}

/** In a command "$" starts a variable; elsewhere it stands for itself. */
function quoteCommandWord(word: string): string {
  const escaped = word.replaceAll("$", "$$$$");
  return /^[\w@+=:,./-]+$/.test(escaped) ? escaped : quote(escaped);
}

/** Quotes as systemd.syntax(7) reads it: C escapes within double quotes, "%" doubled. */
function quote(text: string): string {
  const escaped = oneLine(text).replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  return `"${escapePercent(escaped)}"`;
}

function escapePercent(text: string): string {
  return text.replaceAll("%", "%%");
}

/** A line break would begin another setting, so it is refused. */
function oneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(text))
    throw new HostError(
      "name-invalid",
      `Cannot write ${JSON.stringify(text)} into a unit: wanted text without line breaks or control characters`,
    );
  return text;
}
