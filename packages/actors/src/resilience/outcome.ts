/** What became of a guarded call: "no" is an answer, a failure of the call itself is thrown. */
export type Outcome<Value> =
  | { readonly kind: "done"; readonly value: Value }
  | {
      readonly kind: "refused";
      readonly by: "breaker" | "bulkhead" | "rate-limiter";
      /** When it can be worth while to try again; null when nobody knows. */
      readonly retryAfterMs: number | null;
    };
