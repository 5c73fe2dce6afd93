import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type LeaseCall, leaseCallSchema, type LeaseRequest } from "@constellation/contract";

type Attempt = Extract<LeaseCall, { kind: "started" }>;

/** What the daemon must know of a run to clean up after it, and to start it again, also after its own death. */
export interface LeaseRecord {
  readonly request: LeaseRequest;
  readonly attempt: Attempt | undefined;
  /** Ports that it was promised. */
  readonly ports: readonly number[];
}

/** Leases on disk, one file each, readable by nobody else: they hold environments. They are gone with the boot. */
export class LeaseRecords {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /** What an earlier daemon left; files that cannot be read are removed and counted. */
  load(): { readonly records: readonly LeaseRecord[]; readonly unreadable: number } {
    let unreadable = 0;
    const records = readdirSync(this.#folder)
      .filter((name) => name.endsWith(".json"))
      .flatMap((name) => {
        const path = join(this.#folder, name);
        const record = parse(readFileSync(path, "utf8"));
        if (record !== undefined && name === `${record.request.id}.json`) return [record];
        unreadable += 1;
        rmSync(path, { force: true });
        return [];
      });
    return { records, unreadable };
  }

  save(record: LeaseRecord): void {
    const path = this.#path(record.request.id);
    writeFileSync(`${path}.next`, JSON.stringify(record), { mode: 0o600 });
    renameSync(`${path}.next`, path);
  }

  remove(id: string): void {
    rmSync(this.#path(id), { force: true });
  }

  #path(id: string): string {
    return join(this.#folder, `${id}.json`);
  }
}

function parse(text: string): LeaseRecord | undefined {
  try {
    const { request, attempt, ports = [] } = JSON.parse(text) as { request: unknown; attempt: unknown; ports: unknown };
    const lease = leaseCallSchema.parse(request);
    const started = attempt === undefined ? undefined : leaseCallSchema.parse(attempt);
    if (lease.kind !== "lease" || (started !== undefined && started.kind !== "started")) return undefined;
    if (!Array.isArray(ports) || !ports.every(Number.isSafeInteger)) return undefined;
    return { request: lease, attempt: started, ports: ports as readonly number[] };
  } catch {
    return undefined;
  }
}
