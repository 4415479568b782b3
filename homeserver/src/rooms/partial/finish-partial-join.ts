/**
 * Completes a partial room once the state before the join is known. Members are filled in, some at
 * a time; then the states of all events since the join are recomputed in graph order and the head
 * moves, in one commit.
 */
import { nextHeadVersion, StaleHead } from "../../log/types.ts";
import type { Append, Log, MembershipChange } from "../../log/types.ts";
import { isUserId, serverOf } from "../../protocol/identifiers.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import { stateTuple } from "../../protocol/state-map.ts";
import { currentRows } from "../../storage/rooms/integrity.ts";
import type { PartialRoomRow } from "../../storage/rooms/partial-rooms.ts";
import { stateEventTexts } from "../../storage/rooms/partial-rooms.ts";
import { headVersion } from "../../storage/rooms/heads.ts";
import { bytesOfRoot } from "../records/events.ts";
import { counted } from "../commands/extremities.ts";
import { headMove } from "../commands/head.ts";
import type { Head } from "../commands/head.ts";
import type { CommandResult } from "../commands/mailbox.ts";
import type { Mailboxes } from "../commands/mailboxes.ts";
import { recomputeSince } from "./recompute-state.ts";
import type { RecomputedState } from "./recompute-state.ts";
import { resolveRoots } from "../state/resolution.ts";
import { neededNodes } from "../state/tree/index.ts";
import type { Difference, StateNode } from "../state/tree/index.ts";
import type { RoomStore } from "../state/store.ts";
import type { Room, StateRoot, StoredEvent } from "../api/index.ts";

export interface FinishPartialJoinDeps {
  readonly store: RoomStore;
  readonly mailboxes: Mailboxes;
  readonly log: Log;
  readonly serverName: ServerName;
}

/** The servers listed in the answer to the join, needed until the end. */
interface JoinAnswer {
  readonly servers: readonly ServerName[];
}

const CHUNK = 1_000;

/**
 * `join` has its complete states; its `roomState` is the partial state that the head was built
 * from.
 */
export async function finishPartialJoin(
  deps: FinishPartialJoinDeps,
  room: Room,
  join: StoredEvent,
  answer: JoinAnswer,
): Promise<void> {
  const { store, mailboxes } = deps;
  const missing = await store.tree.diff(join.roomState, join.stateAfter);
  const filled = new Set<number>();
  const additions = [...missing].filter(([, [, after]]) => after !== undefined);
  for (let at = 0; at < additions.length; at += CHUNK) {
    const some: Difference = new Map(additions.slice(at, at + CHUNK));
    const tuples = await mailboxes.run(room, (head) => fillRows(deps, head, join, some));
    for (const tuple of tuples) filled.add(tuple);
  }
  await mailboxes.run(room, (head) => moveHead(deps, head, join, answer, filled));
}

/** Gives up a partial room that no local user is in any more: its members stay unknown. */
export async function abandonPartialJoin(
  mailboxes: Mailboxes,
  room: Room,
  { joinNid, servers }: Pick<PartialRoomRow, "joinNid" | "servers">,
): Promise<void> {
  await mailboxes.run(room, async (head) => {
    // Somebody joined meanwhile and moved the head.
    const next: Head = {
      ...head,
      version: nextHeadVersion(head.version, head.store.committed.random),
      isPartial: false,
    };
    const { nid: roomNid, roomId } = room;
    const given = { roomNid, roomId, joinNid, servers, isFetched: false, isComplete: true };
    const append: Append = {
      records: [{ kind: "partial_state", ...given }],
      head: headMove(head, next),
    };
    return { value: undefined, append, next };
  });
}

/**
 * Writes rows of members (and others) that the head's state does not contain yet; the state itself
 * moves at the end. Returns the nids of their tuples.
 */
async function fillRows(
  deps: FinishPartialJoinDeps,
  head: Head,
  join: StoredEvent,
  some: Difference,
): Promise<CommandResult<number[]>> {
  const { store } = head;
  const now = await store.tree.getMany(head.stateRoot, [...some.keys()]);
  const still: Difference = new Map();
  for (const [tuple, [before, after]] of some) {
    if (now.get(tuple) === before) still.set(tuple, [before, after]);
  }
  const rows = await rowsOf(deps, head.room, still, join.position ?? undefined);
  const next: Head = {
    ...head,
    version: nextHeadVersion(head.version, head.store.committed.random),
  };
  return { value: [...still.keys()], append: { ...rows, head: headMove(head, next) }, next };
}

function headAt(
  { room, store, version }: Head,
  extremities: readonly StoredEvent[],
  stateRoot: StateRoot,
): Head {
  const depth = extremities.reduce((deepest, { event }) => Math.max(deepest, event.depth), 0);
  const moved = nextHeadVersion(version, store.committed.random);
  return { room, store, version: moved, state: new Map(), stateRoot, extremities, depth };
}

async function moveHead(
  deps: FinishPartialJoinDeps,
  head: Head,
  join: StoredEvent,
  { servers }: JoinAnswer,
  filled: ReadonlySet<number>,
): Promise<CommandResult<void>> {
  const { room, store } = head;
  await awaitCommits(deps, head);
  const nodes: StateNode[] = [];
  const set: RecomputedState["set"] = async (root, changes) => {
    if (changes.length === 0) return root;
    const made = await store.tree.set(root, changes);
    nodes.push(...made.nodes);
    store.tree.hold(made.nodes);
    return made.root;
  };
  try {
    const recomputed = await recomputeSince(set, head, join);
    const roots = counted(recomputed.extremities).map((one) => one.stateAfter);
    const { base, changes } = await resolveRoots(store, room, roots);
    const stateRoot = await set(base, changes);
    const next = headAt(head, recomputed.extremities, stateRoot);
    const left = await differenceToTables(head, next, filled);
    const events = recomputed.events;
    const append: Append = {
      ...(await rowsOf(deps, room, left, join.position ?? undefined)),
      head: headMove(head, next),
      stateNodes: neededNodes(nodes, [
        stateRoot,
        ...events.flatMap((one) => [one.stateBefore, one.stateAfter, one.roomState]),
      ]),
      recomputed: events.map((one) => ({
        nid: one.nid,
        status: one.status,
        reason: recomputed.reasons.get(one.nid),
        stateBefore: bytesOfRoot(one.stateBefore),
        stateAfter: bytesOfRoot(one.stateAfter),
        roomState: bytesOfRoot(one.roomState),
      })),
      toRejudge: [{ roomNid: room.nid, acceptedNid: 0 }],
      // Earlier extremities take the place of those that are rejected now, unless a purge of
      // history has deleted them.
      dependsOn: addedExtremities(head, next),
      records: [
        {
          kind: "partial_state",
          ...{ roomNid: room.nid, roomId: room.roomId, joinNid: join.nid, servers },
          ...{ isFetched: true, isComplete: true },
        },
      ],
    };
    const maker = {};
    for (const stored of events) store.pending.add(maker, { stored, authNids: undefined });
    return {
      value: undefined,
      append,
      next,
      settled(committed) {
        store.tree.release(nodes);
        store.pending.settle(maker, events);
        if (committed === undefined) return store.pending.giveUp();
        for (const stored of events) {
          if (recomputed.rejected.has(stored.event.eventId))
            store.committed.events.forget(stored.event.eventId);
          else store.committed.events.keep(stored);
        }
      },
    };
  } catch (error) {
    store.tree.release(nodes);
    throw error;
  }
}

/** nids of extremities that the earlier head does not have. */
function addedExtremities(before: Head, { extremities }: Head): number[] {
  const known = new Set(before.extremities.map(({ nid }) => nid));
  return extremities.flatMap(({ nid }) => (known.has(nid) ? [] : nid));
}

/**
 * Waits until everything that this head was built on is in the tables: the log keeps the order.
 * Throws StaleHead when that failed, or when another writer has moved the head.
 */
async function awaitCommits({ store, log }: FinishPartialJoinDeps, head: Head): Promise<void> {
  await log.append({});
  const version = await headVersion(store.sql, head.room.nid);
  if (version !== head.version) throw new StaleHead(head.room.nid);
}

/**
 * The difference between the tables and the new head's state. For filled-in keys the tables are
 * read, since events that arrived meanwhile may have set them.
 */
async function differenceToTables(
  { store, ...head }: Head,
  next: Head,
  filled: ReadonlySet<number>,
): Promise<Difference> {
  const left = new Map(await store.tree.diff(head.stateRoot, next.stateRoot));
  const tuples = [...filled];
  for (let at = 0; at < tuples.length; at += CHUNK) {
    const keys = await store.tuples.keys(tuples.slice(at, at + CHUNK));
    const rows = await currentRows(store.sql, head.room.nid, [...keys.values()]);
    const inTables = new Map(rows.map((row) => [stateTuple(row.type, row.stateKey), row.eventNid]));
    const wanted = await store.tree.getMany(next.stateRoot, [...keys.keys()]);
    for (const [tuple, key] of keys) {
      const [is, should] = [inTables.get(stateTuple(...key)), wanted.get(tuple)];
      if (is === should) left.delete(tuple);
      else left.set(tuple, [is, should]);
    }
  }
  return left;
}

/**
 * Rows of current state and memberships for a difference of states. Only memberships of local users
 * are announced in the log.
 */
async function rowsOf(
  { store, serverName }: FinishPartialJoinDeps,
  room: Room,
  difference: Difference,
  since: number | undefined,
): Promise<Pick<Append, "currentState" | "memberships">> {
  const changes: { type: string; stateKey: string; eventNid: number | null }[] = [];
  const memberships: MembershipChange[] = [];
  const entries = [...difference.values()];
  for (let at = 0; at < entries.length; at += CHUNK) {
    const some = entries.slice(at, at + CHUNK);
    const isGone = new Set(some.flatMap(([before, now]) => (now === undefined ? [before] : [])));
    const nids = some.flatMap(([before, now]) => now ?? before ?? []);
    for (const { nid, type, stateKey, json } of await stateEventTexts(store.sql, nids)) {
      const gone = isGone.has(nid);
      changes.push({ type, stateKey, eventNid: gone ? null : nid });
      if (type !== "m.room.member" || !isUserId(stateKey)) continue;
      const { membership } = (JSON.parse(json) as { content: { membership?: unknown } }).content;
      if (typeof membership !== "string") continue;
      const server = serverOf(stateKey);
      memberships.push({
        ...{ roomNid: room.nid, roomId: room.roomId, userId: stateKey, server, eventNid: nid },
        membership: gone ? "leave" : membership,
        ...(server === serverName || since === undefined ? {} : { since }),
      });
    }
  }
  return { currentState: { roomNid: room.nid, changes }, memberships };
}
