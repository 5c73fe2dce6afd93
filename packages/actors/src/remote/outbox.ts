import type { Host } from "../host.ts";
import type { Packet } from "./packet.ts";
import type { Transport } from "./transport.ts";

/** A batch is given to the transport when it has this many packets, at the latest when the current task is over. */
const fullBatch = 512;

/** Gathers packets into batches. */
export class Outbox {
  readonly #host: Host;
  readonly #transport: Transport;
  #batch: Packet[] = [];
  #isScheduled = false;

  constructor(host: Host, transport: Transport) {
    this.#host = host;
    this.#transport = transport;
  }

  add(packet: Packet): void {
    this.#batch.push(packet);
    if (this.#batch.length >= fullBatch) this.flush();
    else if (!this.#isScheduled) {
      this.#isScheduled = true;
      this.#host.soon(this.#onTime);
    }
  }

  /** Adds a packet with a value of a user. @throws SerializationError when it cannot travel */
  addChecked(packet: Packet & { kind: "reply" | "spawn" }): void {
    this.#transport.check?.(packet.kind === "reply" ? packet.value : packet.args);
    this.add(packet);
  }

  /**
   * Adds a message for actor `to`, in one packet with those before it for the same one and of the same trace.
   * @throws SerializationError
   */
  addMessage(to: number, message: unknown, trace: string | undefined): void {
    this.#transport.check?.(message);
    const last = this.#batch.at(-1);
    if (last?.kind !== "send" || last.to !== to || last.trace !== trace || last.messages.length >= fullBatch) {
      this.add({ kind: "send", to, messages: [message], ...(trace === undefined ? {} : { trace }) });
      return;
    }
    last.messages.push(message);
    if (last.messages.length >= fullBatch) this.flush();
  }

  flush(): void {
    const batch = this.#batch;
    if (batch.length === 0) return;
    this.#batch = [];
    this.#transport.send(batch);
  }

  readonly #onTime = (): void => {
    this.#isScheduled = false;
    this.flush();
  };
}
