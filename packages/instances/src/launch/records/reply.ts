import { type PidFile, type ProcessStamp, startedAt } from "./pid-file.ts";

/** Bytes of a reply (launcher/launch.h, struct reply). */
export const REPLY_BYTES = 80;
const MAGIC = 0x4c505243;

/** What a launch came to, as the launcher says it. Process ids are this machine's. */
export type Reply = { readonly launchId: number } & (
  | { readonly kind: "ready"; readonly landlockVersion: number }
  | ({ readonly kind: "started" | "waiting" } & LaunchedProcesses)
  | { readonly kind: "failed"; readonly stepIndex: number; readonly errno: number }
  | { readonly kind: "refused"; readonly stepIndex: number; readonly errno: number }
);

/** The processes of a launch, as its pid file has them. */
export interface LaunchedProcesses extends PidFile {
  /** The number of the launch with its spawner. */
  readonly launchId: number;
}

const kinds = { 1: "started", 2: "failed", 3: "refused", 4: "waiting", 5: "ready" } as const;

/** @throws Error when the bytes are no reply */
export function parseReply(bytes: Buffer): Reply {
  const kind = kinds[bytes.readUInt32LE(8) as keyof typeof kinds] as (typeof kinds)[keyof typeof kinds] | undefined;
  if (bytes.readUInt32LE(0) !== MAGIC || kind === undefined)
    throw new Error(`the launcher answered with something else than a reply: ${bytes.subarray(0, 16).toString("hex")}`);
  const launchId = bytes.readUInt32LE(4);
  if (kind === "ready") return { launchId, kind, landlockVersion: bytes.readUInt32LE(12) };
  if (kind === "failed" || kind === "refused")
    return { launchId, kind, stepIndex: bytes.readUInt32LE(12), errno: bytes.readInt32LE(16) };
  const supervisor = stampAt(bytes, 24);
  if (supervisor === null) throw new Error("the launcher answered without the process that answers");
  const [init, main] = [stampAt(bytes, 40), stampAt(bytes, 56)];
  return { launchId, kind, supervisor, init, main, startedAtMs: startedAt(bytes.readBigUInt64LE(72)) };
}

function stampAt(bytes: Buffer, offset: number): ProcessStamp | null {
  const pid = bytes.readUInt32LE(offset);
  return pid === 0 ? null : { pid, startTicks: bytes.readBigUInt64LE(offset + 8) };
}

/** Cuts a stream into replies. */
export class ReplyReader {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): Reply[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const count = Math.floor(bytes.length / REPLY_BYTES);
    this.#rest = Buffer.from(bytes.subarray(count * REPLY_BYTES));
    return Array.from({ length: count }, (_, index) =>
      parseReply(bytes.subarray(index * REPLY_BYTES, (index + 1) * REPLY_BYTES)),
    );
  }
}
