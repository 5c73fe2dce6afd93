import type { Repository } from "../state/index.ts";

/**
 * After a reboot no run of before lives: their records are closed and every instance waits for the scheduler, which starts
 * them in the order of their dependencies. In the same boot nothing is touched.
 */
export async function noteBoot(repository: Repository, node: string, boot: string, nowMs: number): Promise<void> {
  const { mirror } = repository;
  const known = mirror.nodes.get(node)?.record.bootId;
  if (known === boot) return;
  const edit = repository.edit();
  if (known !== undefined) {
    for (const [app, runs] of mirror.runs) {
      for (const [index, { record }] of runs) {
        if (record.status !== "launched") continue;
        const { revision, restarts, tries } = record;
        const count = { restarts, streak: 0, recentRestarts: [] };
        const reason = "the machine was started again";
        edit.put(
          { kind: "run", app, index },
          {
            status: "ended",
            revision,
            tries,
            ...count,
            since: nowMs,
            outcome: "again",
            last: null,
            reason,
            until: null,
          },
        );
      }
    }
    for (const [app, allocations] of mirror.allocations) {
      for (const [index, { record }] of allocations) {
        if (record.node !== node || record.wish.kind !== "run") continue;
        if (mirror.runs.get(app)?.get(index)?.record.status !== "launched") continue;
        edit.put({ kind: "alloc", app, index }, { ...record, wish: { kind: "wait", for: "the scheduler" } });
      }
    }
  }
  // Last, so that a crash before it does all of this again.
  await repository.write(edit.put({ kind: "node", node }, { bootId: boot }));
}
