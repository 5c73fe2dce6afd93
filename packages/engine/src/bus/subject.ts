import { EngineError } from "../error.ts";
import { maxBodyBytes } from "./bus.ts";

const subjectForm = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/;
const patternForm = /^(?:(?:[A-Za-z0-9_-]+|\*)(?:\.(?:[A-Za-z0-9_-]+|\*))*(?:\.>)?|>)$/;
const maxChars = 512;

/** Checks what is published on, and its size. @throws EngineError `bad-key`, `too-large` */
export function checkMessage(subject: string, body: Uint8Array): void {
  if (typeof subject !== "string" || subject.length > maxChars || !subjectForm.test(subject)) {
    throw malformed("publish on", subject, 'tokens of A-Z a-z 0-9 _ - joined with "."');
  }
  if (!(body instanceof Uint8Array)) throw new TypeError(`Cannot publish on ${subject}: the body must be a Uint8Array`);
  if (body.byteLength > maxBodyBytes) {
    throw new EngineError(
      "too-large",
      `Cannot publish on ${subject}: ${body.byteLength} bytes exceed ${maxBodyBytes}; use a flow or a blob`,
    );
  }
}

/** Checks what is subscribed to. @throws EngineError `bad-key` */
export function checkPattern(pattern: string): void {
  if (typeof pattern !== "string" || pattern.length > maxChars || !patternForm.test(pattern)) {
    throw malformed(
      "subscribe to",
      pattern,
      'tokens of A-Z a-z 0-9 _ - or "*", joined with ".", with ">" only as the last',
    );
  }
}

function malformed(attempted: string, given: unknown, wanted: string): EngineError {
  const shown = (JSON.stringify(given) ?? typeof given).slice(0, 100);
  return new EngineError(
    "bad-key",
    `Cannot ${attempted} subject ${shown}: it must be ${wanted}, at most ${maxChars} characters`,
  );
}
