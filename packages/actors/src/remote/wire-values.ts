import type { AnyRef, ForeignRef } from "../cell/cell.ts";
import type { ActorRef, ReplyTo } from "../vocabulary/actor-ref.ts";
import { PendingAsk } from "../ask/pending-ask.ts";
import { SerializationError } from "./transport.ts";

/** Marks an object of ours among the user's; the user's own objects with this key are wrapped. */
const mark = "$constellation";

/** What stands for something that cannot travel itself. */
export type Marker =
  /** An actor of the sender. */
  | { readonly [mark]: "actor"; readonly id: number; readonly address: string }
  /** An actor of the receiver, coming home. */
  | { readonly [mark]: "yours"; readonly id: number }
  /** Where to answer: a number of the sender. */
  | { readonly [mark]: "reply"; readonly n: number }
  | { readonly [mark]: "plain"; readonly value: unknown };

/** How refs and reply addresses are written and read; the connection knows. */
export interface Border {
  writeRef(ref: ActorRef<never>): Marker;
  writeReply(reply: PendingAsk): Marker;
  readRef(id: number, address: string): ForeignRef;
  readOwn(id: number): ActorRef<never>;
  readReply(n: number): ReplyTo<unknown>;
}

/** Replaces refs and reply addresses by markers. Values without any are returned as they are, not copied. */
export function toWire(value: unknown, border: Border): unknown {
  if (typeof value !== "object" || value === null) {
    if (typeof value === "function" || typeof value === "symbol")
      throw new SerializationError(`Cannot send a ${typeof value} to another system: send data, or a ref to an actor`);
    return value;
  }
  return walk(value, border, 0);
}

/** Puts refs and reply addresses back, in place: where there are any, `value` is a codec's or a copy by `toWire`. */
export function fromWire(value: unknown, border: Border): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      const item = fromWire(value[index], border);
      if (item !== value[index]) value[index] = item;
    }
    return value;
  }
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, fromWire(item, border)]));
  if (value instanceof Set) return new Set([...value].map((item) => fromWire(item, border)));
  if (!isPlain(value)) return value;
  if (mark in value) return read(value as unknown as Marker, border);
  readFields(value, border);
  return value;
}

/** What stays as it is is not written: a message that came by reference may be frozen. */
function readFields(value: Record<string, unknown>, border: Border): void {
  for (const key of Object.keys(value)) {
    const item = fromWire(value[key], border);
    if (item !== value[key]) value[key] = item;
  }
}

function read(marker: Marker, border: Border): unknown {
  switch (marker[mark]) {
    case "actor":
      return border.readRef(marker.id, marker.address);
    case "yours":
      return border.readOwn(marker.id);
    case "reply":
      return border.readReply(marker.n);
    case "plain": {
      const inner = marker.value as Record<string, unknown>;
      readFields(inner, border);
      return inner;
    }
  }
}

/** Deeper than any message should be; a circle is deeper than that. */
const deepest = 200;

function walk(value: object, border: Border, depth: number): unknown {
  if (depth > deepest)
    throw new SerializationError(
      `Cannot send a message more than ${deepest} levels deep: it is nested too far, or in a circle`,
    );
  if (Array.isArray(value)) return walkList(value, border, depth);
  if (value instanceof PendingAsk) return border.writeReply(value);
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, inner(item, border, depth)]));
  if (value instanceof Set) return new Set([...value].map((item) => inner(item, border, depth)));
  if (isPlain(value)) return walkPlain(value, border, depth);
  if (isRef(value)) return border.writeRef(value);
  if (!travelsAsIs(value)) {
    const name = (value as { constructor?: { name?: string } }).constructor?.name ?? "object";
    throw new SerializationError(
      `Cannot send a ${name} to another system: it would arrive without its class; send plain data`,
    );
  }
  return value;
}

/** The numbers of the reply addresses in what `toWire` made. */
export function* repliesIn(written: unknown): Generator<number> {
  if (typeof written !== "object" || written === null) return;
  if (Array.isArray(written) || written instanceof Set) for (const item of written) yield* repliesIn(item);
  else if (written instanceof Map) for (const item of written.values()) yield* repliesIn(item);
  else if (isPlain(written)) {
    const marker = written as unknown as Marker;
    if (marker[mark] === "reply") yield marker.n;
    else for (const item of Object.values(written)) yield* repliesIn(item);
  }
}

/** What every codec worth its name gives back as it was. */
function travelsAsIs(value: object): boolean {
  return (
    value instanceof Date ||
    value instanceof RegExp ||
    value instanceof Error ||
    value instanceof ArrayBuffer ||
    ArrayBuffer.isView(value)
  );
}

function walkList(list: readonly unknown[], border: Border, depth: number): readonly unknown[] {
  let copy: unknown[] | null = null;
  for (let index = 0; index < list.length; index += 1) {
    const item = list[index];
    const written = inner(item, border, depth);
    if (written !== item) (copy ??= [...list])[index] = written;
  }
  return copy ?? list;
}

function walkPlain(value: Record<string, unknown>, border: Border, depth: number): unknown {
  let copy: Record<string, unknown> | null = null;
  let isMarked = false;
  for (const key in value) {
    if (key === mark) isMarked = true;
    const item = value[key];
    if (typeof item !== "object" && typeof item !== "function" && typeof item !== "symbol") continue;
    const written = inner(item, border, depth);
    if (written !== item) (copy ??= { ...value })[key] = written;
  }
  const result = copy ?? value;
  return isMarked ? ({ [mark]: "plain", value: result } satisfies Marker) : result;
}

function inner(item: unknown, border: Border, depth: number): unknown {
  return typeof item === "object" && item !== null ? walk(item, border, depth + 1) : toWire(item, border);
}

/** Only the runtime makes such objects that are not plain. */
function isRef(value: object): value is AnyRef {
  return "local" in value && "foreign" in value && "address" in value;
}

function isPlain(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
