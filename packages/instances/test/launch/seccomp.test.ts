import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defaultSeccompProfile } from "../../src/launch/index.ts";
import { compileSeccomp } from "../../src/launch/privileges/compile-seccomp.ts";
import { syscallNumbers } from "../../src/launch/privileges/syscall-numbers.ts";

const headers = {
  x64: "/usr/include/x86_64-linux-gnu/asm/unistd_64.h",
  arm64: "/usr/include/asm-generic/unistd.h",
} as const;
const audit = { x64: 0xc000_003e, arm64: 0xc000_00b7 } as const;
const ALLOW = 0x7fff_0000;
const KILL = 0x8000_0000;
const errno = (value: number): number => 0x0005_0000 | value;

/** Classic BPF, as the kernel runs it: returns the filter's answer. */
function run(filter: Uint8Array, call: { number: number; audit: number; args: readonly number[] }): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(call.number >>> 0, 0);
  data.writeUInt32LE(call.audit, 4);
  call.args.forEach((value, index) => data.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), 16 + 8 * index));
  const code = Buffer.from(filter);
  let accumulator = 0;
  for (let at = 0; at < code.length / 8; at++) {
    const operand = code.readUInt32LE(8 * at + 4);
    const jump = (taken: boolean): void => void (at += code.readUInt8(8 * at + (taken ? 2 : 3)));
    const operation = code.readUInt16LE(8 * at);
    if (operation === 0x20) accumulator = data.readUInt32LE(operand);
    else if (operation === 0x15) jump(accumulator === operand);
    else if (operation === 0x35) jump(accumulator >= operand);
    else if (operation === 0x45) jump((accumulator & operand) !== 0);
    else if (operation === 0x06) return operand;
    else throw new Error(`instruction ${operation.toString(16)}`);
  }
  throw new Error("fell off the end");
}

describe.each(["x64", "arm64"] as const)("the default profile on %s", (architecture) => {
  const filter = compileSeccomp(defaultSeccompProfile, architecture);
  const numberOf = (name: string): number | null => syscallNumbers[name]?.[architecture] ?? null;
  const answer = (number: number, ...args: number[]): number =>
    run(filter, { number, audit: audit[architecture], args });
  const listed = (names: readonly string[]): number[] => names.map(numberOf).filter((number) => number !== null);

  test.skipIf(!existsSync(headers[architecture]))("uses the kernel's own numbers", () => {
    const known = new Map(
      [...readFileSync(headers[architecture], "utf8").matchAll(/^#define __NR(?:3264)?_(\w+)\s+(\d+)$/gmu)].map(
        (each) => [each[1], Number(each[2])],
      ),
    );
    expect(known.size).toBeGreaterThan(250);
    const newer = new Set([
      "statmount",
      "listmount",
      "lsm_get_self_attr",
      "lsm_set_self_attr",
      "lsm_list_modules",
      "memfd_secret",
      "set_mempolicy_home_node",
    ]);
    for (const [name, numbers] of Object.entries(syscallNumbers))
      if (known.has(name) || !newer.has(name)) expect(numbers[architecture], name).toBe(known.get(name) ?? null);
  });

  test("refuses what it lists and nothing else", () => {
    const denied = new Set(listed(defaultSeccompProfile.denied));
    const absent = new Set(listed(defaultSeccompProfile.absent));
    expect(denied.size).toBeGreaterThan(50);
    for (let number = 0; number <= defaultSeccompProfile.newestKnown; number++) {
      const wanted = denied.has(number) ? errno(1) : absent.has(number) ? errno(38) : ALLOW;
      expect(answer(number), `call ${number}`).toBe(wanted);
    }
  });

  test("refuses calls younger than itself, foreign architectures and x32", () => {
    expect(answer(defaultSeccompProfile.newestKnown + 1)).toBe(errno(38));
    expect(run(filter, { number: 1, audit: 0x4000_0003, args: [] })).toBe(KILL);
    fc.assert(
      fc.property(fc.integer({ min: 1000, max: 0xffff_ffff }), (number) => {
        expect([KILL, errno(38)]).toContain(answer(number));
      }),
    );
  });

  test("clone makes threads and processes but no namespace", () => {
    const clone = numberOf("clone") ?? -1;
    expect(answer(clone, 17)).toBe(ALLOW);
    expect(answer(clone, 0x003d_0f00)).toBe(ALLOW); // what pthread_create asks for
    for (const bit of [17, 25, 26, 27, 28, 29, 30]) expect(answer(clone, 17 | (1 << bit)), `bit ${bit}`).toBe(errno(1));
  });

  test("sockets of ordinary families open, those of the crypto and virtual-machine families do not", () => {
    const socket = numberOf("socket") ?? -1;
    for (const family of [1, 2, 10, 16, 17]) expect(answer(socket, family)).toBe(ALLOW);
    for (const family of [38, 40]) expect(answer(socket, family)).toBe(errno(97));
  });
});

test("what is known by an argument is refused by it alone, whatever the other half of its word is", () => {
  const filter = compileSeccomp(defaultSeccompProfile, "x64");
  const answer = (name: string, ...args: number[]): number =>
    run(filter, { number: syscallNumbers[name]?.x64 ?? -1, audit: audit.x64, args });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), fc.integer({ min: 0, max: 0xff }), (value, above) => {
      const wide = value + above * 2 ** 32;
      expect(answer("ioctl", 3, wide)).toBe([0x5412, 0x541c].includes(value) ? errno(1) : ALLOW);
      const harmless = [0, 0x0008, 0x2_0000, 0x2_0008, 0xffff_ffff];
      expect(answer("personality", wide)).toBe(harmless.includes(value) ? ALLOW : errno(1));
    }),
    {
      examples: [
        [0x5412, 1],
        [0x541c, 0],
        [0x541d, 0],
        [0xffff_ffff, 7],
        [0x0040_0000, 0],
      ],
    },
  );
});

test("a profile that names a call twice is refused: nobody could tell which of the two holds", () => {
  const { denied } = defaultSeccompProfile;
  expect(() => compileSeccomp({ ...defaultSeccompProfile, denied: [...denied, "clone"] }, "x64")).toThrow(
    /names clone twice/u,
  );
});

test("a profile is refused where its filter could not say what it says", () => {
  const compile = (change: Partial<typeof defaultSeccompProfile>) =>
    compileSeccomp({ ...defaultSeccompProfile, ...change }, "x64");
  expect(() => compile({ newestKnown: 300 })).toThrow(/younger than its newest call/u);
  expect(() => compile({ allowedValues: [{ call: "personality", argument: 0, values: [] }] })).toThrow(/no value/u);
});

test("a profile that names an unknown call is refused", () => {
  expect(() => compileSeccomp({ ...defaultSeccompProfile, denied: ["frobnicate"] }, "x64")).toThrow(
    /unknown system call "frobnicate"/u,
  );
});
