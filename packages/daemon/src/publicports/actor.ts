import { actor } from "@constellation/actors";
import type { Observations } from "../agent/index.ts";
import type { Mirror } from "../state/index.ts";
import type { PublicPorts } from "./public-ports.ts";

/** What keeps the ports in step takes. */
export type PublicPortsMessage = { readonly type: "balance" } | { readonly type: "sweep" };

const sweepMs = 5000;
const unhurriedMs = 50;

/** Keeps the public ports in step with the desired state and with who is ready. */
export function publicPortsActor(
  ports: PublicPorts,
  mirror: Mirror,
  observations: Observations,
  report: (text: string, error: unknown) => void,
) {
  return actor<PublicPortsMessage, State>({
    kind: "public-ports",
    onStart: (_, context) => {
      const { self } = context;
      const dirty = new Set<string>();
      const due = { sweep: false, later: false };
      // One for all that ask for it before it begins: a thousand apps that come together would each have all of them looked at.
      const sweep = (): void => {
        if (!due.sweep) self.send({ type: "sweep" });
        due.sweep = true;
      };
      const sweepLater = (): void => {
        if (!due.later) context.sendAfter(unhurriedMs, { type: "sweep" });
        due.later = true;
      };
      const unsubscribe = [
        observations.onChange(({ app }) => {
          if (!ports.concerns(app)) return;
          // Callers of a stopped app wait in its socket until somebody closes it.
          if (ports.isIdle(app)) sweep();
          if (dirty.size === 0) self.send({ type: "balance" });
          dirty.add(app);
        }),
        mirror.onChange((keys) => {
          const apps = keys.flatMap((key) => (key.kind === "app" && ports.concerns(key.app) ? [key.app] : []));
          // What an app that runs needs was opened before it was written down; starts come before the look at it.
          const urgent = apps.some((app) => mirror.apps.get(app)?.record.mode !== "running");
          if (urgent) sweep();
          else if (apps.length > 0) sweepLater();
        }),
      ];
      sweep();
      context.sendEvery(sweepMs, { type: "sweep" });
      return { dirty, due, unsubscribe };
    },
    async receive({ dirty, due }, message) {
      const apps = [...dirty];
      if (message.type === "balance") dirty.clear();
      else Object.assign(due, { sweep: false, later: false });
      try {
        if (message.type === "sweep") await ports.reconcile();
        else for (const app of apps) await ports.balance(app);
      } catch (error) {
        // The next sweep repairs it.
        report("keeping the public ports in step failed", error);
      }
    },
    onStop: ({ unsubscribe }) => {
      for (const stop of unsubscribe) stop();
    },
  });
}

interface State {
  readonly dirty: Set<string>;
  /** Sweeps that were asked for and have not begun. */
  readonly due: { sweep: boolean; later: boolean };
  readonly unsubscribe: readonly (() => unknown)[];
}
