/** A client that puts together what it is told, for the model test. */
import type { RoomId } from "../../../src/protocol/identifiers.ts";
import { parseSlidingBody } from "../../../src/sync/index.ts";
import type { Body } from "../../support/user.ts";
import type { SyncUser, SyncWorld } from "../support.ts";

/** A room as a client has put it together. */
export interface ClientRoom {
  name: string | undefined;
  /** The newest messages, without a hole. */
  texts: string[];
  membership: string;
  topic: string | undefined;
  /** User → membership. */
  readonly members: Map<string, string>;
  unread: number;
  joined: number;
}

/** What is asked for at one time. */
export interface Ask {
  /** Rooms of the list, from the first on. */
  readonly window: number;
  readonly limit: number;
  readonly wantsTopic: boolean;
  readonly members: "none" | "lazy" | "all";
  /** A room that is wanted by name. */
  readonly subscribed: RoomId | undefined;
  readonly extensions: boolean;
}

export class Client {
  pos: string | undefined;
  readonly rooms = new Map<string, ClientRoom>();
  /** Room → tags. */
  readonly tags = new Map<string, string[]>();
  /** Room → the event that the user's own receipt points at. */
  readonly read = new Map<string, string>();
  /** Messages for the device. */
  readonly told: number[] = [];
  /** How many rooms have the tag that the second list asks for. */
  favourites: number | undefined;
  #nextBatch: string | undefined;
  readonly #connId: string;
  readonly #takesMessages: boolean;

  /** One connection of a device takes the messages for it. */
  constructor(connId: string, takesMessages = false) {
    [this.#connId, this.#takesMessages] = [connId, takesMessages];
  }

  async ask(world: SyncWorld, { userId }: SyncUser, wanted: Ask): Promise<Body> {
    const { window, limit, wantsTopic, members, subscribed } = wanted;
    const required_state = [
      ...(wantsTopic ? [["m.room.topic", ""]] : []),
      ...(members === "none" ? [] : [["m.room.member", members === "lazy" ? "$LAZY" : "*"]]),
    ];
    const enabled = { enabled: wanted.extensions };
    const body = {
      conn_id: this.#connId,
      lists: {
        all: { ranges: [[0, window - 1]], timeline_limit: limit, required_state },
        favourites: {
          ...{ ranges: [[0, 0]], timeline_limit: 1, required_state: [] },
          filters: { tags: ["m.favourite"] },
        },
      },
      ...(subscribed !== undefined && {
        room_subscriptions: { [subscribed]: { timeline_limit: 2, required_state: [] } },
      }),
      extensions: {
        ...{ account_data: enabled, receipts: enabled },
        ...(this.#takesMessages && {
          to_device: {
            ...{ enabled: wanted.extensions, limit: 2 },
            ...(this.#nextBatch !== undefined && { since: this.#nextBatch }),
          },
        }),
      },
    } as never;
    const text = await world.sync.sliding({
      ...{ userId, deviceId: "D", pos: this.pos, timeout: 0 },
      body: parseSlidingBody(body, userId),
      signal: () => new AbortController().signal,
    });
    return JSON.parse(text);
  }

  /** Puts an answer together with what there is; returns how much is new in it. */
  take(body: Body, userId: string): number {
    this.pos = body.pos;
    this.favourites = body.lists.favourites.count;
    for (const [roomId, news] of Object.entries<Body>(body.rooms)) this.#takeRoom(roomId, news);
    const { account_data: data, receipts, to_device: messages } = body.extensions;
    for (const [roomId, events] of Object.entries<Body[]>(data?.rooms ?? {})) {
      for (const event of events) {
        if (event.type === "m.tag") this.tags.set(roomId, Object.keys(event.content.tags));
      }
    }
    for (const [roomId, event] of Object.entries<Body>(receipts?.rooms ?? {})) {
      for (const [eventId, types] of Object.entries<Body>(event.content)) {
        if (types["m.read"]?.[userId]) this.read.set(roomId, eventId);
      }
    }
    const told: Body[] = messages?.events ?? [];
    for (const { content } of told) this.told.push(content.number);
    if (messages !== undefined) this.#nextBatch = messages.next_batch;
    return Object.keys(body.rooms).length + told.length;
  }

  #takeRoom(roomId: string, news: Body): void {
    let room = this.rooms.get(roomId);
    if (room === undefined || news.initial) {
      room = {
        ...{ name: undefined, texts: [], membership: "", topic: undefined },
        ...{ members: new Map(), unread: 0, joined: 0 },
      };
      this.rooms.set(roomId, room);
    }
    if (news.name !== undefined) room.name = news.name ?? undefined;
    room.membership = news.membership;
    room.unread = news.notification_count ?? room.unread;
    room.joined = news.joined_count ?? room.joined;
    const events = (news.timeline ?? []) as Body[];
    const texts = events.filter((e) => e.type === "m.room.message").map((e) => e.content.body);
    if (news.limited || news.unstable_expanded_timeline) room.texts = texts;
    else room.texts.push(...texts);
    for (const event of news.required_state ?? []) {
      if (event.type === "m.room.topic") room.topic = event.content.topic;
      if (event.type === "m.room.member") {
        room.members.set(event.state_key, event.content.membership);
      }
    }
  }
}
