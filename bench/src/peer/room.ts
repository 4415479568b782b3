import type { ServerResponse } from "node:http";
import { type PeerKey, type SealedEvent, type ValueObject, seal } from "./events.ts";
import type { Answers } from "./peer.ts";

/** A public room that exists at the peer alone, as the state that who joins it is told; make_join and send_join. */
export interface PeerRoom extends Answers {
  readonly roomId: string;
  readonly version: string;
  /** Auth events before those that name them. */
  readonly state: readonly SealedEvent[];
}

const VERSION = "11";
const EVENTS_AT_ONCE = 500;

/** Signs a room with so many members and further state events. */
export function makeRoom(
  serverName: string,
  key: PeerKey,
  counts: { readonly members: number; readonly stateEvents: number },
): PeerRoom {
  const owner = `@owner:${serverName}`;
  const roomId = `!big${Date.now()}:${serverName}`;
  const state: SealedEvent[] = [];

  function add(type: string, key_: string, sender: string, content: ValueObject, auth: string[]) {
    const event = seal(
      {
        ...{ type, state_key: key_, room_id: roomId, sender, content },
        depth: state.length + 1,
        origin_server_ts: Date.now(),
        prev_events: state.slice(-1).map(({ id }) => id),
        auth_events: auth,
      },
      serverName,
      key,
    );
    state.push(event);
    return event.id;
  }

  const create = add("m.room.create", "", owner, { room_version: VERSION }, []);
  const joined = add("m.room.member", owner, owner, { membership: "join" }, [create]);
  const levels = add("m.room.power_levels", "", owner, { users: { [owner]: 100 } }, [
    create,
    joined,
  ]);
  const byOwner = [create, levels, joined];
  const rules = add("m.room.join_rules", "", owner, { join_rule: "public" }, byOwner);
  add("m.room.name", "", owner, { name: "Big" }, byOwner);
  for (let number = 0; number < counts.stateEvents; number++) {
    const content = { number, text: "x".repeat(100) };
    add("org.example.bench", String(number), owner, content, byOwner);
  }
  const byRules = [create, levels, rules];
  for (let number = 1; number < counts.members; number++) {
    const user = `@member-${number}:${serverName}`;
    const content = { membership: "join", displayname: `Member ${number}` };
    add("m.room.member", user, user, content, byRules);
  }
  const last = state.at(-1)!;
  return {
    roomId,
    version: VERSION,
    state,
    answer(request, response) {
      const [, , , version, call, room, user] = (request.url ?? "").split(/[/?]/);
      if (room === undefined || decodeURIComponent(room) !== roomId) return false;
      if (call === "make_join" && version === "v1") {
        const sender = decodeURIComponent(user ?? "");
        const event = {
          ...{ type: "m.room.member", state_key: sender, sender, room_id: roomId },
          content: { membership: "join" },
          depth: state.length + 1,
          origin_server_ts: Date.now(),
          prev_events: [last.id],
          auth_events: byRules,
        };
        response.writeHead(200, JSON_TYPE).end(JSON.stringify({ room_version: VERSION, event }));
        return true;
      }
      if (call !== "send_join" || version !== "v2") return false;
      void tell(response, serverName, state, new Set([...byRules, joined]));
      return true;
    },
  };
}

const JSON_TYPE = { "content-type": "application/json" };

/** The whole state, a piece at a time. */
async function tell(
  response: ServerResponse,
  origin: string,
  state: readonly SealedEvent[],
  chain: ReadonlySet<string>,
): Promise<void> {
  const texts = (events: readonly SealedEvent[]) =>
    events.map(({ pdu }) => JSON.stringify(pdu)).join(",");
  const authChain = texts(state.slice(0, 10).filter(({ id }) => chain.has(id)));
  response.writeHead(200, JSON_TYPE);
  response.write(`{"origin":"${origin}","auth_chain":[${authChain}],"state":[`);
  for (let at = 0; at < state.length; at += EVENTS_AT_ONCE) {
    const text = `${at === 0 ? "" : ","}${texts(state.slice(at, at + EVENTS_AT_ONCE))}`;
    if (!response.write(text)) await new Promise((resolve) => response.once("drain", resolve));
  }
  response.end("]}");
}
