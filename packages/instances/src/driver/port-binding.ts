/**
 * How one public port reaches an instance. The program of a `shared` port gets the app's listening socket as an open
 * descriptor; `forwarded` listens on a private port that the app's forwarder connects to; `own` listens by itself.
 */
export type PortBinding =
  | (Common & {
      readonly mode: "shared";
      /** Unix socket that hands out the descriptor. */ readonly socketFile: string;
    })
  | (Common & { readonly mode: "forwarded" })
  | (Common & { readonly mode: "own" });

interface Common {
  readonly name: string;
  /** What the users of the app connect to. */
  readonly publicPort: number;
  readonly address: string;
  /** What the program finds in `PORT`. */
  readonly port: number;
  readonly url: string;
}
