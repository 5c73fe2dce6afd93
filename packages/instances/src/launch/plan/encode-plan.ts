import type { Argument, LaunchPlan, Step, TextOffset } from "./plan.ts";
import { stepKinds } from "./step-kinds.ts";

const MAGIC = 0x4e4c5043;
const VERSION = 1;
const HEADER_WORDS = 4;
const STEP_WORDS = 8;
const MAY_FAIL = 1;

/** The largest plan that the launcher reads, in bytes. */
export const PLAN_MAX_BYTES = 1 << 20;

// One scratch area for all encodings: a launch happens a thousand times, its plan is a few kilobytes.
let scratch = new ArrayBuffer(64 * 1024);

/**
 * The bytes of a plan as launcher/plan.h defines them: header, 32-byte steps, then texts and bytes.
 * @throws RangeError when the plan is larger than {@link PLAN_MAX_BYTES} or a text contains a NUL character.
 */
export function encodePlan(plan: LaunchPlan): Buffer {
  for (;;) {
    try {
      return new Encoding(scratch, plan.steps.length).of(plan);
    } catch (error) {
      if (!(error instanceof DoesNotFit)) throw error;
      if (scratch.byteLength >= PLAN_MAX_BYTES)
        throw new RangeError(
          `Cannot launch ${plan.name}: its plan is larger than ${PLAN_MAX_BYTES} bytes; shorten environment and arguments`,
        );
      scratch = new ArrayBuffer(scratch.byteLength * 2);
    }
  }
}

class DoesNotFit extends Error {}

/** One plan on its way into memory. Both the machine's words and the plan's are little-endian. */
class Encoding {
  readonly #words: Int32Array;
  readonly #bytes: Buffer;
  /** Equal texts are stored once. */
  readonly #known = new Map<string, number>();
  /** Where the next argument goes, in words. */
  #word = HEADER_WORDS;
  /** Where the part behind the steps ends, in bytes. */
  #end: number;

  constructor(target: ArrayBuffer, steps: number) {
    this.#words = new Int32Array(target);
    this.#bytes = Buffer.from(target);
    this.#end = 4 * (HEADER_WORDS + steps * STEP_WORDS);
    if (this.#end > target.byteLength) throw new DoesNotFit();
  }

  of({ steps }: LaunchPlan): Buffer {
    const words = this.#words;
    words.fill(0, 0, this.#end >> 2);
    for (const [index, step] of steps.entries()) this.#step(step, HEADER_WORDS + index * STEP_WORDS);
    // The plan's last byte is 0, so that no text can run past its end.
    this.#bytes[this.#reserve(1)] = 0;
    words[0] = MAGIC;
    words[1] = VERSION | (steps.length << 16);
    words[2] = this.#end;
    return Buffer.from(this.#bytes.subarray(0, this.#end));
  }

  #step(step: Step, at: number): void {
    const { number, arguments: forms } = stepKinds[step.name];
    this.#words[at] = number | (step.mayFail ? MAY_FAIL << 16 : 0);
    this.#word = at + 1;
    for (let index = 0; index < forms.length; index += 1) {
      const form = forms.charAt(index);
      const argument = step.args[index];
      if (!this.#argument(form, argument))
        throw new TypeError(`step ${step.name} got ${JSON.stringify(argument)} where its form is "${form}"`);
    }
  }

  /** Adds the one or two words that an argument of this form becomes; false when it has another form. */
  #argument(form: string, argument: Argument | undefined): boolean {
    if (typeof argument === "number") {
      if (form === "q") return this.#add(argument % 2 ** 32, Math.floor(argument / 2 ** 32));
      return (form === "n" || form === "f") && this.#add(argument);
    }
    if (typeof argument === "string") return (form === "s" || form === "t") && this.#add(this.#text(argument));
    if (typeof argument === "bigint")
      return form === "q" && this.#add(Number(argument & 0xffff_ffffn), Number((argument >> 32n) & 0xffff_ffffn));
    if (argument === null) return form === "t" && this.#add(0);
    if (argument instanceof Uint8Array) return form === "b" && this.#add(this.#place(argument), argument.length);
    if (Array.isArray(argument))
      return form === "v" && this.#add(this.#list(argument as readonly string[]), argument.length);
    return form === "n" && isTextOffset(argument) && this.#add(this.#text(argument.text) + argument.at);
  }

  #add(first: number, second?: number): true {
    this.#words[this.#word++] = first;
    if (second !== undefined) this.#words[this.#word++] = second;
    return true;
  }

  #text(text: string): number {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    if (text.includes("\0"))
      throw new RangeError(`a launch cannot hold the text ${JSON.stringify(text)}: it has a NUL`);
    const at = this.#end;
    // A UTF-16 unit becomes at most three bytes: only where that might not fit is the exact length worth counting.
    if (at + 3 * text.length + 1 > this.#bytes.length && at + Buffer.byteLength(text) + 1 > this.#bytes.length)
      throw new DoesNotFit();
    this.#end = at + this.#bytes.write(text, at) + 1;
    this.#bytes[this.#end - 1] = 0;
    this.#known.set(text, at);
    return at;
  }

  #place(bytes: Uint8Array): number {
    this.#align(8);
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
    return at;
  }

  #list(texts: readonly string[]): number {
    const offsets = texts.map((text) => this.#text(text));
    this.#align(4);
    const at = this.#reserve(4 * offsets.length);
    this.#words.set(offsets, at >> 2);
    return at;
  }

  #align(to: number): void {
    while (this.#end % to !== 0) this.#bytes[this.#reserve(1)] = 0;
  }

  #reserve(length: number): number {
    const at = this.#end;
    if (at + length > this.#bytes.length) throw new DoesNotFit();
    this.#end = at + length;
    return at;
  }
}

function isTextOffset(argument: Argument | undefined): argument is TextOffset {
  return typeof argument === "object" && argument !== null && "text" in argument;
}
