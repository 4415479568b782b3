import { formatSyncToken } from "../../log/token.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { Membership, RoomView } from "../../rooms/api/index.ts";
import type { Present } from "../sections/present.ts";
import type { Scope } from "../sections/scope.ts";
import type { Compose, RoomText, SyncParts } from "../v3/compute.ts";
import { inRoom } from "./event-stream.ts";

export interface SnapshotDeps {
  readonly view: Pick<RoomView, "events">;
  readonly present: Pick<Present, "state">;
  /** Those of the rooms that are in the directory. */
  readonly published: (roomNids: readonly number[]) => Promise<ReadonlySet<number>>;
}

interface RoomParts {
  readonly state_after?: { readonly events: JsonObject[] };
  readonly invite_state?: { readonly events: JsonObject[] };
  readonly knock_state?: { readonly events: JsonObject[] };
  readonly timeline?: { readonly events: JsonObject[]; readonly prev_batch?: string };
  readonly account_data?: { readonly events: JsonObject[] };
}

/** The forms of GET /initialSync and GET /rooms/{roomId}/initialSync. */
export function createSnapshots(deps: SnapshotDeps) {
  const { view } = deps;

  /** The invite or knock itself. */
  async function ownEvent(scope: Scope, { userRoom, room }: RoomText): Promise<string | undefined> {
    const own = (await view.events([userRoom.eventNid])).get(userRoom.eventNid);
    const [shown] = own === undefined ? [] : await deps.present.state(scope, [own]);
    return shown === undefined ? undefined : inRoom(room.roomId, JSON.parse(shown) as JsonObject);
  }

  /** RoomInfo. `end` is the place after the newest event. */
  async function roomInfo(
    scope: Scope,
    one: RoomText,
    membership: Membership | undefined,
    { end, isPublished }: { readonly end: string; readonly isPublished: boolean },
  ): Promise<string> {
    const { roomId } = one.room;
    const parts = JSON.parse(one.text) as RoomParts;
    const members = [`"room_id":${JSON.stringify(roomId)}`];
    if (membership !== undefined) members.push(`"membership":"${membership}"`);
    members.push(`"visibility":"${isPublished ? "public" : "private"}"`);
    if (one.section === "invite" || one.section === "knock") {
      const own = await ownEvent(scope, one);
      if (own !== undefined) members.push(`"${one.section}":${own}`);
      return `{${members.join(",")}}`;
    }
    const texts = (events: readonly JsonObject[] | undefined) =>
      `[${(events ?? []).map((event) => inRoom(roomId, event)).join(",")}]`;
    const start = parts.timeline?.prev_batch;
    const messages = [
      ...(start === undefined ? [] : [`"start":${JSON.stringify(start)}`]),
      ...[`"end":${JSON.stringify(end)}`, `"chunk":${texts(parts.timeline?.events)}`],
    ];
    members.push(
      `"messages":{${messages.join(",")}}`,
      `"state":${texts(parts.state_after?.events)}`,
      `"account_data":${JSON.stringify(parts.account_data?.events ?? [])}`,
    );
    return `{${members.join(",")}}`;
  }

  async function publishedOf({ rooms }: SyncParts): Promise<ReadonlySet<number>> {
    return deps.published(rooms.map(({ room }) => room.nid));
  }

  return {
    /** Everything at present; `end` is where GET /events goes on. */
    whole: (async (scope, parts) => {
      const { position, ephemeral } = parts.upTo;
      const end = formatSyncToken({ position, ephemeral });
      const published = await publishedOf(parts);
      const rooms: string[] = [];
      for (const one of parts.rooms) {
        const isPublished = published.has(one.room.nid);
        const { membership } = one.userRoom;
        rooms.push(await roomInfo(scope, one, membership, { end, isPublished }));
      }
      // Messages for devices are not told here: a sync from this token has them all.
      const next = formatSyncToken({ position, ephemeral, toDevice: 0 });
      const lists = [parts.presence, parts.accountData, rooms].map((texts) => texts.join(","));
      return `{"end":"${next}","presence":[${lists[0]}],"account_data":[${lists[1]}],"rooms":[${lists[2]}]}`;
    }) satisfies Compose,

    /** One room; "" when there is nothing to show. */
    room(membership: Membership | undefined): Compose {
      return async (scope, parts) => {
        const [one] = parts.rooms;
        if (one === undefined) return "";
        const { position, ephemeral } = parts.upTo;
        const isPublished = (await publishedOf(parts)).has(one.room.nid);
        const end = formatSyncToken({ position, ephemeral });
        return roomInfo(scope, one, membership, { end, isPublished });
      };
    },
  };
}
