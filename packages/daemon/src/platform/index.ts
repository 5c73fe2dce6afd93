/** The door between the API and everything behind it: what can be asked of a running daemon, independent of HTTP. */
import type {
  ApplyRequest,
  AppSpec,
  AppSummary,
  Change,
  Event,
  EventsQuery,
  Instance,
  InstanceDetails,
  LogLine,
  LogsQuery,
  NodeInfo,
  Sample,
  SamplesQuery,
  Version,
} from "@constellation/contract";

/** What the caller of a long call can give: cancellation. */
export interface CallOptions {
  readonly signal: AbortSignal;
}

/** An artifact that is read: its bytes once, its file is open until the loop ends or is left. */
export interface ArtifactContent {
  readonly sizeBytes: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** Everything that can be asked of a daemon. Every method throws ConstellationError; a name that is not there is `app.not-found` or `instance.not-found`. */
export interface Platform {
  version(): Version;
  node(): Promise<NodeInfo>;
  /** Validates all specs before it changes anything; concurrent calls are put in a line. */
  apply(request: ApplyRequest): Promise<Change[]>;
  apps(): Promise<AppSummary[]>;
  app(name: string): Promise<AppSummary & { readonly spec: AppSpec }>;
  /** `erase` takes the data folders and logs of its instances along. @default false */
  removeApp(name: string, options?: { readonly erase?: boolean }): Promise<void>;
  stopApp(name: string): Promise<void>;
  startApp(name: string): Promise<void>;
  restartApp(name: string): Promise<void>;
  scaleApp(name: string, instances: number): Promise<void>;
  instances(app?: string): Promise<Instance[]>;
  instance(name: string): Promise<InstanceDetails>;
  /** The launch plan of the instance's present run, printed. */
  plan(name: string): Promise<string>;
  exec(name: string, request: ExecRequest, options: CallOptions): Promise<ExecSession>;
  logs(query: LogsQuery, options: CallOptions): AsyncIterable<LogLine>;
  events(query: EventsQuery, options: CallOptions): AsyncIterable<Event>;
  /** Rounds, each with a sample of every instance asked for. */
  samples(query: SamplesQuery, options: CallOptions): AsyncIterable<readonly Sample[]>;
  hasArtifact(sha256: string): Promise<boolean>;
  /** @throws ConstellationError `artifact.not-found` */
  artifact(sha256: string): Promise<ArtifactContent>;
  /** Stores the bytes when their SHA-256 is the one named; otherwise nothing is kept. */
  putArtifact(sha256: string, bytes: AsyncIterable<Uint8Array>): Promise<void>;
  /** Ends this daemon; instances go on unless `instances` is true. Resolves when it may exit. */
  stopDaemon(request: { readonly instances?: boolean | undefined }): Promise<void>;
}

/** A program to run inside an instance. */
export interface ExecRequest {
  readonly argv: readonly string[];
  readonly tty: boolean;
  readonly columns: number;
  readonly rows: number;
}

/** A program running inside an instance. */
export interface ExecSession {
  /** Bytes of its output, in order; ends before {@link exit} resolves. */
  readonly output: AsyncIterable<{ readonly stream: "stdout" | "stderr"; readonly bytes: Uint8Array }>;
  readonly exit: Promise<{ readonly code: number | null; readonly signal: number | null }>;
  /** Resolves when the bytes are taken, so that a fast caller waits for a slow program. */
  write(bytes: Uint8Array): Promise<void>;
  endInput(): void;
  resize(columns: number, rows: number): void;
  signal(number: number): void;
  /** Ends the program and everything it started. */
  close(): Promise<void>;
}
