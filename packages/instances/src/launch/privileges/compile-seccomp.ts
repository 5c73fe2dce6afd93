import type { SeccompProfile } from "./seccomp-profile.ts";
import { syscallNumbers } from "./syscall-numbers.ts";

// Classic BPF (linux/filter.h) and the answers of a seccomp filter (seccomp(2)).
const LOAD_WORD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_AT_LEAST = 0x35;
const JUMP_ANY_BIT = 0x45;
const RETURN = 0x06;
const ALLOW = 0x7fff_0000;
const KILL_PROCESS = 0x8000_0000;
const refuse = (errno: number): number => 0x0005_0000 | errno;
const EPERM = 1;
const ENOSYS = 38;

/** Offsets in struct seccomp_data: number, architecture, then six 64-bit arguments. */
const NUMBER = 0;
const ARCHITECTURE = 4;
const lowWordOf = (argument: number): number => 16 + 8 * argument;

const auditArchitecture = { x64: 0xc000_003e, arm64: 0xc000_00b7 } as const;
/** Calls of the x32 ABI carry this bit on x86-64 and would slip past comparisons by number. */
const X32_BIT = 0x4000_0000;

/** A place in a filter. */
interface Label {
  at: number;
}

/** Numbers of system calls from here to the next range, and where the filter goes on with them. */
interface Range {
  readonly from: number;
  readonly target: Label;
}

/**
 * The filter instructions of a profile for one architecture, 8 bytes each. Calls of another architecture kill the
 * process. Numbers are searched as ranges in a binary tree, about seven comparisons per call; a filter that is short
 * matters as well, since each start loads it: the kernel compiles it and tries it with every number that there is.
 */
export function compileSeccomp(profile: SeccompProfile, architecture: "x64" | "arm64"): Uint8Array {
  const filter = new Filter();
  const [allow, denied] = [filter.answer(ALLOW), filter.answer(refuse(EPERM))];
  const [absent, kill] = [filter.answer(refuse(ENOSYS)), filter.answer(KILL_PROCESS)];
  const targets = new Map<number, Label>();
  const send = (names: readonly string[], target: Label): void => {
    for (const name of names) {
      const number = numberOf(name, profile, architecture);
      if (number === null) continue;
      if (targets.has(number)) throw new RangeError(`seccomp profile "${profile.name}" names ${name} twice`);
      if (number > profile.newestKnown)
        throw new RangeError(`seccomp profile "${profile.name}" names ${name}, which is younger than its newest call`);
      targets.set(number, target);
    }
  };
  const bodies: (() => void)[] = [];
  const look = (call: string, argument: number, then: () => void): void => {
    const body = filter.label();
    send([call], body);
    bodies.push(() => {
      filter.place(body);
      filter.add(LOAD_WORD, lowWordOf(argument));
      then();
    });
  };
  send(profile.denied, denied);
  send(profile.absent, absent);
  for (const { call, argument, bits } of profile.maskedFlags)
    look(call, argument, () => filter.add(JUMP_ANY_BIT, bits, denied, allow));
  for (const { call, argument, values, errno } of profile.refusedValues)
    look(call, argument, () => filter.choose(values, filter.answer(refuse(errno)), allow));
  for (const { call, argument, values } of profile.allowedValues)
    look(call, argument, () => filter.choose(values, allow, denied));

  filter.add(LOAD_WORD, ARCHITECTURE);
  filter.add(JUMP_EQUAL, auditArchitecture[architecture], undefined, kill);
  filter.add(LOAD_WORD, NUMBER);
  const end: Range[] = [{ from: profile.newestKnown + 1, target: absent }];
  if (architecture === "x64") end.push({ from: X32_BIT, target: kill });
  filter.search(rangesOf(targets, allow, end));
  for (const body of bodies) body();
  return filter.bytes();
}

/** Null where the architecture has no such call. */
function numberOf(name: string, profile: SeccompProfile, architecture: "x64" | "arm64"): number | null {
  const known = syscallNumbers[name];
  if (known === undefined)
    throw new RangeError(`seccomp profile "${profile.name}" names the unknown system call "${name}"`);
  return known[architecture];
}

/** All numbers from 0 on, neighbours with one target together. @param end what comes behind the last of them */
function rangesOf(targets: ReadonlyMap<number, Label>, otherwise: Label, end: readonly Range[]): Range[] {
  const ranges: Range[] = [{ from: 0, target: otherwise }];
  const begin = (from: number, target: Label): void => {
    if (ranges.at(-1)?.from === from) ranges.pop();
    if (ranges.at(-1)?.target !== target) ranges.push({ from, target });
  };
  for (const [number, target] of [...targets].sort(([a], [b]) => a - b)) {
    begin(number, target);
    begin(number + 1, otherwise);
  }
  for (const { from, target } of end) begin(from, target);
  return ranges;
}

/** Instructions whose jumps lead forward to places that are known later. Without a place a jump leads to the next one. */
class Filter {
  readonly #instructions: {
    readonly code: number;
    readonly operand: number;
    readonly whenTrue: Label | undefined;
    readonly whenFalse: Label | undefined;
  }[] = [];
  /** Each answer stands once, at the end. */
  readonly #answers = new Map<number, Label>();

  label(): Label {
    return { at: -1 };
  }

  place(label: Label): void {
    label.at = this.#instructions.length;
  }

  answer(value: number): Label {
    const label = this.#answers.get(value) ?? this.label();
    this.#answers.set(value, label);
    return label;
  }

  add(code: number, operand: number, whenTrue?: Label, whenFalse?: Label): void {
    this.#instructions.push({ code, operand, whenTrue, whenFalse });
  }

  /** Goes on where the range of the loaded number says; there are two ranges or more. */
  search(ranges: readonly Range[]): void {
    const middle = ranges.length >> 1;
    const [below, above] = [ranges.slice(0, middle), ranges.slice(middle)];
    const [{ from, target }] = above as [Range];
    const upper = above.length === 1 ? target : this.label();
    this.add(JUMP_AT_LEAST, from, upper, below.length === 1 ? below[0]?.target : undefined);
    if (below.length > 1) this.search(below);
    if (above.length === 1) return;
    this.place(upper);
    this.search(above);
  }

  /** Goes on with `hit` when one of the values is loaded, else with `miss`. */
  choose(values: readonly number[], hit: Label, miss: Label): void {
    if (values.length === 0) throw new RangeError("seccomp profile looks at an argument and names no value for it");
    for (const [at, value] of values.entries())
      this.add(JUMP_EQUAL, value, hit, at === values.length - 1 ? miss : undefined);
  }

  bytes(): Uint8Array {
    for (const [value, label] of this.#answers) {
      this.place(label);
      this.add(RETURN, value);
    }
    const bytes = Buffer.alloc(8 * this.#instructions.length);
    for (const [index, { code, operand, whenTrue, whenFalse }] of this.#instructions.entries()) {
      const distance = (label: Label | undefined): number => (label === undefined ? 0 : label.at - index - 1);
      const [taken, passed] = [distance(whenTrue), distance(whenFalse)];
      if (taken > 255 || passed > 255)
        throw new RangeError(`seccomp filter jumps too far at instruction ${index}; name fewer calls`);
      bytes.writeUInt16LE(code, 8 * index);
      bytes.writeUInt8(taken, 8 * index + 2);
      bytes.writeUInt8(passed, 8 * index + 3);
      bytes.writeUInt32LE(operand >>> 0, 8 * index + 4);
    }
    return bytes;
  }
}
