import type { RoomFederation } from "../rooms/api/federation.ts";
import type { EventId, RoomId, ServerName, UserId } from "../protocol/identifiers.ts";
import type { JsonObject } from "../protocol/json.ts";

/** Queries that the EDUs make to the room engine. */
export interface RoomFacts {
  /** True when the user is joined to the room, now. */
  isJoined(roomId: RoomId, userId: UserId): Promise<boolean>;
  /** True when the room's server ACL lets the server take part, or the room has none. */
  readonly aclAllows: RoomFederation["aclAllows"];
  /** True when the user is joined to any room that this server is in. */
  isKnown(userId: UserId): Promise<boolean>;
  /** nid and log position of an event that is in the room's timeline here. */
  eventAt(
    roomId: RoomId,
    eventId: EventId,
  ): Promise<{ roomNid: number; position: number; ordinal: number } | undefined>;
  /** Whether a receipt in a thread ("main", or its root) may point at the event. */
  isInThread(threadId: string, eventId: EventId): Promise<boolean>;
  /** True when the user is the only one of their server who is joined to the room. */
  isOnlyOfServer(roomId: RoomId, userId: UserId): Promise<boolean>;
  joinedMembers(roomId: RoomId): Promise<readonly UserId[]>;
  /** nid of a room that this server knows. */
  roomNid(roomId: RoomId): Promise<number | undefined>;
  /** Other servers that share a room with a local user. */
  serversSharing(userId: UserId): Promise<Iterable<ServerName>>;
}

/** Sends EDUs to other servers. */
export interface EduOutlet {
  toRoom(roomId: RoomId, edu: OutgoingEdu): void;
  toServers(servers: Iterable<ServerName>, edu: OutgoingEdu): void;
}

export interface OutgoingEdu {
  /** A newer one with the same key replaces it while it waits. */
  readonly key: string;
  readonly type: string;
  readonly content: JsonObject;
  /** ms after which it is useless. */
  readonly lifeMs: number;
}
