// Run: npm run build, then `npx tsx examples/chat-room/main.ts` (Node 22.18 and later: `node`).
import { actor, ActorSystem, tree } from "@constellation/actors";
import { startChat, type Said } from "./chat-room.ts";

const system = new ActorSystem({ name: "chat" });
const chat = await startChat(system);
const member = (name: string) =>
  system.spawn(
    actor({
      kind: name,
      receive: (_state, { room, from, text }: Said) => console.log(`${name} hears in ${room}: ${from}: ${text}`),
    }),
  );
const kitchen = await chat.open("kitchen");
for (const name of ["ann", "bob"]) kitchen.send({ type: "join", member: member(name) });
kitchen.send({ type: "say", from: "ann", text: "hello" });
kitchen.send({ type: "say", from: "bob", text: "/crash" });
await new Promise((resolve) => setTimeout(resolve, 10));
kitchen.send({ type: "say", from: "ann", text: "still here?" });
await new Promise((resolve) => setTimeout(resolve, 10));
console.log(tree(system));
await system.shutdown();
