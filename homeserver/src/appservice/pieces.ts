/** What an application service is to be told of records of the log. */
import type { EventRecord, MembershipRecord, RecordOf } from "../log/types.ts";
import type { RoomId, UserId } from "../protocol/identifiers.ts";
import type { RoomView, StoredEvent } from "../rooms/api/index.ts";
import { messagesAt } from "../storage/appservices.ts";
import type { Sql } from "../storage/sql.ts";
import type { Interest, Interests } from "./interest.ts";
import type { Registration } from "./registration.ts";

/** The kinds of records that services are told of. */
export const TOLD = [
  ...(["event", "membership", "receipt"] as const),
  ...(["to_device", "device_list", "one_time_keys"] as const),
] as const;
export type ToldRecord = RecordOf<(typeof TOLD)[number]>;

export interface DeviceOfUser {
  readonly userId: UserId;
  readonly deviceId: string;
}

/** One thing that a service is told. */
export type Piece = { readonly position: number } & (
  | { readonly section: "events" | "ephemeral"; readonly text: string }
  | { readonly section: "to_device"; readonly text: string; readonly device: DeviceOfUser }
  | { readonly section: "changed" | "left"; readonly userId: string }
  | { readonly section: "keys"; readonly device: DeviceOfUser }
);

export interface PiecesDeps {
  readonly sql: Sql;
  readonly view: Pick<
    RoomView,
    "events" | "presentToService" | "strippedState" | "membershipsOf" | "rooms"
  >;
  readonly service: Registration;
  readonly interests: Interests;
  readonly interest: Interest;
}

/** Rooms of a user that are looked at, to see whether the service shares one. */
const MAX_ROOMS_OF_USER = 1_000;

export interface Pieces {
  /** In the order of the records. */
  of(records: readonly ToldRecord[]): Promise<Piece[]>;
  /** Whether the user is the service's, or in a room where it is interested. */
  concerns(userId: UserId, position: number): Promise<boolean>;
}

export function createPieces(deps: PiecesDeps): Pieces {
  const { sql, view, service, interests, interest } = deps;
  const wantsEphemeral = service.ephemeralKeys.length > 0;

  async function ofEvents(
    records: readonly (EventRecord | MembershipRecord)[],
    named: ReadonlySet<string>,
  ): Promise<Piece[]> {
    const told: { record: EventRecord | MembershipRecord; nid: number }[] = [];
    for (const record of records) {
      const isTold =
        record.kind === "event"
          ? await isInterestedIn(record, named)
          : interests.hasUser(record.userId);
      if (isTold) told.push({ record, nid: record.eventNid });
    }
    const stored = await view.events(told.map(({ nid }) => nid));
    const found = told.flatMap(({ record, nid }) => {
      const event = stored.get(nid);
      // A membership that follows from an event of the timeline was told with that event.
      const isApart = record.kind === "event" || event?.position === null;
      return event !== undefined && isApart ? [{ record, event }] : [];
    });
    const texts = await view.presentToService(
      found.map(({ event }) => event),
      service.sender,
    );
    return Promise.all(
      found.map(async ({ record, event }, i) => ({
        position: record.position,
        section: "events" as const,
        text: record.kind === "event" ? texts[i]! : await withRoomState(record, event, texts[i]!),
      })),
    );
  }

  /** An invite or knock from outside shows what the room is. */
  async function withRoomState(
    { roomNid, userId, membership }: MembershipRecord,
    { event }: StoredEvent,
    text: string,
  ): Promise<string> {
    if (membership !== "invite" && membership !== "knock") return text;
    if (event.stateKey !== userId) return text;
    const state = JSON.stringify(await view.strippedState(roomNid, userId as UserId));
    return text.replace(/"unsigned":\{/, () => `"unsigned":{"${membership}_room_state":${state},`);
  }

  async function isInterestedIn(
    { event, status, local, roomNid, roomId, position }: EventRecord,
    named: ReadonlySet<string>,
  ): Promise<boolean> {
    if (status !== "accepted") return false;
    if (local && interests.hasUser(event.sender)) return true;
    const { type, stateKey } = event;
    if (type === "m.room.member" && stateKey !== undefined && interests.hasUser(stateKey)) {
      return true;
    }
    return interest.inRoom({ roomNid, roomId }, position, named);
  }

  async function ofReceipt(
    record: RecordOf<"receipt">,
    named: ReadonlySet<string>,
  ): Promise<Piece[]> {
    const { position, roomId, userId, receiptType, threadId, eventId, ts } = record;
    const isPrivate = receiptType === "m.read.private";
    if (isPrivate ? !interests.hasUser(userId) : receiptType !== "m.read") return [];
    if (!(await interest.inRoom(record, position, named))) return [];
    const receipt = threadId === "" ? { ts } : { ts, thread_id: threadId };
    const content = { [eventId]: { [receiptType]: { [userId]: receipt } } };
    const text = JSON.stringify({ type: "m.receipt", room_id: roomId, content });
    return [{ position, section: "ephemeral", text }];
  }

  /** Whose devices have to be known because somebody came, or need not be because they left. */
  async function ofComings(
    { event, status, position, roomNid, roomId }: EventRecord,
    named: ReadonlySet<string>,
  ): Promise<Piece[]> {
    const userId = event.stateKey as UserId;
    if (status !== "accepted" || event.type !== "m.room.member" || !userId.startsWith("@"))
      return [];
    if (!(await interest.inRoom({ roomNid, roomId }, position, named))) return [];
    if (event.content.membership === "join") return [{ position, section: "changed", userId }];
    return (await concerns(userId, position)) ? [] : [{ position, section: "left", userId }];
  }

  async function concerns(userId: UserId, position: number): Promise<boolean> {
    if (interests.hasUser(userId)) return true;
    const joined = (await view.membershipsOf(userId)).filter((row) => row.membership === "join");
    const some = joined.slice(0, MAX_ROOMS_OF_USER).map((row) => row.roomNid);
    const rooms = [...(await view.rooms(some)).values()];
    for (const { nid, roomId } of rooms) {
      if (await interest.inRoom({ roomNid: nid, roomId }, position, new Set())) return true;
    }
    return false;
  }

  async function ofMessages(records: readonly RecordOf<"to_device">[]): Promise<Piece[]> {
    const own = records.filter(({ userId }) => interests.hasUser(userId));
    const texts = await messagesAt(
      sql,
      own.map(({ position }) => position),
    );
    return own.flatMap(({ position, userId, deviceId }): Piece[] => {
      const message = texts.get(position);
      if (message === undefined) return [];
      const to = JSON.stringify({ to_user_id: userId, to_device_id: deviceId });
      const text = `${to.slice(0, -1)},${message.slice(1)}`;
      const device = { userId: userId as UserId, deviceId };
      return [{ position, section: "to_device", text, device }];
    });
  }

  async function ofDevices(record: RecordOf<"device_list" | "one_time_keys">): Promise<Piece[]> {
    const { position } = record;
    if (record.kind === "one_time_keys") {
      return record.devices
        .filter(({ userId }) => interests.hasUser(userId))
        .map(({ userId, deviceId }): Piece => {
          const device = { userId: userId as UserId, deviceId };
          return { position, section: "keys", device };
        });
    }
    const userId = record.userId as UserId;
    return (await concerns(userId, position)) ? [{ position, section: "changed", userId }] : [];
  }

  return {
    concerns,
    async of(records) {
      const named = await interest.named([...new Set(records.flatMap(roomOf))]);
      const events = records.filter((each) => each.kind === "event" || each.kind === "membership");
      const pieces = await ofEvents(events, named);
      pieces.push(...(await ofMessages(records.filter((each) => each.kind === "to_device"))));
      for (const record of records) {
        if (record.kind === "receipt" && wantsEphemeral) {
          pieces.push(...(await ofReceipt(record, named)));
        }
        if (!service.wantsDevices) continue;
        if (record.kind === "device_list" || record.kind === "one_time_keys") {
          pieces.push(...(await ofDevices(record)));
        } else if (record.kind === "event") pieces.push(...(await ofComings(record, named)));
      }
      return pieces.toSorted((a, b) => a.position - b.position);
    },
  };
}

function roomOf(record: ToldRecord): RoomId[] {
  const has = record.kind === "event" || record.kind === "receipt";
  return has ? [record.roomId as RoomId] : [];
}
