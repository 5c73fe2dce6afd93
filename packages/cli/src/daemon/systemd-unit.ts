/** What a unit must know. */
export interface UnitInput {
  /** Path of Node. */
  readonly node: string;
  /** What Node is told. */
  readonly flags: readonly string[];
  /** Path of the daemon's program. */
  readonly program: string;
  readonly home: string | undefined;
  /** What the daemon may do to the machine's network. */
  readonly network?: string | undefined;
  /** For the machine, or for one user. */
  readonly system: boolean;
}

/**
 * The systemd unit of the daemon, see systemd.service(5). `KillMode=process` and `Delegate=yes` keep instances alive, and
 * their cgroups ours, while the daemon is stopped or replaced.
 */
export function systemdUnit({ node, flags, program, home, network, system }: UnitInput): string {
  return `[Unit]
Description=Constellation, runs and supervises apps
After=network-online.target
Wants=network-online.target

[Service]
Type=simple
ExecStart=${[node, ...flags, program].map(quote).join(" ")}
${variable("CONSTELLATION_HOME", home)}${variable("CONSTELLATION_NETWORK", network)}Restart=always
RestartSec=1
KillMode=process
Delegate=yes
LimitNOFILE=1048576
OOMScoreAdjust=-500
TasksMax=infinity

[Install]
WantedBy=${system ? "multi-user.target" : "default.target"}
`;
}

const variable = (name: string, value: string | undefined): string =>
  value === undefined ? "" : `Environment=${quote(`${name}=${value}`)}\n`;

/** A word of a unit file: quoted, with `%` and `$` taken literally. */
function quote(word: string): string {
  const literal = word.replace(/[\\"]/g, "\\$&").replace(/%/g, "%%").replace(/\$/g, "$$$$");
  return /[\s"'\\]/.test(word) ? `"${literal}"` : literal;
}
