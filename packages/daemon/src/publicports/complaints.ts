/** Why ports cannot be opened: told once, and again when the reason is another one. They are tried again every few seconds. */
export class Complaints {
  readonly #report: (text: string, error: unknown) => void;
  readonly #told = new Map<string, string>();

  constructor(report: (text: string, error: unknown) => void) {
    this.#report = report;
  }

  tell(key: string, text: string, error: unknown): void {
    const reason = String(error);
    if (this.#told.get(key) === reason) return;
    this.#told.set(key, reason);
    this.#report(text, error);
  }

  /** It is open, or given up. */
  forget(key: string): void {
    this.#told.delete(key);
  }
}
