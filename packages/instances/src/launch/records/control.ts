import { closeSync, constants, openSync, writeSync } from "node:fs";
import { signalProcess } from "@constellation/host";
import { errnoOf } from "./file-error.ts";
import { identityOf, readPidFile } from "./pid-file.ts";

/** Whether the instance's supervisor took the command; "gone" means that it no longer exists. */
export type ControlOutcome = "sent" | "gone";

/** Sends a signal to the main process. No process number is involved, so it cannot hit a stranger. */
export function signalInstance(instanceDir: string, signal: number): ControlOutcome {
  return heard(instanceDir, command(instanceDir, `T${signal}\n`));
}

/** Kills every process of the instance. */
export function killInstance(instanceDir: string): ControlOutcome {
  return heard(instanceDir, command(instanceDir, "K\n"));
}

/** Tells a waiting slot to run the plan in its `assign` file. */
export function assignSlot(instanceDir: string): ControlOutcome {
  return command(instanceDir, `A${process.pid}\n`);
}

/** Wakes a program up that waits, on another processor than ours: it is about to be told what to run. */
export function rouseProgram(instanceDir: string): ControlOutcome {
  return command(instanceDir, `R${process.pid}\n`);
}

/** Whether a supervisor lives in this instance folder. Exact: the kernel lets nobody write to a FIFO without reader. */
export function isSupervised(instanceDir: string): boolean {
  return command(instanceDir, "") === "sent";
}

/** A supervisor that somebody stopped (SIGSTOP) hears nothing before it goes on; for any other that means nothing. */
function heard(instanceDir: string, outcome: ControlOutcome): ControlOutcome {
  const supervisor = outcome === "sent" ? readPidFile(instanceDir)?.supervisor : undefined;
  if (supervisor !== undefined) signalProcess(identityOf(supervisor), "SIGCONT");
  return outcome;
}

function command(instanceDir: string, text: string): ControlOutcome {
  let fd: number;
  try {
    fd = openSync(`${instanceDir}/control`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    const code = errnoOf(error);
    if (code === "ENXIO" || code === "ENOENT") return "gone";
    throw error;
  }
  try {
    if (text !== "") writeSync(fd, text);
    return "sent";
  } catch (error) {
    if (errnoOf(error) === "EPIPE") return "gone";
    throw error;
  } finally {
    closeSync(fd);
  }
}
