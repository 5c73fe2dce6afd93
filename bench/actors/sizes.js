// Sizes of the cases, the same for every runtime; savina.erl is given them on its command line.
// A sender of many messages gives way after `turn` of them, by a message to itself, as Erlang's scheduler makes a
// process do.
export const turn = 100;

export const sizes = {
  pingPong: { messages: 2_000_000 },
  counting: { messages: 1_000_000 },
  forkJoinCreate: { actors: 200_000 },
  forkJoinThroughput: { actors: 60, messages: 20_000 },
  threadRing: { actors: 100, hops: 2_000_000 },
  chameneos: { creatures: 100, meetings: 300_000 },
  big: { actors: 120, pings: 5_000 },
  dictionary: { workers: 20, requests: 20_000, writePercent: 10 },
  boundedBuffer: { capacity: 50, producers: 40, consumers: 40, items: 5_000 },
  philosophers: { philosophers: 20, rounds: 10_000 },
  barber: { haircuts: 50_000, room: 100, customers: 110 },
  smokers: { smokers: 200, rounds: 200_000 },
  bank: { accounts: 1_000, transactions: 50_000 },
};
