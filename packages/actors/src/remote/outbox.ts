import { asError } from "../vocabulary/as-error.ts";
import type { Host } from "../host.ts";
import type { Packet } from "./packet.ts";
import type { Transport } from "./transport.ts";

/** A batch is given to the transport when it has this many packets, at the latest when the current task is over. */
const fullBatch = 512;

/** Gathers packets into batches. */
export class Outbox {
  readonly #host: Host;
  readonly #transport: Transport;
  readonly #undeliverable: (packet: Packet, error: Error) => void;
  #batch: Packet[] = [];
  #isScheduled = false;

  /** @param undeliverable Told of each packet, with one message at most, that the transport could not write. */
  constructor(host: Host, transport: Transport, undeliverable: (packet: Packet, error: Error) => void) {
    this.#host = host;
    this.#transport = transport;
    this.#undeliverable = undeliverable;
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
    this.#send(batch);
  }

  /** One message that cannot be written, or is too long with the others, must not take them along: it is found by halves. */
  #send(batch: readonly Packet[]): void {
    try {
      this.#transport.send(batch);
    } catch (error) {
      const [first, second] = halves(batch);
      if (second.length > 0) {
        this.#send(first);
        this.#send(second);
      } else for (const packet of first) this.#undeliverable(packet, asError(error));
    }
  }

  readonly #onTime = (): void => {
    this.#isScheduled = false;
    this.flush();
  };
}

/** A batch as two, in its order; the second is empty when it is a single packet with one message at most. */
function halves(batch: readonly Packet[]): [Packet[], Packet[]] {
  const [only] = batch;
  if (batch.length === 1 && only?.kind === "send" && only.messages.length > 1) {
    const middle = only.messages.length >> 1;
    return [
      [{ ...only, messages: only.messages.slice(0, middle) }],
      [{ ...only, messages: only.messages.slice(middle) }],
    ];
  }
  const middle = Math.ceil(batch.length / 2);
  return [batch.slice(0, middle), batch.slice(middle)];
}
