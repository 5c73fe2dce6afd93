// Run: npm run build, then `npx tsx examples/echo-server/main.ts` (Node 22.18 and later: `node`); then `nc 127.0.0.1 7007`.
import { ActorSystem, tree } from "@constellation/actors";
import { startEchoServer } from "./echo-server.ts";

const system = new ActorSystem({ name: "echo" });
const { port } = await startEchoServer(system, Number(process.env["PORT"] ?? 7007));
console.log(`echoing on 127.0.0.1:${port}; a line "crash" crashes its connection`);
const ticker = setInterval(() => console.log(tree(system, 5)), 5000);
process.once("SIGINT", () => {
  clearInterval(ticker);
  void system.shutdown();
});
