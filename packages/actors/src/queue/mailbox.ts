/**
 * The queue of a cell, kept in the cell's own fields: the first message inline, further ones in a ring that is made
 * when a second message waits and doubles as needed.
 */
export interface Mailbox {
  head: unknown;
  ring: unknown[] | null;
  /** Where the second message is in the ring. */
  read: number;
  count: number;
}

/** A ring up to this size, one turn's worth of messages, is kept by an idle actor; a longer one is given back. */
const keptRing = 128;

/** Adds a message behind one or more that wait. */
export function append(box: Mailbox, message: unknown): void {
  const inRing = box.count - 1;
  let ring = box.ring;
  if (ring === null) ring = box.ring = [undefined, undefined, undefined, undefined];
  else if (inRing === ring.length) ring = grow(box, ring);
  ring[(box.read + inRing) & (ring.length - 1)] = message;
  box.count = inRing + 2;
}

/** Takes the oldest message; the mailbox must hold one. */
export function take(box: Mailbox): unknown {
  const message = box.head;
  const left = box.count - 1;
  box.count = left;
  if (left === 0) box.head = undefined;
  else {
    const ring = box.ring as unknown[];
    const read = box.read;
    box.head = ring[read];
    ring[read] = undefined;
    box.read = (read + 1) & (ring.length - 1);
  }
  return message;
}

/** Puts a message before all that wait. */
export function prepend(box: Mailbox, message: unknown): void {
  if (box.count === 0) {
    box.head = message;
    box.count = 1;
    return;
  }
  const inRing = box.count - 1;
  let ring = box.ring;
  if (ring === null) ring = box.ring = [undefined, undefined, undefined, undefined];
  else if (inRing === ring.length) ring = grow(box, ring);
  box.read = (box.read - 1) & (ring.length - 1);
  ring[box.read] = box.head;
  box.head = message;
  box.count = inRing + 2;
}

/** Gives back what a burst made grow; call it when the mailbox is empty. */
export function shrink(box: Mailbox): void {
  if (box.ring !== null && box.ring.length > keptRing) release(box);
}

/** Gives the ring back, however small; the mailbox must hold one message or none. */
export function release(box: Mailbox): void {
  box.ring = null;
  box.read = 0;
}

function grow(box: Mailbox, ring: unknown[]): unknown[] {
  // Joined as whole arrays: the engine copies them faster than any loop.
  // oxlint-disable-next-line unicorn/no-new-array -- one allocation of the size; Array.from fills element by element
  const room: unknown[] = new Array<unknown>(ring.length);
  const grown = box.read === 0 ? ring.concat(room) : ring.slice(box.read).concat(ring.slice(0, box.read), room);
  box.read = 0;
  box.ring = grown;
  return grown;
}
