import { text, type MatrixEvent } from "../api/types.ts";
import type { Room } from "../store/room.ts";
import { decryptionOf, withDecryption } from "./decryption.ts";
import type { ReadResult, WireEvent } from "./protocol.ts";

/** Events that are given to the engine at a time. */
const BATCH = 50;

/** The event as its server holds it. */
function wireOf(event: MatrixEvent): MatrixEvent {
  const known = decryptionOf(event);
  return known?.state === "readable" ? known.wire : event;
}

export function toWire(roomId: string, event: MatrixEvent): WireEvent {
  const { event_id, type, sender, origin_server_ts, content, unsigned } = wireOf(event);
  const membership = text(unsigned, "membership");
  return {
    roomId,
    eventId: event_id,
    sessionId: text(content, "session_id"),
    json: JSON.stringify({ event_id, type, sender, origin_server_ts, content, room_id: roomId }),
    ts: origin_server_ts,
    isBeforeJoin: membership !== undefined && membership !== "join" && membership !== "invite",
  };
}

/**
 * Types that must come open: servers act on them, and state has no meaning in a message. Who could send them encrypted
 * would be believed what their power does not allow.
 */
function isForbidden(type: string): boolean {
  return type.startsWith("m.room.") && type !== "m.room.message";
}

function apply(event: MatrixEvent, result: ReadResult): MatrixEvent {
  const wire = wireOf(event);
  if (result.state === "unreadable") return withDecryption(wire, result);
  const { type, content, shield } = result;
  if (isForbidden(type)) {
    return withDecryption(wire, { state: "unreadable", why: "malformed", sessionId: undefined });
  }
  const clear: MatrixEvent = { ...wire, type, content };
  return withDecryption(clear, { state: "readable", wire, shield });
}

const isEncrypted = (event: MatrixEvent | undefined): event is MatrixEvent =>
  event?.type === "m.room.encrypted" &&
  event.state_key === undefined &&
  event.unsigned?.redacted_because === undefined;

/** The edit that a server put beside an event. */
const editIn = (event: MatrixEvent): MatrixEvent | undefined =>
  event.unsigned?.["m.relations"]?.["m.replace"];

/** The newest answer that a server put beside the event which began a thread. */
const latestIn = (event: MatrixEvent): MatrixEvent | undefined =>
  event.unsigned?.["m.relations"]?.["m.thread"]?.latest_event;

type Relations = NonNullable<NonNullable<MatrixEvent["unsigned"]>["m.relations"]>;

/** An event with what was read of those beside it. */
function withBeside(
  event: MatrixEvent,
  edit: MatrixEvent | undefined,
  latest: MatrixEvent | undefined,
): MatrixEvent {
  if (edit === undefined && latest === undefined) return event;
  const relations: Relations = { ...event.unsigned?.["m.relations"] };
  if (edit !== undefined) relations["m.replace"] = edit;
  const thread = relations["m.thread"];
  if (latest !== undefined && thread !== undefined) {
    relations["m.thread"] = { ...thread, latest_event: latest };
  }
  return { ...event, unsigned: { ...event.unsigned, "m.relations": relations } };
}

/** Reads events of rooms through the engine, and once more when their keys come. */
export function createReader(read: (events: WireEvent[]) => Promise<ReadResult[]>) {
  async function readAll(roomId: string, events: readonly MatrixEvent[]): Promise<MatrixEvent[]> {
    const results: MatrixEvent[] = [];
    for (let at = 0; at < events.length; at += BATCH) {
      const part = events.slice(at, at + BATCH);
      const answers = await read(part.map((event) => toWire(roomId, event)));
      results.push(...part.map((event, index) => apply(event, answers[index]!)));
    }
    return results;
  }

  /** The same events, those that came encrypted as far as they can be read. */
  async function events(roomId: string, all: readonly MatrixEvent[]): Promise<MatrixEvent[]> {
    const beside = [...all.map(editIn), ...all.map(latestIn)].filter(isEncrypted);
    const wanted = [...all.filter(isEncrypted), ...beside];
    if (wanted.length === 0) return [...all];
    const found = await readAll(roomId, wanted);
    const clear = new Map(found.map((event, at) => [wanted[at], event]));
    return all.map((event) => {
      const own = clear.get(event) ?? event;
      return withBeside(own, clear.get(editIn(event)), clear.get(latestIn(event)));
    });
  }

  return {
    events,

    /**
     * Reads what is loaded of a room and could not be read before: all of it, or what was encrypted with one of these
     * keys. Answers the events that can be read now.
     */
    async heal(room: Room, sessions?: ReadonlySet<string>): Promise<MatrixEvent[]> {
      const wanted = room.timeline.entries
        .map(({ event }) => event)
        .filter((event) => {
          if (![event, editIn(event), latestIn(event)].some(isEncrypted)) return false;
          const session = text(wireOf(event).content, "session_id");
          return sessions === undefined || !isEncrypted(event) || sessions.has(session ?? "");
        });
      if (wanted.length === 0) return [];
      const found = await events(room.roomId, wanted);
      const healed = found.filter((event) => room.timeline.decrypted(event));
      if (healed.length > 0) room.changed("$timeline");
      return healed.filter((event) => decryptionOf(event)?.state === "readable");
    },
  };
}

export type Reader = ReturnType<typeof createReader>;
