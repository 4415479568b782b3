import { isRoomId, isServerName, isUserId, type RoomId, type ServerName } from "../identifiers.ts";
import { compareCodePoints, isJsonObject, type JsonObject, jsonText } from "../json.ts";

/** What orders the children of a space, and tells one from another. */
export interface ChildKey {
  /** Undefined: the event has none that is valid. */
  readonly order?: string | undefined;
  /** ms since 1970, of the event. */
  readonly ts: number;
  readonly roomId: RoomId;
}

/** A room that belongs to a space. */
export interface SpaceChild extends ChildKey {
  /** Servers through which it can be found: at least one. */
  readonly via: readonly ServerName[];
  readonly suggested: boolean;
  readonly content: JsonObject;
  readonly sender: string;
}

/** More servers are not asked, and not told. */
const MAX_VIA = 20;
/** Content of more characters is told in so far as it is known what it means. */
const MAX_CONTENT = 2048;
/** Printable ASCII, of 50 characters at most. */
const ORDER = /^[\x20-\x7E]{0,50}$/;

/**
 * The child that an `m.space.child` event names. Undefined for an event that names none: its state
 * key is no room, or `via` names no server. (Client-server API, "m.space.child".)
 */
export function spaceChild(event: {
  readonly stateKey: unknown;
  readonly originServerTs: number;
  readonly sender: string;
  readonly content: JsonObject;
}): SpaceChild | undefined {
  const { stateKey, originServerTs: ts, sender, content } = event;
  if (!isRoomId(stateKey) || !Array.isArray(content.via)) return undefined;
  const via = content.via.slice(0, MAX_VIA).filter(isServerName);
  if (via.length === 0) return undefined;
  const order =
    typeof content.order === "string" && ORDER.test(content.order) ? content.order : undefined;
  const suggested = content.suggested === true;
  const child = { roomId: stateKey, ts, order, via, suggested, sender };
  const isLong = jsonText(content).length > MAX_CONTENT;
  return { ...child, content: isLong ? knownContent(child) : content };
}

/**
 * The order of siblings: those with a valid `order` first, by it; then by the time of their event;
 * then by room id, code point by code point. (Client-server API, "Ordering of children within a
 * space".)
 */
export function compareChildren(a: ChildKey, b: ChildKey): number {
  if (a.order !== b.order) {
    if (a.order === undefined) return 1;
    if (b.order === undefined) return -1;
    return a.order < b.order ? -1 : 1;
  }
  return a.ts - b.ts || compareCodePoints(a.roomId, b.roomId);
}

/** A child as answers show it: stripped state with the time of the event. */
export function childState(child: SpaceChild): JsonObject {
  const { content, sender, roomId, ts } = child;
  return {
    type: "m.space.child",
    state_key: roomId,
    content,
    sender,
    origin_server_ts: ts,
  };
}

/**
 * The child in such an answer of another server, with what is known of its content alone; undefined
 * for what is none.
 */
export function toldChild(told: unknown): SpaceChild | undefined {
  if (!isJsonObject(told) || told.type !== "m.space.child") return undefined;
  const { state_key: stateKey, content, sender, origin_server_ts: ts } = told;
  if (!isJsonObject(content) || !isUserId(sender) || !Number.isSafeInteger(ts)) return undefined;
  const child = spaceChild({ stateKey, originServerTs: ts as number, sender, content });
  return child && { ...child, content: knownContent(child) };
}

function knownContent({ via, order, suggested }: Omit<SpaceChild, "content">): JsonObject {
  return { via: [...via], ...(order !== undefined && { order }), ...(suggested && { suggested }) };
}
