import {
  eventIdOf,
  redact,
  referenceTo,
  referredIds,
  roomIdOf,
  serverOf,
  signEvent,
} from "./events.ts";
import type { Pdu } from "./events.ts";
import type { Json, JsonObject } from "./json.ts";
import { roomVersion } from "./room-versions.ts";
import type { RoomVersion } from "./room-versions.ts";
import type { SigningKey } from "./signing.ts";

/** Event ids by type and state key. */
export type RoomState = ReadonlyMap<string, string>;

export interface Signer {
  readonly serverName: string;
  readonly key: SigningKey;
}

/** What an event is made of. Whatever is left out follows from the room as this peer sees it. */
export interface Draft {
  readonly type: string;
  readonly sender: string;
  readonly stateKey?: string;
  readonly content: JsonObject;
  /** The events before it: the room's newest by default. */
  readonly after?: readonly string[];
  readonly authEvents?: readonly string[];
  readonly depth?: number;
  readonly timestamp?: number;
  /** Further or other top-level members. */
  readonly more?: JsonObject;
}

/**
 * A room as a peer knows it: a graph of events and the state after each. It resolves no conflicts: state after
 * a merge is that of the first event before it, with what only the others have. It authorises nothing, so
 * that tests can build what a good server would not.
 */
export class PeerRoom {
  readonly version: RoomVersion;
  readonly signer: Signer;
  roomId = "";
  readonly events = new Map<string, Pdu>();
  readonly statesAfter = new Map<string, RoomState>();
  newest: string[] = [];
  /** Aliases under which this peer's directory knows it. */
  readonly aliases: string[] = [];

  constructor(version: string, signer: Signer) {
    this.version = roomVersion(version);
    this.signer = signer;
  }

  get state(): RoomState {
    return this.stateBefore(this.newest);
  }

  event(eventId: string): Pdu {
    const found = this.events.get(eventId);
    if (found === undefined) throw new Error(`${this.roomId} has no ${eventId}`);
    return found;
  }

  stateEvent(type: string, stateKey = "", state: RoomState = this.state): Pdu | undefined {
    const id = state.get(key(type, stateKey));
    return id === undefined ? undefined : this.events.get(id);
  }

  stateEvents(state: RoomState = this.state): Pdu[] {
    return [...state.values()].map((id) => this.event(id));
  }

  idOf(pdu: JsonObject): string {
    return eventIdOf(pdu, this.version);
  }

  membershipOf(userId: string): string | undefined {
    return this.stateEvent("m.room.member", userId)?.content["membership"] as string | undefined;
  }

  /** Servers, other than this one, that have joined members. */
  otherServers(): string[] {
    const members = this.stateEvents().filter(
      (event) => event.type === "m.room.member" && event.content["membership"] === "join",
    );
    const servers = new Set(members.map((event) => serverOf(String(event.state_key))));
    servers.delete(this.signer.serverName);
    return [...servers];
  }

  /** State after these events together. */
  stateBefore(previous: readonly string[]): RoomState {
    const merged = new Map<string, string>();
    for (const id of previous) {
      for (const [place, event] of this.statesAfter.get(id) ?? []) {
        if (!merged.has(place)) merged.set(place, event);
      }
    }
    return merged;
  }

  /** An event that is neither hashed nor signed nor part of the room yet. */
  draft(draft: Draft): JsonObject {
    const after = draft.after ?? this.newest;
    const state = this.stateBefore(after);
    const auth = draft.authEvents ?? this.authEventsFor(draft, state);
    const depths = after.map((id) => this.events.get(id)?.depth ?? 0);
    const isCreate = draft.type === "m.room.create";
    const pdu: JsonObject = {
      type: draft.type,
      sender: draft.sender,
      content: draft.content,
      depth: draft.depth ?? Math.max(0, ...depths) + 1,
      origin_server_ts: draft.timestamp ?? Date.now(),
      prev_events: after.map((id) => this.reference(id)),
      auth_events: auth.map((id) => this.reference(id)),
    };
    if (!(isCreate && this.version.roomIsCreateEvent)) pdu["room_id"] = this.roomId;
    if (draft.stateKey !== undefined) pdu["state_key"] = draft.stateKey;
    return { ...pdu, ...draft.more };
  }

  /** Builds, hashes and signs an event, without adding it. */
  build(draft: Draft): Pdu {
    return this.seal(this.draft(draft));
  }

  seal(pdu: JsonObject): Pdu {
    return signEvent(pdu, this.version, this.signer.serverName, this.signer.key);
  }

  /** Builds an event and makes it part of the room. */
  append(draft: Draft): Pdu {
    const pdu = this.build(draft);
    this.add(pdu);
    return pdu;
  }

  /** Takes an event, with what it changes, into the room. The events before it have to be there. */
  add(pdu: Pdu): string {
    const id = this.idOf(pdu);
    if (this.events.has(id) && this.statesAfter.has(id)) return id;
    this.events.set(id, pdu);
    const previous = referredIds(pdu.prev_events);
    const after = new Map(this.stateBefore(previous));
    if (pdu.state_key !== undefined) after.set(key(pdu.type, pdu.state_key), id);
    this.statesAfter.set(id, after);
    this.newest = [...this.newest.filter((other) => !previous.includes(other)), id];
    return id;
  }

  /** Takes a room over as another server describes it: the state after `newest`. */
  adopt(newest: Pdu, state: readonly Pdu[], authChain: readonly Pdu[]): void {
    for (const pdu of [...authChain, ...state, newest]) this.events.set(this.idOf(pdu), pdu);
    const map = new Map(state.map((pdu) => [key(pdu.type, String(pdu.state_key)), this.idOf(pdu)]));
    const id = this.idOf(newest);
    if (newest.state_key !== undefined) map.set(key(newest.type, newest.state_key), id);
    this.statesAfter.set(id, map);
    this.newest = [id];
    this.roomId = roomIdOf(newest, this.version);
  }

  reference(eventId: string): Json {
    return this.version.namesEvents ? referenceTo(this.event(eventId), this.version) : eventId;
  }

  /** ("Auth events selection", server API.) */
  authEventsFor(
    draft: Pick<Draft, "type" | "sender" | "stateKey" | "content">,
    state: RoomState,
  ): string[] {
    if (draft.type === "m.room.create") return [];
    const places: [string, string][] = [
      ["m.room.power_levels", ""],
      ["m.room.member", draft.sender],
    ];
    if (!this.version.roomIsCreateEvent) places.unshift(["m.room.create", ""]);
    if (draft.type === "m.room.member") {
      const membership = draft.content["membership"];
      if (draft.stateKey !== draft.sender) places.push(["m.room.member", draft.stateKey ?? ""]);
      if (membership === "join" || membership === "invite" || membership === "knock") {
        places.push(["m.room.join_rules", ""]);
      }
      const authorising = draft.content["join_authorised_via_users_server"];
      if (typeof authorising === "string") places.push(["m.room.member", authorising]);
    }
    return places.flatMap(([type, stateKey]) => state.get(key(type, stateKey)) ?? []);
  }

  /** The events' auth events, theirs, and so on. */
  authChainOf(pdus: readonly Pdu[]): Pdu[] {
    const found = new Map<string, Pdu>();
    const left = pdus.flatMap((pdu) => referredIds(pdu.auth_events));
    for (let id = left.pop(); id !== undefined; id = left.pop()) {
      const pdu = this.events.get(id);
      if (found.has(id) || pdu === undefined) continue;
      found.set(id, pdu);
      left.push(...referredIds(pdu.auth_events));
    }
    return [...found.values()];
  }

  /** Up to `limit` events, these and those before them, newest first. */
  before(eventIds: readonly string[], limit: number): Pdu[] {
    const found = new Map<string, Pdu>();
    const left = [...eventIds];
    for (let id = left.shift(); id !== undefined && found.size < limit; id = left.shift()) {
      const pdu = this.events.get(id);
      if (found.has(id) || pdu === undefined) continue;
      found.set(id, pdu);
      left.push(...referredIds(pdu.prev_events));
    }
    return [...found.values()];
  }

  redacted(pdu: Pdu): JsonObject {
    return redact(pdu, this.version);
  }
}

function key(type: string, stateKey: string): string {
  return `${type}\0${stateKey}`;
}

export interface NewPeerRoom {
  readonly version: string;
  readonly creator: string;
  readonly joinRule?: string;
  readonly historyVisibility?: string;
  /** Content of m.room.power_levels, beside the creator's 100 where the version has it there. */
  readonly powerLevels?: JsonObject;
  /** Events after those that every room begins with. */
  readonly initial?: readonly Omit<Draft, "sender">[];
}

/** Makes a room: create event, creator's join, power levels, join rule, history visibility. */
export function createPeerRoom(signer: Signer, options: NewPeerRoom): PeerRoom {
  const room = new PeerRoom(options.version, signer);
  const { creator } = options;
  const { redactsV11, roomIsCreateEvent } = room.version;
  if (!roomIsCreateEvent)
    room.roomId = `!${Date.now()}${Math.floor(Math.random() * 1e6)}:${signer.serverName}`;
  const create = room.build({
    type: "m.room.create",
    sender: creator,
    stateKey: "",
    content: { room_version: options.version, ...(redactsV11 ? {} : { creator }) },
  });
  room.roomId = roomIdOf(create, room.version);
  room.add(create);
  const state = (type: string, content: JsonObject, stateKey = "") =>
    room.append({ type, sender: creator, stateKey, content });
  state("m.room.member", { membership: "join" }, creator);
  const users = roomIsCreateEvent ? {} : { [creator]: 100 };
  state("m.room.power_levels", { users, ...options.powerLevels });
  state("m.room.join_rules", { join_rule: options.joinRule ?? "public" });
  state("m.room.history_visibility", { history_visibility: options.historyVisibility ?? "shared" });
  for (const draft of options.initial ?? []) room.append({ ...draft, sender: creator });
  return room;
}
