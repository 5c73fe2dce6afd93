// Run: npm run build, then `npx tsx examples/bank/main.ts` (Node 22.18 and later: `node`). Balances survive in ./bank-data.
import { ActorSystem } from "@constellation/actors";
import { FileSnapshots } from "@constellation/actors/node";
import { openBank } from "./bank.ts";

const system = new ActorSystem({ name: "bank" });
const bank = openBank(system, new FileSnapshots("bank-data"));
const run = String(Date.now());
await bank.account("ann").ask((replyTo) => ({ type: "book", transfer: `${run} salary`, cents: 100_00, replyTo }));
console.log("ann pays bob:", await bank.transfer(run, "ann", "bob", 25_00));
bank.account("bob").send({ type: "crash" });
console.log("ann pays bob again, by the same number:", await bank.transfer(run, "ann", "bob", 25_00));
for (const id of ["ann", "bob"])
  console.log(id, await bank.account(id).ask<number>((replyTo) => ({ type: "balance", replyTo })));
await system.shutdown();
