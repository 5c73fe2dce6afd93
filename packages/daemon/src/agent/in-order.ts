import type { Repository } from "../state/index.ts";

/**
 * What an earlier daemon took along when it ended comes back in the order of dependencies: instances of apps that depend on
 * others wait for the scheduler, as after a reboot. Those of the others begin at once anyway.
 */
export async function comeInOrder(repository: Repository, node: string): Promise<void> {
  const { mirror } = repository;
  const edit = repository.edit();
  for (const [app, allocations] of mirror.allocations) {
    for (const [index, { record }] of allocations) {
      const run = mirror.runs.get(app)?.get(index)?.record;
      // Who is wanted to run was stopped by nobody else.
      const wasTaken = record.wish.kind === "run" && run?.status === "ended" && run.outcome === "stopped";
      if (!wasTaken || record.node !== node) continue;
      const { dependsOn = [] } = repository.revision(app, record.revision)?.spec ?? {};
      if (dependsOn.length > 0)
        edit.put({ kind: "alloc", app, index }, { ...record, wish: { kind: "wait", for: "the scheduler" } });
    }
  }
  if (!edit.isEmpty) await repository.write(edit);
}
