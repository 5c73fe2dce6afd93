import type { Socket } from "node:net";

/** Hands a connection's lines over one by one; a line longer than `mostBytes` ends the connection. */
export function onLines(socket: Socket, mostBytes: number, take: (line: string) => void): void {
  let rest = "";
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > mostBytes) {
      rest = "";
      socket.destroy();
      return;
    }
    for (const line of lines) if (line !== "" && !socket.destroyed) take(line);
  });
}
