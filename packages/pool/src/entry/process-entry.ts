import { readFileSync, readSync, writeSync } from "node:fs";
import { Socket, type ConnectOpts, type SocketConstructorOpts } from "node:net";
import { batchFrame, bytesFrame, FrameReader, mostUnsentBytes } from "../wire/frames.ts";
import { processDescriptors } from "../wire/descriptors.ts";
import { beginningsAt, isWithin } from "../wire/protocol.ts";
import { Runtime } from "./runtime.ts";

/** Chunks are read into one piece of memory. */
const readBuffer = Buffer.allocUnsafe(64 * 1024);

const options: SocketConstructorOpts & Pick<ConnectOpts, "onread"> = {
  fd: processDescriptors.channel,
  readable: true,
  writable: true,
  onread: {
    buffer: readBuffer,
    callback(length) {
      frames.push(readBuffer.subarray(0, length));
      return true;
    },
  },
};
const socket = new Socket(options);
const word = new Int32Array(1);

const runtime = new Runtime({
  post: (batch) => writeNow(batchFrame(batch)),
  postBytes: (bytes) => writeNow(bytesFrame(bytes)),
  // A file and not the socket: the kernel keeps what was written whatever kills us, and nobody has to read along.
  noteStarted: (id) => {
    word[0] = id;
    writeSync(processDescriptors.beginnings, word, 0, 4, beginningsAt.started * 4);
  },
  mayGoOn: (id) => {
    readSync(processDescriptors.beginnings, word, 0, 4, beginningsAt.limit * 4);
    return isWithin(word[0] as number, id);
  },
  isCongested: () => socket.writableLength > mostUnsentBytes,
  memoryBytes: privateBytes,
  // oxlint-disable-next-line node/no-process-exit -- the end of a worker is the end of its process
  end: () => socket.end(() => process.exit(0)),
});
// What was done before somebody called `process.exit` is still told.
process.on("exit", runtime.flush);
const frames = new FrameReader(runtime.receive, runtime.receiveBytes, true);

socket.resume();
// Whoever started us is gone, or has closed our channel: there is nobody left to work for.
// oxlint-disable-next-line node/no-process-exit -- the end of a worker is the end of its process
const orphaned = (): void => process.exit(0);
socket.on("end", orphaned);
socket.on("error", orphaned);

/** Writes without the ways of a stream, which cost as much as the task; what does not fit at once goes those ways. */
function writeNow(frame: Buffer): void {
  let written = 0;
  if (socket.writableLength === 0) {
    try {
      written = writeSync(processDescriptors.channel, frame);
    } catch {
      // Full, or nobody is there any more: the socket waits, or says so.
    }
  }
  if (written < frame.length) socket.write(written === 0 ? frame : frame.subarray(written));
}

/** Pages that no other process shares; where the kernel does not tell, all resident ones. */
function privateBytes(): number {
  try {
    const table = readFileSync("/proc/self/smaps_rollup", "utf8");
    const kilobytes = [...table.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gm)].map((row) => Number(row[1]));
    if (kilobytes.length === 2) return kilobytes.reduce((sum, each) => sum + each) * 1024;
  } catch {
    // No Linux, or no right: the next best measure follows.
  }
  return process.memoryUsage.rss();
}
