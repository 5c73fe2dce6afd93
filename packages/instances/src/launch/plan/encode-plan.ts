import type { Argument, LaunchPlan, Step } from "./plan.ts";
import { stepKinds } from "./step-kinds.ts";

const MAGIC = 0x4e4c5043;
const VERSION = 1;
const HEADER_BYTES = 16;
const STEP_BYTES = 32;
const MAY_FAIL = 1;

/** The largest plan that the launcher reads, in bytes. */
export const PLAN_MAX_BYTES = 1 << 20;

// One scratch area for all encodings: a launch happens a thousand times, its plan is a few kilobytes.
let scratch = Buffer.alloc(64 * 1024);

/**
 * The bytes of a plan as launcher/plan.h defines them: header, 32-byte steps, then texts and bytes.
 * @throws RangeError when the plan is larger than {@link PLAN_MAX_BYTES} or a text contains a NUL character.
 */
export function encodePlan(plan: LaunchPlan): Buffer {
  for (;;) {
    try {
      return encodeInto(scratch, plan);
    } catch (error) {
      if (!(error instanceof DoesNotFit)) throw error;
      if (scratch.length >= PLAN_MAX_BYTES)
        throw new RangeError(
          `Cannot launch ${plan.name}: its plan is larger than ${PLAN_MAX_BYTES} bytes; shorten environment and arguments`,
        );
      scratch = Buffer.alloc(scratch.length * 2);
    }
  }
}

class DoesNotFit extends Error {}

function encodeInto(target: Buffer, plan: LaunchPlan): Buffer {
  const { steps } = plan;
  const data = new Data(target, HEADER_BYTES + steps.length * STEP_BYTES);
  steps.forEach((step, index) => encodeStep(target, HEADER_BYTES + index * STEP_BYTES, step, data));
  const size = data.finish();
  target.writeUInt32LE(MAGIC, 0);
  target.writeUInt16LE(VERSION, 4);
  target.writeUInt16LE(steps.length, 6);
  target.writeUInt32LE(size, 8);
  target.writeUInt32LE(0, 12);
  return Buffer.from(target.subarray(0, size));
}

function encodeStep(target: Buffer, at: number, step: Step, data: Data): void {
  const kind = stepKinds[step.name];
  target.fill(0, at, at + STEP_BYTES);
  target.writeUInt16LE(kind.number, at);
  target.writeUInt16LE(step.mayFail ? MAY_FAIL : 0, at + 2);
  let word = at + 4;
  for (let index = 0; index < kind.arguments.length; index++)
    word = encodeArgument(target, word, kind.arguments.charAt(index), step.args[index], data, step);
}

/** Writes the one or two 32-bit words that an argument of this form becomes; returns where the next one begins. */
function encodeArgument(
  target: Buffer,
  at: number,
  form: string,
  argument: Argument | undefined,
  data: Data,
  step: Step,
): number {
  if (typeof argument === "number" && (form === "n" || form === "f")) return target.writeInt32LE(argument | 0, at);
  if (typeof argument === "string" && (form === "s" || form === "t"))
    return target.writeUInt32LE(data.text(argument), at);
  if (argument === null && form === "t") return at + 4;
  if (form === "q" && (typeof argument === "number" || typeof argument === "bigint"))
    return target.writeBigUInt64LE(BigInt.asUintN(64, BigInt(argument)), at);
  if (form === "b" && argument instanceof Uint8Array)
    return target.writeUInt32LE(argument.length, target.writeUInt32LE(data.bytes(argument), at));
  if (form === "v" && Array.isArray(argument))
    return target.writeUInt32LE(argument.length, target.writeUInt32LE(data.texts(argument as readonly string[]), at));
  if (form === "n" && isTextOffset(argument)) return target.writeUInt32LE(data.text(argument.text) + argument.at, at);
  throw new TypeError(`step ${step.name} got ${JSON.stringify(argument)} where its form is "${form}"`);
}

function isTextOffset(argument: Argument | undefined): argument is { text: string; at: number } {
  return typeof argument === "object" && argument !== null && "at" in argument && "text" in argument;
}

/** The part behind the steps. Equal texts are stored once. */
class Data {
  readonly #target: Buffer;
  readonly #known = new Map<string, number>();
  #end: number;

  constructor(target: Buffer, start: number) {
    this.#target = target;
    this.#end = start;
    this.#reserve(0);
  }

  text(text: string): number {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    if (text.includes("\0"))
      throw new RangeError(`a launch cannot hold the text ${JSON.stringify(text)}: it has a NUL`);
    const at = this.#end;
    // A UTF-16 unit becomes at most three bytes: only where that might not fit is the exact length worth counting.
    if (at + 3 * text.length + 1 > this.#target.length) this.#ensure(Buffer.byteLength(text) + 1);
    const length = this.#target.write(text, at, "utf8");
    this.#target[at + length] = 0;
    this.#end = at + length + 1;
    this.#known.set(text, at);
    return at;
  }

  bytes(bytes: Uint8Array): number {
    this.#align(8);
    const at = this.#reserve(bytes.length);
    this.#target.set(bytes, at);
    return at;
  }

  texts(texts: readonly string[]): number {
    const offsets = texts.map((text) => this.text(text));
    this.#align(4);
    const at = this.#reserve(4 * offsets.length);
    offsets.forEach((offset, index) => this.#target.writeUInt32LE(offset, at + 4 * index));
    return at;
  }

  /** The plan's last byte is 0, so that no text can run past its end. */
  finish(): number {
    this.#target[this.#reserve(1)] = 0;
    return this.#end;
  }

  #align(to: number): void {
    const gap = (to - (this.#end % to)) % to;
    this.#target.fill(0, this.#reserve(gap), this.#end);
  }

  #reserve(length: number): number {
    this.#ensure(length);
    const at = this.#end;
    this.#end += length;
    return at;
  }

  #ensure(length: number): void {
    if (this.#end + length > this.#target.length) throw new DoesNotFit();
  }
}
