/** What one probe found. */
export interface ProbeResult {
  readonly ok: boolean;
  /** For people: `status 200`, `no answer within 1s`. */
  readonly detail: string;
}
