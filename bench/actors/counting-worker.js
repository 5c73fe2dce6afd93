// The worker thread of the transport benchmark.
import { actor } from "@constellation/actors";
import { serve } from "@constellation/actors/node";

const counter = actor({
  mailbox: { capacity: "unbounded" },
  onStart: () => ({ count: 0 }),
  receive(state, message) {
    if (typeof message === "number") state.count += 1;
    else message.send(state.count);
  },
});

serve({ counter });
