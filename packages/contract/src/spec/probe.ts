import * as z from "zod";
import { parseDuration } from "../units/duration.ts";
import { human } from "./human.ts";

const duration = human(z.string(), parseDuration);
// What HTTP takes on its first line and in its headers (RFC 9112 section 3.2, RFC 9110 section 5); Node throws at the rest.
const path = z
  .string()
  .regex(/^\//, 'must start with "/"')
  .regex(/^[\x21-\x7e]*$/, "must be written with printable ASCII; escape the rest, such as %20 for a space");
const headerName = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
const headerValue = z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, "must be one line of a header's characters");
const headers = z
  .record(z.string(), headerValue)
  .refine((given) => Object.keys(given).every((name) => headerName.test(name)), "has a name that no header can have");
const port = z.union([z.string(), z.number().int().min(1).max(65_535)]);
const word = z.string().refine((value) => !value.includes("\0"), "must not contain a NUL character");

const checks = {
  http: z
    .union([
      path,
      z.strictObject({
        path,
        port: port.optional(),
        headers: headers.optional(),
      }),
    ])
    .optional(),
  tcp: z.union([z.literal(true), ...port.options]).optional(),
  exec: z.array(word).min(1).optional(),
  logLine: z.string().min(1).optional(),
};

const timing = {
  /** Wait after the start before the first probe. @default "0" */
  initialDelay: duration.optional(),
  /** Time between probes. @default "10s" */
  period: duration.optional(),
  /** Time one probe may take. @default "1s" */
  timeout: duration.optional(),
  /** Successes in a row that count as up. @default 1 */
  successThreshold: z.number().int().min(1).max(1000).optional(),
  /** Failures in a row that count as down. @default 3 */
  failureThreshold: z.number().int().min(1).max(100_000).optional(),
};

const probeInput = z.strictObject({ ...checks, ...timing });
type ProbeInput = z.output<typeof probeInput>;

/** `health` of an app: one probe for everything, or one for each purpose. Parameters mean what they mean in Kubernetes. */
export const healthSchema = z
  .union([
    probeInput,
    z.strictObject({
      startup: probeInput.optional(),
      readiness: probeInput.optional(),
      liveness: probeInput.optional(),
    }),
  ])
  .transform((input, context): Health => {
    const one = (probe: ProbeInput | undefined, at: string, defaults: Partial<ProbeTiming> = {}) =>
      probe === undefined
        ? null
        : toProbe(probe, defaults, (message) =>
            context.issues.push({ code: "custom", message, input, path: at === "" ? [] : [at] }),
          );
    if ("startup" in input || "readiness" in input || "liveness" in input) {
      const named = input as { startup?: ProbeInput; readiness?: ProbeInput; liveness?: ProbeInput };
      return {
        startup: one(named.startup, "startup"),
        readiness: one(named.readiness, "readiness"),
        liveness: one(named.liveness, "liveness"),
      };
    }
    const probe = input as ProbeInput;
    if (Object.keys(probe).length === 0) return noHealth;
    // A single probe guards the start with a fast rhythm, then watches with its own. A log line happens once: it only guards the start.
    const startup = one({ ...probe, period: undefined, failureThreshold: undefined, successThreshold: undefined }, "", {
      periodMs: 100,
      failureThreshold: 600,
    });
    if (probe.logLine !== undefined) return { startup, readiness: null, liveness: null };
    return { startup, readiness: one(probe, ""), liveness: one(probe, "") };
  });

function toProbe(probe: ProbeInput, defaults: Partial<ProbeTiming>, refuse: (message: string) => void): Probe {
  const given = (["http", "tcp", "exec", "logLine"] as const).filter((kind) => probe[kind] !== undefined);
  if (given.length !== 1)
    refuse(`a probe needs exactly one of http, tcp, exec, logLine; found ${given.join(", ") || "none"}`);
  return {
    check: toCheck(probe, refuse),
    initialDelayMs: probe.initialDelay ?? defaults.initialDelayMs ?? 0,
    periodMs: Math.max(10, probe.period ?? defaults.periodMs ?? 10_000),
    timeoutMs: Math.max(1, probe.timeout ?? defaults.timeoutMs ?? 1000),
    successThreshold: probe.successThreshold ?? defaults.successThreshold ?? 1,
    failureThreshold: probe.failureThreshold ?? defaults.failureThreshold ?? 3,
  };
}

function toCheck(probe: ProbeInput, refuse: (message: string) => void): ProbeCheck {
  if (probe.http !== undefined) {
    const http = typeof probe.http === "string" ? { path: probe.http } : probe.http;
    return { kind: "http", path: http.path, port: http.port ?? null, headers: http.headers ?? {} };
  }
  if (probe.tcp !== undefined) return { kind: "tcp", port: probe.tcp === true ? null : probe.tcp };
  if (probe.exec !== undefined) return { kind: "exec", argv: probe.exec };
  try {
    void new RegExp(probe.logLine ?? "", "u");
  } catch (error) {
    refuse(`logLine is not a regular expression: ${error instanceof Error ? error.message : String(error)}`);
  }
  return { kind: "log-line", pattern: probe.logLine ?? "" };
}

/** What a probe does. `port: null` is the app's first port; text names a port of the app. */
export type ProbeCheck =
  | {
      readonly kind: "http";
      readonly path: string;
      readonly port: string | number | null;
      readonly headers: Readonly<Record<string, string>>;
    }
  | { readonly kind: "tcp"; readonly port: string | number | null }
  | { readonly kind: "exec"; readonly argv: readonly string[] }
  | { readonly kind: "log-line"; readonly pattern: string };

/** When a probe runs and how its results are counted. */
export interface ProbeTiming {
  readonly initialDelayMs: number;
  readonly periodMs: number;
  readonly timeoutMs: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

/** One probe of an instance. */
export interface Probe extends ProbeTiming {
  readonly check: ProbeCheck;
}

/** Probes of an app; startup holds the other two back until it has succeeded. */
export interface Health {
  readonly startup: Probe | null;
  readonly readiness: Probe | null;
  readonly liveness: Probe | null;
}

/** No probes: an instance counts as ready when its program runs. */
export const noHealth: Health = { startup: null, readiness: null, liveness: null };
