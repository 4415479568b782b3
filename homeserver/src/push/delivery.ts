/** One notification to one pusher. */
import type { Log } from "../log/types.ts";
import { isRead } from "../notifications/unread.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { RoomView, StoredEvent } from "../rooms/api/index.ts";
import { deleteRejected } from "../storage/push/told.ts";
import type { Badges } from "./badges.ts";
import { eventPart } from "./notification.ts";
import type { EventPart, How, Item, PusherState, SendNotification, Sent } from "./types.ts";
import type { WebPusher } from "./web-pusher.ts";

export interface DeliveryDeps {
  readonly log: Pick<Log, "change">;
  readonly view: RoomView;
  readonly badges: Badges;
  readonly http: SendNotification;
  readonly web: WebPusher;
  /** What is unread is known now, which a pusher was not told with an event. */
  readonly onCounted: (state: PusherState) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Delivery {
  /**
   * Tells a pusher of an event, unless that is read, redacted or out of reach by now. Resolves when
   * its gateway has taken it, or there is nothing to tell. @throws GatewayFailed, and other errors
   */
  event(state: PusherState, item: Item, how: How): Promise<void>;
  /** What may be said of an event; undefined: nothing is to be told of it any more. */
  partOfWanted(item: Item): Promise<EventPart | undefined>;
  /** Tells it how much is unread, if it was told something else. @throws GatewayFailed */
  badge(state: PusherState, how: How): Promise<void>;
  /** Sends it the token that its client has to send back. @throws GatewayFailed */
  activation(state: PusherState, how: How): Promise<void>;
}

/** A notification does not wait longer for the count. */
const COUNT_MS = 500;
/** The badge of a pusher that was told of an event, but not how much is unread. */
const UNTOLD = -1;

export function createDelivery(deps: DeliveryDeps): Delivery {
  const { log, view, badges, http, web, onCounted, clock, logger } = deps;
  /** The same event may be told to several pushers of its user. */
  const parts = new WeakMap<Item, Promise<EventPart>>();

  function partOf(item: Item, stored: StoredEvent): Promise<EventPart> {
    const known = parts.get(item);
    if (known) return known;
    const made = eventPart(view, item, stored);
    parts.set(item, made);
    made.catch(() => parts.delete(item));
    return made;
  }

  /** The event, if its user is still to be told of it. */
  async function wanted({ userId, room, eventNid, isInvite, position }: Item) {
    const stored = (await view.events([eventNid])).get(eventNid);
    if (stored === undefined || stored.redactedBy !== null || view.isOver(stored)) return undefined;
    if (isInvite) {
      const row = await view.membership(room.nid, userId);
      return row?.membership === "invite" && row.eventNid === eventNid ? stored : undefined;
    }
    const unread = await badges.inRoom(userId, room);
    if (unread === undefined) return undefined;
    const isInThread = stored.event.content["m.relates_to"] !== undefined;
    const thread = isInThread ? await view.threadOf(stored) : undefined;
    return isRead(unread.read, thread, position) ? undefined : stored;
  }

  /** How much is unread; undefined: counting takes too long. */
  async function countFor(state: PusherState): Promise<number | undefined> {
    const late = new AbortController();
    const count = badges.of(state.userId).catch((err: unknown) => {
      logger.warn({ err }, "what is unread was not counted");
    });
    const found = await Promise.race([count, clock.sleep(COUNT_MS, late.signal)]);
    late.abort("over");
    if (typeof found === "number") return found;
    void count.then((counted) => counted !== undefined && onCounted(state));
    return undefined;
  }

  const sendTo = ({ row }: PusherState) => (row.kind === "http" ? http : web.send);

  async function settle(state: PusherState, sent: Sent): Promise<void> {
    const { pusherId, userId, row } = state;
    state.failures = 0;
    if (sent === "taken") return;
    // What a client has set again meanwhile stays.
    const isDeleted = await log.change(async ({ tx, record }) => {
      const found = await deleteRejected(tx, pusherId, row.setTs);
      if (found) record({ kind: "pusher", userId });
      return found;
    });
    if (!isDeleted) return;
    state.isGone = true;
    logger.info({ userId, appId: row.appId }, "a gateway has rejected a pusher, which is deleted");
  }

  return {
    async event(state, item, how) {
      const stored = await wanted(item);
      if (stored === undefined || state.isGone) return;
      const [part, unread] = await Promise.all([partOf(item, stored), countFor(state)]);
      const about = { part, outcome: item.outcome };
      await settle(state, await sendTo(state)(state, { about, unread }, how));
      state.badge = unread ?? UNTOLD;
    },

    async partOfWanted(item) {
      const stored = await wanted(item);
      return stored && (await partOf(item, stored));
    },

    async badge(state, how) {
      if (state.badge === null) return;
      const unread = await badges.of(state.userId);
      if (unread === state.badge || state.isGone) return;
      await settle(state, await sendTo(state)(state, { about: undefined, unread }, how));
      state.badge = unread;
    },

    async activation(state, how) {
      await settle(state, await web.activation(state, how));
    },
  };
}
