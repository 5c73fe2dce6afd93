const memorySection = 5;
const preambleBytes = 8;

/**
 * Writes a maximum of `pages` into the memory that a module brings along, so that the engine itself refuses to grow it
 * further (WebAssembly core specification, 5.5.8). A lower maximum of its own stays. Modules without such a memory come
 * back as they are.
 * @throws RangeError when the module wants more from the start
 */
export function capMemory(module: Uint8Array, pages: number): Uint8Array {
  for (let offset = preambleBytes; offset < module.length;) {
    const id = module[offset];
    const size = readNumber(module, offset + 1);
    const end = size.next + size.value;
    if (id === memorySection) {
      const section = cappedSection(module.subarray(size.next, end), pages);
      return join([module.subarray(0, offset), section, module.subarray(end)]);
    }
    offset = end;
  }
  return module;
}

/** The memory section with its head. A module has one memory at most that anybody could call `memory`. */
function cappedSection(body: Uint8Array, pages: number): Uint8Array {
  const count = readNumber(body, 0);
  if (count.value !== 1) return withHead(body);
  const flags = body[count.next] as number;
  const hasMaximum = (flags & 1) === 1;
  const minimum = readNumber(body, count.next + 1);
  const maximum = hasMaximum ? readNumber(body, minimum.next) : { value: Infinity, next: minimum.next };
  if (minimum.value > pages)
    throw new RangeError(
      `Cannot host the WASM module: it wants ${minimum.value} pages of memory, the limit is ${pages}`,
    );
  const limits = [flags | 1, ...writeNumber(minimum.value), ...writeNumber(Math.min(maximum.value, pages))];
  return withHead(join([writeNumber(1), new Uint8Array(limits), body.subarray(maximum.next)]));
}

function withHead(body: Uint8Array): Uint8Array {
  return join([new Uint8Array([memorySection]), writeNumber(body.length), body]);
}

/** An unsigned number in LEB128, and where the next thing begins. */
function readNumber(bytes: Uint8Array, offset: number): { readonly value: number; readonly next: number } {
  let value = 0;
  for (let index = offset, weight = 1; ; index += 1, weight *= 128) {
    const byte = bytes[index];
    if (byte === undefined) throw new TypeError("Cannot host the WASM module: it ends in the middle of a section");
    value += (byte & 127) * weight;
    if (byte < 128) return { value, next: index + 1 };
  }
}

function writeNumber(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return new Uint8Array([...bytes, rest]);
    bytes.push((rest % 128) | 128);
  }
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
