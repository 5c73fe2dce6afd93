import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { EngineError } from "../error.ts";
import { checkFile, damaged } from "./check-file.ts";
import { type SqlDatabase, type SqlDriver, sqlCode, SqlFailure } from "./database.ts";
import { sqlDriver } from "./driver.ts";
import { migrate, type Schema } from "./migrate.ts";
import { clearOwner, readOwner, writeOwner } from "./owner.ts";

export interface OpenOptions {
  readonly path: string;
  readonly schema: Schema;
  /** `FULL` syncs each commit to the disk; `NORMAL` may lose the last commits at a power cut, never consistency. */
  readonly synchronous: "FULL" | "NORMAL";
  /** @default the first that this Node has */
  readonly driver?: SqlDriver["name"];
}

/** An open SQLite file that this process alone writes. */
export interface OwnedDatabase extends SqlDatabase {
  readonly path: string;
  /** Whether the process before us ended without closing the file. */
  readonly afterCrash: boolean;
}

const openHere = new Set<string>();

/**
 * Opens or creates a SQLite file for this process alone: WAL, locked by the kernel until the process ends,
 * checked when its last owner crashed, migrated to the newest schema.
 * @throws EngineError `unavailable` (another process has it: `holderPid`; the disk is full: `noSpaceFor`), `corrupt`, `schema-newer`
 */
export function openOwned(options: OpenOptions): OwnedDatabase {
  try {
    return openInFolder(options);
  } catch (error) {
    throw asEngineError(options.path, `open ${options.path}`, error);
  }
}

function openInFolder(options: OpenOptions): OwnedDatabase {
  const { path } = options;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const identity = join(realpathSync(dirname(path)), basename(path));
  if (openHere.has(identity)) throw taken(path, process.pid);
  const driver = sqlDriver(options.driver);
  if (checkFile(path) === "absent") create(driver, options);
  openHere.add(identity);
  try {
    return own(driver, options, () => openHere.delete(identity));
  } catch (error) {
    openHere.delete(identity);
    throw error;
  }
}

/** Turns a failed call of SQLite or of the system into the engine's words; other errors stay as they are. */
export function asEngineError(path: string, attempted: string, error: unknown): unknown {
  if (!(error instanceof SqlFailure)) return asSystemFailure(path, attempted, error);
  switch (error.sqlCode) {
    case sqlCode.corrupt:
    case sqlCode.notADatabase:
      return damaged(path, error.message, error);
    case sqlCode.busy:
    case sqlCode.locked:
      return taken(path, readOwner(path));
    case sqlCode.full:
      return noSpace(path, attempted, error);
    default:
      return new EngineError("unavailable", `Cannot ${attempted}: SQLite says "${error.message}" for ${path}`, {
        cause: error,
      });
  }
}

function asSystemFailure(path: string, attempted: string, error: unknown): unknown {
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return error;
  if (code === "ENOSPC" || code === "EDQUOT") return noSpace(path, attempted, error);
  const remedy = "check the file, its folder and their permissions";
  return new EngineError("unavailable", `Cannot ${attempted}: ${message}; ${remedy}`, { cause: error });
}

function noSpace(path: string, attempted: string, cause: unknown): EngineError {
  const text = `Cannot ${attempted}: no space left for ${path}; free some on that disk`;
  return new EngineError("unavailable", text, { noSpaceFor: path, cause });
}

function own(driver: SqlDriver, { path, schema, synchronous }: OpenOptions, released: () => void): OwnedDatabase {
  let database: SqlDatabase | undefined;
  try {
    database = driver.open(path);
    // EXCLUSIVE keeps the kernel's lock until close and needs no shared-memory file.
    database.exec("PRAGMA locking_mode = EXCLUSIVE");
    database.exec("PRAGMA journal_mode = WAL");
    // A quarter of the cache that SQLite takes by itself: our rows are small, and the kernel has the pages anyway.
    database.exec(
      `PRAGMA synchronous = ${synchronous}; PRAGMA cache_size = -512; PRAGMA journal_size_limit = 8388608; PRAGMA foreign_keys = ON`,
    );
    database.transaction(() => undefined);
    const afterCrash = readOwner(path) !== undefined;
    if (afterCrash) checkPages(database, path);
    migrate(database, path, schema);
    writeOwner(path);
    return { ...closing(database, path, released), path, afterCrash };
  } catch (error) {
    database?.close();
    throw error;
  }
}

function closing(database: SqlDatabase, path: string, released: () => void): SqlDatabase {
  let open = true;
  return {
    ...database,
    close() {
      if (!open) return;
      open = false;
      try {
        database.close();
        clearOwner(path);
      } finally {
        released();
      }
    },
  };
}

function checkPages(database: SqlDatabase, path: string): void {
  const finding = database.prepare("PRAGMA quick_check(1)").get<{ quick_check: string }>()?.quick_check;
  if (finding !== "ok") throw damaged(path, `SQLite's check says "${finding ?? "nothing"}"`);
}

// Made under another name and linked into place whole, so that a file of that name is never half made:
// an empty one can only be a damaged one.
function create(driver: SqlDriver, { path, schema }: OpenOptions): void {
  removeUnfinished(path);
  const unfinished = `${path}.${process.pid}.new`;
  const database = driver.open(unfinished);
  try {
    database.exec("PRAGMA auto_vacuum = INCREMENTAL");
    migrate(database, unfinished, schema);
  } finally {
    database.close();
  }
  syncFile(unfinished);
  try {
    linkSync(unfinished, path);
  } catch (error) {
    // Another process was faster: its file is as good, and its lock decides.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(unfinished, { force: true });
  }
  syncFile(dirname(path));
}

function removeUnfinished(path: string): void {
  for (const name of readdirSync(dirname(path))) {
    if (!name.startsWith(`${basename(path)}.`) || !/\.\d+\.new(?:-journal)?$/.test(name)) continue;
    const pid = Number(/\.(\d+)\.new/.exec(name)?.[1]);
    if (!isAlive(pid)) rmSync(join(dirname(path), name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  if (pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function syncFile(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function taken(path: string, notedPid: number | undefined): EngineError {
  // There may be no note yet, or still that of an owner who crashed, when the present one has just come.
  const holderPid = notedPid !== undefined && (notedPid === process.pid || isAlive(notedPid)) ? notedPid : null;
  const holder = holderPid === null ? "another process" : `process ${holderPid}`;
  return new EngineError(
    "unavailable",
    `Cannot open ${path}: ${holder} has it open; stop that daemon, or use another state directory`,
    { holderPid },
  );
}
