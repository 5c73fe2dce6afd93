import * as z from "zod";
import { parseBytes } from "../units/bytes.ts";
import { human } from "./human.ts";

const onOff = z.boolean().optional();
const size = human(z.union([z.string(), z.number().int().nonnegative()]), parseBytes);
// A file system in memory that is given no size has no bound at all.
const memorySize = size.refine((bytes) => bytes >= 4096, "must be at least 4096 bytes");

/** `isolation` of an app, as the user writes it: `false` switches everything off that can be switched off. */
export const isolationSchema = z
  .union([
    z.boolean(),
    z.strictObject({
      pid: onOff,
      mount: onOff,
      ipc: onOff,
      uts: onOff,
      cgroup: onOff,
      user: onOff,
      /** `private`: own addresses and a way out; `none`: loopback only; `host`: the machine's network. */
      network: z.enum(["private", "none", "host"]).optional(),
      seccomp: onOff,
      readOnlyRoot: onOff,
      /** Size of the private /tmp. @default "64MB" */
      tmp: memorySize.optional(),
    }),
  ])
  .transform((input): Isolation => {
    const given = typeof input === "boolean" ? {} : input;
    const fallback: Switch = input === false ? "off" : "auto";
    const state = (value: boolean | undefined): Switch => (value === undefined ? fallback : value ? "on" : "off");
    return {
      pid: state(given.pid),
      mount: state(given.mount),
      ipc: state(given.ipc),
      uts: state(given.uts),
      cgroup: state(given.cgroup),
      user: state(given.user),
      network: given.network ?? (input === false ? "host" : "auto"),
      seccomp: state(given.seccomp),
      readOnlyRoot: state(given.readOnlyRoot),
      tmpBytes: given.tmp ?? 64_000_000,
    };
  });

/** `on` is refused where the machine cannot do it, `auto` is used where it can. */
export type Switch = "auto" | "on" | "off";

/** What is kept apart from the rest of the machine. */
export interface Isolation {
  readonly pid: Switch;
  readonly mount: Switch;
  readonly ipc: Switch;
  readonly uts: Switch;
  readonly cgroup: Switch;
  readonly user: Switch;
  readonly network: "auto" | "private" | "none" | "host";
  readonly seccomp: Switch;
  readonly readOnlyRoot: Switch;
  readonly tmpBytes: number;
}

/** Everything that the machine offers. */
export const defaultIsolation: Isolation = {
  pid: "auto",
  mount: "auto",
  ipc: "auto",
  uts: "auto",
  cgroup: "auto",
  user: "auto",
  network: "auto",
  seccomp: "auto",
  readOnlyRoot: "auto",
  tmpBytes: 64_000_000,
};
