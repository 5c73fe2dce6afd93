/** Which allocation is kept. */
export interface KeeperArgs {
  readonly app: string;
  readonly index: number;
}
