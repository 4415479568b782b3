/** This server's events before they are built: their signer and their position in the graph. */
import type { EventDraft } from "../../protocol/events/build-event.ts";
import type { SigningKey } from "../../protocol/crypto.ts";
import { referenceHash } from "../../protocol/events/event.ts";
import type { ServerName, UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { Endorse } from "./policy-server.ts";
import type { Room, StoredEvent } from "../api/index.ts";

/** The server that signs local events, and its clock. */
export interface Identity {
  readonly serverName: ServerName;
  readonly signingKey: SigningKey;
  /** ms since 1970. */
  now(): number;
  /**
   * Gets the signature of the room's policy server for an event; absent where other servers cannot
   * be asked.
   */
  readonly endorse?: Endorse | undefined;
}

/** A local event without prev and auth events. */
export interface LocalDraft {
  readonly type: string;
  readonly stateKey?: string | undefined;
  readonly sender: UserId;
  readonly content: JsonObject;
  readonly redacts?: string | undefined;
  readonly originServerTs?: number | undefined;
  /** For how many ms it is sticky (MSC4354). */
  readonly stickyMs?: number | undefined;
}

/** The position at which a new event is added. */
export interface Place {
  readonly room: Room;
  readonly prev: readonly StoredEvent[];
  /** The greatest depth of the forward extremities. */
  readonly depth: number;
  readonly authEvents: readonly StoredEvent[];
}

/** The draft with its prev and auth events. `now` is ms since 1970. */
export function draftAt(place: Place, draft: LocalDraft, now: number): EventDraft {
  const { room, prev, authEvents } = place;
  return {
    roomId: room.roomId,
    type: draft.type,
    ...(draft.stateKey === undefined ? {} : { stateKey: draft.stateKey }),
    sender: draft.sender,
    content: draft.content,
    depth: Math.min(place.depth + 1, Number.MAX_SAFE_INTEGER),
    originServerTs: draft.originServerTs ?? now,
    prevEventIds: prev.map((event) => event.event.eventId),
    authEventIds: authEvents.map((event) => event.event.eventId),
    ...(draft.redacts === undefined ? {} : { redacts: draft.redacts }),
    ...(draft.stickyMs === undefined ? {} : { stickyMs: draft.stickyMs }),
    ...(room.version.referencesArePairs ? { referenceHashes: hashesOf(prev, authEvents) } : {}),
  };
}

function hashesOf(
  prev: readonly StoredEvent[],
  auth: readonly StoredEvent[],
): ReadonlyMap<string, string> {
  const hashes = new Map<string, string>();
  for (const { event } of [...prev, ...auth]) hashes.set(event.eventId, referenceHash(event));
  return hashes;
}
