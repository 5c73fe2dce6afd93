// Run: npm run build, then `npx tsx examples/bank/main.ts` (Node 22.18 and later: `node`). Balances survive in ./bank-data.
import { ActorSystem, retry } from "@constellation/actors";
import { FileSnapshots } from "@constellation/actors/node";
import { openBank, type Receipt } from "./bank.ts";

const system = new ActorSystem({ name: "bank" });
const bank = openBank(system, new FileSnapshots("bank-data"));
const run = String(Date.now());
// An account that crashes before it answers leaves open whether it booked: to ask again by the same number is safe.
const pay = (): Promise<Receipt> => retry(system.host, () => bank.transfer(run, "ann", "bob", 25_00));
await bank.account("ann").ask((replyTo) => ({ type: "book", transfer: `${run} salary`, cents: 100_00, replyTo }));
console.log("ann pays bob:", await pay());
bank.account("bob").send({ type: "crash" });
console.log("ann pays bob again, by the same number:", await pay());
for (const id of ["ann", "bob"])
  console.log(id, await bank.account(id).ask<number>((replyTo) => ({ type: "balance", replyTo })));
await system.shutdown();
