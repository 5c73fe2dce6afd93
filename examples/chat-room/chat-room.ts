// A chat: every room is an actor under a dynamic supervisor, members are a process group, and a room that crashes
// comes back while the others go on.
import {
  actor,
  supervise,
  supervisor,
  type ActorRef,
  type ActorSystem,
  type Context,
  type DynamicSupervisor,
  type ReplyTo,
} from "@constellation/actors";

/** What a member of a room hears. */
export interface Said {
  readonly room: string;
  readonly from: string;
  readonly text: string;
}

export type RoomMessage =
  | { readonly type: "join"; readonly member: ActorRef<Said> }
  | { readonly type: "say"; readonly from: string; readonly text: string }
  | { readonly type: "history"; readonly replyTo: ReplyTo<readonly Said[]> };

const remembered = 100;

const room = actor({
  kind: "room",
  onStart(name: string, context: Context<RoomMessage>) {
    context.system.registry.register(`room ${name}`, context.self);
    return { name, history: [] as Said[] };
  },
  receive(state, message: RoomMessage, context) {
    const { groups } = context.system;
    switch (message.type) {
      case "join":
        // The group outlives the room: members stay when a room is restarted.
        groups.join(`members of ${state.name}`, message.member);
        return;
      case "say": {
        if (message.text === "/crash") throw new Error(`${message.from} crashed the room ${state.name}`);
        const said: Said = { room: state.name, from: message.from, text: message.text };
        state.history.push(said);
        if (state.history.length > remembered) state.history.shift();
        groups.broadcast(`members of ${state.name}`, said);
        return;
      }
      case "history":
        message.replyTo.send([...state.history]);
    }
  },
});

/** All rooms of a system. */
export interface Chat {
  open(name: string): Promise<ActorRef<RoomMessage>>;
  stop(): Promise<void>;
}

/** Starts the chat. A room keeps its address when it is restarted: it is found by name. */
export async function startChat(system: ActorSystem): Promise<Chat> {
  const rooms: DynamicSupervisor<RoomMessage, string> = await supervise(
    system,
    supervisor({
      kind: "chat",
      strategy: "simple_one_for_one",
      intensity: { restarts: 10, periodMs: 1000 },
      child: { start: room },
    }),
  );
  return {
    async open(name) {
      if (system.registry.whereIs(`room ${name}`) === undefined) await rooms.startChild(name);
      return system.named<RoomMessage>(`room ${name}`);
    },
    stop: async () => void (await rooms.stop()),
  };
}
