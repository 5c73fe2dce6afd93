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

type Instruction = readonly [code: number, whenTrue: number, whenFalse: number, operand: number];

/**
 * The filter instructions of a profile for one architecture, 8 bytes each. Calls of another architecture kill the
 * process. The list is searched as a binary tree: about eight comparisons per call.
 */
export function compileSeccomp(profile: SeccompProfile, architecture: "x64" | "arm64"): Uint8Array {
  const number = (name: string): number | null => {
    const known = syscallNumbers[name];
    if (known === undefined)
      throw new RangeError(`seccomp profile "${profile.name}" names the unknown system call "${name}"`);
    return known[architecture];
  };
  const numbers = (names: readonly string[]): number[] => names.map(number).filter((each) => each !== null);
  const refused: (readonly [number, number])[] = [
    ...numbers(profile.denied).map((each) => [each, refuse(EPERM)] as const),
    ...numbers(profile.absent).map((each) => [each, refuse(ENOSYS)] as const),
  ].sort(([a], [b]) => a - b);

  return assemble([
    [LOAD_WORD, 0, 0, ARCHITECTURE],
    [JUMP_EQUAL, 1, 0, auditArchitecture[architecture]],
    [RETURN, 0, 0, KILL_PROCESS],
    [LOAD_WORD, 0, 0, NUMBER],
    ...(architecture === "x64"
      ? ([
          [JUMP_AT_LEAST, 0, 1, X32_BIT],
          [RETURN, 0, 0, KILL_PROCESS],
        ] as const)
      : []),
    [JUMP_AT_LEAST, 0, 1, profile.newestKnown + 1],
    [RETURN, 0, 0, refuse(ENOSYS)],
    ...profile.maskedFlags.flatMap(({ call, argument, bits }) =>
      onCall(number(call), [
        [LOAD_WORD, 0, 0, lowWordOf(argument)],
        [JUMP_ANY_BIT, 0, 1, bits],
        [RETURN, 0, 0, refuse(EPERM)],
        [RETURN, 0, 0, ALLOW],
      ]),
    ),
    ...profile.refusedValues.flatMap(({ call, argument, values, errno }) =>
      onCall(number(call), [
        [LOAD_WORD, 0, 0, lowWordOf(argument)],
        ...values.flatMap((value): Instruction[] => [
          [JUMP_EQUAL, 0, 1, value],
          [RETURN, 0, 0, refuse(errno)],
        ]),
        [RETURN, 0, 0, ALLOW],
      ]),
    ),
    ...profile.allowedValues.flatMap(({ call, argument, values }) =>
      onCall(number(call), [
        [LOAD_WORD, 0, 0, lowWordOf(argument)],
        ...values.flatMap((value): Instruction[] => [
          [JUMP_EQUAL, 0, 1, value],
          [RETURN, 0, 0, ALLOW],
        ]),
        [RETURN, 0, 0, refuse(EPERM)],
      ]),
    ),
    ...search(refused),
  ]);
}

/** Runs `body`, which must return, when the call is this one. */
function onCall(number: number | null, body: readonly Instruction[]): readonly Instruction[] {
  return number === null ? [] : [[JUMP_EQUAL, 0, body.length, number], ...body];
}

function search(refused: readonly (readonly [number, number])[]): Instruction[] {
  if (refused.length <= 3)
    return [
      ...refused.flatMap(([number, answer]): Instruction[] => [
        [JUMP_EQUAL, 0, 1, number],
        [RETURN, 0, 0, answer],
      ]),
      [RETURN, 0, 0, ALLOW],
    ];
  const middle = refused.length >> 1;
  const below = search(refused.slice(0, middle));
  const above = search(refused.slice(middle));
  const [pivot] = refused[middle] ?? [0];
  return [[JUMP_AT_LEAST, below.length, 0, pivot], ...below, ...above];
}

function assemble(instructions: readonly Instruction[]): Uint8Array {
  const bytes = Buffer.alloc(8 * instructions.length);
  instructions.forEach(([code, whenTrue, whenFalse, operand], index) => {
    if (whenTrue > 255 || whenFalse > 255)
      throw new RangeError(`seccomp filter jumps too far at instruction ${index}; name fewer calls`);
    bytes.writeUInt16LE(code, 8 * index);
    bytes.writeUInt8(whenTrue, 8 * index + 2);
    bytes.writeUInt8(whenFalse, 8 * index + 3);
    bytes.writeUInt32LE(operand >>> 0, 8 * index + 4);
  });
  return bytes;
}
