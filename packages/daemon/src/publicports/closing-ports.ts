import { rmSync } from "node:fs";
import { PortProcess } from "@constellation/instances/ports";
import type { PublicPort } from "./public-port.ts";

/** Public ports that are being given up: nobody new gets in, and those who are connected have a moment to finish. */
export class ClosingPorts {
  readonly #under = new Map<string, Promise<void>>();

  /** Gives a port up, also one that this daemon has not opened. Resolves when its process and its folder are gone. */
  close(key: string, open: PublicPort | undefined, folder: string): Promise<void> {
    const closing = closeNow(open, folder).finally(() => {
      if (this.#under.get(key) === closing) this.#under.delete(key);
    });
    this.#under.set(key, closing);
    return closing;
  }

  has(key: string): boolean {
    return this.#under.has(key);
  }

  /** Settled when the port is gone: whoever opens it again waits for that. */
  of(key: string): Promise<void> {
    return this.#under.get(key) ?? Promise.resolve();
  }

  /** Settled when all of them are gone of which this holds. */
  async settled(choice: (key: string) => boolean = () => true): Promise<number> {
    const chosen = [...this.#under].filter(([key]) => choice(key));
    await Promise.allSettled(chosen.map(([, closing]) => closing));
    return chosen.length;
  }
}

async function closeNow(open: PublicPort | undefined, folder: string): Promise<void> {
  if (open !== undefined) await open.close();
  else await (await PortProcess.adopt(folder))?.close();
  rmSync(folder, { recursive: true, force: true });
}
