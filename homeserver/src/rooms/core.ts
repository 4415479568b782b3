/**
 * The core that every part of the engine uses: the records of rooms, and the commands that change
 * them.
 */
import { createLocalEvents } from "./commands/local-events.ts";
import { createMailboxes } from "./commands/mailboxes.ts";
import { createEndorse } from "./commands/policy-server.ts";
import type { RoomsDeps } from "./deps.ts";
import { createInvitees } from "./membership/invitees.ts";
import { createEventTransactionIds } from "./records/event-transaction-ids.ts";
import { createMemberships } from "./records/memberships.ts";
import { createPartialRooms } from "./records/partial-rooms.ts";
import { createBlockedRooms } from "./state/blocked-rooms.ts";
import { createRoomStore } from "./state/store.ts";

export type RoomCore = ReturnType<typeof createRoomCore>;

export function createRoomCore(deps: RoomsDeps) {
  const { log, sql, serverName, signingKey, clock } = deps;
  const store = createRoomStore(sql, deps.random);
  const mailboxes = createMailboxes(store, log, deps.turns);
  const eventTransactionIds = createEventTransactionIds(sql);
  const endorse = createEndorse(deps.remote);
  const identity = { serverName, signingKey, now: () => clock.now(), endorse };
  return {
    store,
    mailboxes,
    eventTransactionIds,
    memberships: createMemberships(sql),
    partial: createPartialRooms(sql, clock),
    local: createLocalEvents(store, mailboxes, identity, eventTransactionIds),
    checkNotBlocked: createBlockedRooms(sql),
    invitees: createInvitees(deps.accounts),
  };
}
