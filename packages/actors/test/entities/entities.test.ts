import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Entities, MemorySnapshots, type ReplyTo, type Snapshots } from "@constellation/actors";
import { FileSnapshots } from "@constellation/actors/node";
import { closeManual, manualSystem } from "../fixtures/quiet-system.ts";

type CartMessage =
  | { readonly type: "add"; readonly item: string }
  | { readonly type: "list"; readonly replyTo: ReplyTo<readonly string[]> }
  | { readonly type: "clear" }
  | { readonly type: "later"; readonly item: string }
  | { readonly type: "crash" };

interface Cart {
  readonly items: string[];
}

function carts(snapshots: Snapshots, waiting?: number) {
  const { system, host } = manualSystem({ logDeadLetters: false });
  const entities = new Entities(system, { snapshots, ...(waiting === undefined ? {} : { waiting }) });
  const cart = entities.define<CartMessage, Cart>("cart", {
    create: (id) => ({ items: [`for ${id}`] }),
    async receive(state, message, context) {
      switch (message.type) {
        case "add":
          state.items.push(message.item);
          await context.save();
          return;
        case "list":
          message.replyTo.send([...state.items]);
          return;
        case "clear":
          return { items: [] };
        case "later":
          context.actor.sendAfter(5, { type: "add", item: message.item });
          return;
        case "crash":
          state.items.push("half done");
          throw new Error("told to crash");
      }
    },
    passivateAfterMs: 1000,
    mailbox: { capacity: 50 },
  });
  const list = async (id: string): Promise<readonly string[]> => {
    const answer = cart(id).ask<readonly string[]>((replyTo) => ({ type: "list", replyTo }));
    await host.settle();
    return answer;
  };
  return { system, host, entities, cart, list };
}

let folder = "";
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "snapshots-"))));
afterEach(() => rmSync(folder, { recursive: true }));

describe("an entity of a system that has ended", () => {
  it("does not wake: its messages are dead letters and its asks are told", async () => {
    const { system, host, cart, list } = carts(new MemorySnapshots());
    expect(await list("a")).toEqual(["for a"]);
    await closeManual(system, host);
    expect(cart("a").send({ type: "clear" })).toBe("dead");
    expect(await cart("a").offer({ type: "clear" })).toBe("dead");
    const answer = cart("b").ask<unknown>((replyTo) => ({ type: "list", replyTo }));
    await expect(answer).rejects.toMatchObject({ code: "dead" });
    expect(system.deadLetters.counts.dead).toBe(3);
  });
});

describe("an entity", () => {
  it("wakes with its first message, sleeps when idle, and wakes again as it was", async () => {
    const { system, host, entities, cart, list } = carts(new MemorySnapshots());
    expect(entities.awake).toBe(0);
    expect(cart("1").id).toBe(0);
    cart("1").send({ type: "add", item: "book" });
    expect(await list("1")).toEqual(["for 1", "book"]);
    expect(await list("2")).toEqual(["for 2"]);
    cart("2").send({ type: "clear" });
    cart("2").send({ type: "later", item: "pen" });
    await host.advance(10);
    expect(entities.awake).toBe(2);
    expect(cart("1").id).toBe(cart("1").id);
    await host.advance(2000);
    expect(entities.awake).toBe(0);
    expect(await list("1")).toEqual(["for 1", "book"]);
    expect(await list("2")).toEqual(["pen"]);
    expect(`${String(cart("1"))} ${JSON.stringify([cart("2")])}`).toBe('local/cart/1 ["local/cart/2"]');
    await closeManual(system, host);
  });

  it("falls back to what it saved when it crashes, and messages that wait wake it", async () => {
    const { system, host, cart, list } = carts(new MemorySnapshots());
    cart("1").send({ type: "add", item: "book" });
    await host.settle();
    cart("1").send({ type: "crash" });
    await host.settle();
    expect(await list("1")).toEqual(["for 1", "book"]);
    await closeManual(system, host);
  });

  it("gets messages that come while it goes to sleep after it has woken again, up to a bound", async () => {
    let release: () => void = () => {};
    const memory = new MemorySnapshots();
    const slow: Snapshots = {
      load: (kind, id) => memory.load(kind, id),
      save: async (kind, id, state) => {
        await new Promise<void>((resolve) => (release = resolve));
        await memory.save(kind, id, state);
      },
      remove: (kind, id) => memory.remove(kind, id),
    };
    const { system, host, cart, entities } = carts(slow, 2);
    const first = cart("1").ask<readonly string[]>((replyTo) => ({ type: "list", replyTo }));
    await host.settle();
    await first;
    await host.advance(1000);
    expect(entities.awake).toBe(1);
    const waiting = cart("1").ask<readonly string[]>((replyTo) => ({ type: "list", replyTo }));
    expect(await cart("1").offer({ type: "clear" })).toBe("queued");
    expect(cart("1").send({ type: "clear" })).toBe("rejected");
    await expect(cart("1").ask<readonly string[]>((replyTo) => ({ type: "list", replyTo }))).rejects.toMatchObject({
      code: "rejected",
    });
    release();
    await host.settle();
    expect(await waiting).toEqual(["for 1"]);
    expect(await cart("1").offer({ type: "clear" })).toBe("queued");
    await host.advance(1000);
    release();
    await closeManual(system, host);
  });

  it("takes no more of them than its mailbox will have room for", async () => {
    let release: () => void = () => {};
    const memory = new MemorySnapshots();
    const { system, host, cart, list } = carts({
      load: (kind, id) => memory.load(kind, id),
      save: () => new Promise<void>((resolve) => (release = resolve)),
      remove: (kind, id) => memory.remove(kind, id),
    });
    cart("1").send({ type: "clear" });
    await host.settle();
    await host.advance(1000);
    const outcomes = Array.from({ length: 60 }, () => cart("1").send({ type: "later", item: "book" }));
    const queued = outcomes.filter((outcome) => outcome === "queued").length;
    release();
    await host.settle();
    expect(queued).toBe(50);
    expect(system.deadLetters.counts).toMatchObject({ rejected: 10, dead: 0 });
    expect(await list("1")).toEqual(["for 1"]);
    system.kill(cart("1"));
    await closeManual(system, host);
  });

  it("needs a kind that is defined, once", () => {
    const { entities } = carts(new MemorySnapshots());
    expect(() => entities.entity("basket", "1")).toThrow("wanted one of cart");
    expect(() => entities.define("cart", { create: () => ({}), receive: () => undefined })).toThrow("defined already");
    expect(() => new Entities(manualSystem().system, { snapshots: new MemorySnapshots() }).entity("x", "1")).toThrow(
      "none defined",
    );
  });
});

describe.each<[string, () => Snapshots]>([
  ["memory", () => new MemorySnapshots()],
  ["files", () => new FileSnapshots(join(folder, "below"))],
])("snapshots in %s", (_name, make) => {
  it("load what was saved last, as a copy, and nothing else", async () => {
    const snapshots = make();
    expect(await snapshots.load("kind", "id")).toBeUndefined();
    expect(await snapshots.remove("kind", "id")).toBe(false);
    const state = { map: new Map([["a", 1]]), when: new Date(5), list: [1n] };
    const long = "ü".repeat(500);
    for (const id of ["id", "../evil", "a/b", "A", "a", "", "ü".repeat(20), long]) {
      await snapshots.save("kind", id, state);
      state.map.set("a", 2);
      expect(await snapshots.load("kind", id)).toEqual({ ...state, map: new Map([["a", 1]]) });
      state.map.set("a", 1);
    }
    await snapshots.save("kind", "id", "second");
    await snapshots.save("kind2", "id", "other");
    await snapshots.save(long, `${long}1`, "one");
    await snapshots.save(long, `${long}2`, "two");
    expect([await snapshots.load(long, `${long}1`), await snapshots.load(long, `${long}2`)]).toEqual(["one", "two"]);
    expect(await snapshots.load("kind", "id")).toBe("second");
    expect(await snapshots.load("kind2", "id")).toBe("other");
    expect(await snapshots.remove("kind", "id")).toBe(true);
    expect(await snapshots.load("kind", "id")).toBeUndefined();
  });
});

describe("file snapshots", () => {
  it("keep the state of the last call, however many are under way", async () => {
    const snapshots = new FileSnapshots(folder);
    const state = { turn: 0 };
    const saves: Promise<unknown>[] = [];
    for (let turn = 1; turn <= 20; turn += 1) {
      state.turn = turn;
      saves.push(snapshots.save("k", "id", state));
      if (turn % 5 === 0) saves.push(snapshots.remove("k", "id"), snapshots.save("k", "id", state));
    }
    state.turn = 99;
    await Promise.all(saves);
    expect(await snapshots.load("k", "id")).toEqual({ turn: 20 });
    expect(readdirSync(join(folder, readdirSync(folder)[0] ?? ""))).toHaveLength(1);
  });

  it("leave no half-written file, and say what they could not read or write", async () => {
    const snapshots = new FileSnapshots(folder);
    await snapshots.save("k", "id", { fine: true });
    await expect(snapshots.save("k", "id", () => 1)).rejects.toThrow("Cannot save snapshot k/id");
    const [kind = ""] = readdirSync(folder);
    const files = readdirSync(join(folder, kind));
    expect(files).toHaveLength(1);
    expect(await snapshots.load("k", "id")).toEqual({ fine: true });
    writeFileSync(join(folder, kind, files[0] ?? ""), "garbage");
    await expect(snapshots.load("k", "id")).rejects.toThrow("Cannot load snapshot k/id");
    writeFileSync(join(folder, "file"), "");
    const blocked = new FileSnapshots(join(folder, "file"));
    await expect(blocked.save("k", "id", 1)).rejects.toThrow();
    await expect(blocked.remove("k", "id")).rejects.toThrow("ENOTDIR");
  });
});
