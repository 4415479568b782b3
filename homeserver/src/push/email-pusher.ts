/** Pushers that write e-mail: what is unread, once in a while. */
import type { Notified } from "../notifications/notified.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { noteMailed, noteRead } from "../storage/push/mailed.ts";
import type { Sql } from "../storage/sql.ts";
import { transaction } from "../storage/transaction.ts";
import type { Delivery } from "./delivery.ts";
import { languageFor } from "../users/common/languages.ts";
import { digestMail, type ToldEvent } from "./email/digest.ts";
import type { OnItsWay } from "./lanes.ts";
import { noteOf, type Notes } from "./notes.ts";
import type { PusherStates } from "./pusher-states.ts";
import type { EmailPushing, EventPart, Item, PusherState } from "./types.ts";

export interface EmailPusher {
  /** Something notifies the user: plans a mail, unless one is planned that will tell it. */
  event(state: PusherState, item: Item): OnItsWay | undefined;
  /** The user has read something: mails may come soon again. */
  read(state: PusherState): OnItsWay | undefined;
  /** It is time: writes a mail, if something is unread still. */
  send(state: PusherState): Promise<void>;
}

/** Whoever is there reads within this time. */
const DELAY_MS = 10 * 60_000;
/** Between the first two mails while nothing is read; it grows with each. */
const FIRST_PAUSE_MS = 10 * 60_000;
const GROWTH = 4;
const MAX_PAUSE_MS = 24 * 3_600_000;
/** After so long without anything new, as if everything had been read. */
const QUIET_MS = 12 * 3_600_000;
/** What happened before is in no mail. */
const MAX_AGE_MS = 7 * 86_400_000;
const MAIL_LIFE_MS = 86_400_000;
const PAGE = 100;
/** Events of one mail, and events that are looked at for it. */
const MAX_EVENTS = 100;
const MAX_PAGES = 20;

export function createEmailPusher(deps: {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly notified: Notified;
  readonly delivery: Pick<Delivery, "partOfWanted">;
  readonly notes: Notes;
  readonly states: Pick<PusherStates, "hold" | "rest">;
  readonly evaluatedTo: () => number;
  /** The pusher is to be tried at its `retryTs`. */
  readonly plan: (state: PusherState) => void;
  /** Absent: no mails are sent. */
  readonly email: EmailPushing | undefined;
}): EmailPusher {
  const { sql, clock, logger, notified, delivery, notes, states, evaluatedTo, plan, email } = deps;

  /** Not before: ms since 1970. */
  function dueAfter(state: PusherState, now: number): number {
    return Math.max(now + DELAY_MS, state.mailedTs + state.mailPause);
  }

  /** What is noted of a pusher: what follows the log waits for that. */
  function noted(state: PusherState, first?: Promise<void>): OnItsWay {
    states.hold(state);
    const done = (async () => {
      try {
        await first;
        await notes.note(noteOf(state));
      } catch (err) {
        logger.warn({ err }, "it was not noted that mails may come again");
      } finally {
        states.rest(state);
      }
    })();
    return { done, lane: { mark: () => done } };
  }

  /** What is unread of what happened since the last mail, and up to where that was looked for. */
  async function unreadOf(state: PusherState) {
    const events: ToldEvent[] = [];
    const upTo = evaluatedTo();
    const since = clock.now() - MAX_AGE_MS;
    let after = state.toldTo;
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const range = { after, upTo, limit: PAGE, newestFirst: false, since };
      const found = await notified(state.userId, range);
      for (const event of found.events) {
        if (events.length === MAX_EVENTS) return { events, upTo, hasMore: true };
        const item = { ...event, userId: state.userId, eventNid: event.stored.nid };
        const part = await delivery.partOfWanted(item);
        if (part !== undefined) events.push(toldOf(item, part));
      }
      if (found.lookedTo === undefined) return { events, upTo, hasMore: false };
      after = found.lookedTo;
    }
    return { events, upTo, hasMore: true };
  }

  /** Writes it, unless the pusher is gone, or somebody else has written it. */
  async function write(state: PusherState, unread: Awaited<ReturnType<typeof unreadOf>>) {
    const { outbox, unsubscribing, baseUrl, serverName } = email!;
    const address = state.row.pushkey;
    const unsubscribe = unsubscribing.linkFor(state.userId, address);
    const language = languageFor(state.row.lang);
    const places = { baseUrl, serverName, unsubscribe, language };
    const mail = digestMail(address, unread.events, unread.hasMore, places);
    const now = clock.now();
    const mailPause = Math.min(Math.max(state.mailPause * GROWTH, FIRST_PAUSE_MS), MAX_PAUSE_MS);
    const row = { pusherId: state.pusherId, toldTo: unread.upTo, mailedTs: now, mailPause };
    const isWritten = await transaction(sql, async (tx) => {
      const isOurs = await noteMailed(tx, row);
      if (isOurs) await outbox.put(tx, mail, MAIL_LIFE_MS);
      return isOurs;
    });
    if (!isWritten) return;
    outbox.wake();
    Object.assign(state, { mailedTs: now, mailPause });
  }

  return {
    event(state, { position }) {
      if (email === undefined || state.isGone || state.isBehind) return undefined;
      if (position <= state.toldTo) return undefined;
      const now = clock.now();
      // What was evaluated before need not be told.
      state.toldTo = Math.max(state.toldTo, evaluatedTo());
      if (now > state.mailedTs + state.mailPause + QUIET_MS) state.mailPause = 0;
      state.isBehind = true;
      state.failures = 0;
      state.retryTs = dueAfter(state, now);
      plan(state);
      return noted(state);
    },

    read(state) {
      if (state.mailPause === 0) return undefined;
      state.mailPause = 0;
      if (state.isBehind) {
        state.retryTs = Math.min(state.retryTs, clock.now() + DELAY_MS);
        plan(state);
      }
      return noted(state, noteRead(sql, state.pusherId, clock.now() + DELAY_MS));
    },

    async send(state) {
      const early = state.mailedTs + state.mailPause - clock.now();
      if (early > 0) {
        state.retryTs = clock.now() + early;
        return plan(state);
      }
      const unread = await unreadOf(state);
      if (state.isGone) return;
      if (unread.events.length > 0 && email !== undefined) await write(state, unread);
      state.toldTo = unread.upTo;
      state.failures = 0;
      state.isBehind = evaluatedTo() !== unread.upTo;
      if (!state.isBehind) return;
      // Something happened meanwhile.
      state.retryTs = dueAfter(state, clock.now());
      plan(state);
    },
  };
}

function toldOf({ room, isInvite }: Item, part: EventPart): ToldEvent {
  return {
    roomId: room.roomId,
    roomName: part.room_name ?? part.room_alias,
    sender: part.sender ?? "",
    senderName: part.sender_display_name,
    type: part.type ?? "",
    content: part.content ?? {},
    isInvite,
  };
}
