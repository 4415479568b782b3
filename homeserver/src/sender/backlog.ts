/** What a server is owed, read from the database: after a restart, or when it was away. */
import { atMost, LRUCache } from "../platform/caches.ts";
import { deviceKey, type ServerName } from "../protocol/identifiers.ts";
import type { JsonObject } from "../protocol/json.ts";
import {
  eventsForDestination,
  eventsMissedAtJoins,
  type MissedAtJoin,
  newestForDestination,
} from "../storage/federation/outbound.ts";
import {
  type DestinationRange,
  type DeviceChangeRow,
  deviceChangesBetween,
  newestDeviceChangesForDestination,
  usersSharingWith,
} from "../storage/federation/outbound-devices.ts";
import {
  messagesForDestination,
  type OutboundMessageRow,
} from "../storage/federation/outbound-messages.ts";
import {
  MAX_SHARING,
  newUsersForDestination,
  type SharingRow,
} from "../storage/federation/outbound-sharing.ts";
import { stickyOwedTo } from "../storage/sticky-events.ts";
import type { Sql } from "../storage/sql.ts";
import type { RoomView } from "../rooms/api/index.ts";
import type { ChainedChange, DeviceUpdates } from "./device-updates.ts";
import {
  type Backlog,
  MAX_EDUS,
  MAX_MESSAGES_LENGTH,
  MAX_PDUS,
  type OutboundEdu,
  type OutboundItem,
  TransactionRoom,
} from "./outbound-item.ts";
import type { MissedAtJoins } from "./missed-at-joins.ts";
import type { RoomServers } from "./room-servers.ts";

/**
 * A server behind by more log positions than this gets only the newest event of each room, from
 * which it fetches the others itself, and the newest change of each device. Messages for devices it
 * gets all.
 */
const LONG_ABSENCE = 20_000;
/** Changes that are looked at for one transaction: of each device only the newest is sent. */
const MAX_CHANGES = 500;
/** Rows of each kind that are remembered of a long absence, */
const MAX_OF_ABSENCE = 10_000;
/** for so many servers that are being brought up to date. */
const MAX_ABSENCES = 100;
const ABSENCE_MS = 10 * 60_000;

type EventRow = Awaited<ReturnType<typeof eventsForDestination>>[number];

/** What a server is owed besides messages for devices. */
interface Owed {
  readonly events: readonly EventRow[];
  readonly changes: readonly DeviceChangeRow[];
  /** Users with whom the server has come to share a room. */
  readonly arrivals: readonly SharingRow[];
  /** What its joins do not build on, by their positions: the joins themselves it has. */
  readonly missed: readonly MissedAtJoin[];
  /** It is complete up to here. */
  readonly upTo: number;
}

/** A long absence, while the server is brought up to date. */
interface Absence {
  /** It is known in (after, owed.upTo]. */
  readonly after: number;
  readonly owed: Owed & { readonly changes: readonly ChainedChange[] };
  /** The absence ended here. */
  readonly end: number;
}

/** What belongs to one log position. */
interface Mark {
  event?: EventRow;
  missed?: MissedAtJoin;
  message?: OutboundMessageRow;
  change?: DeviceChangeRow;
  readonly arrivals: SharingRow[];
}

export function createBacklog(deps: {
  readonly sql: Sql;
  readonly view: RoomView;
  readonly roomServers: RoomServers;
  readonly updates: DeviceUpdates;
  readonly missedAtJoins: MissedAtJoins;
  readonly ours: ServerName;
  /** Log positions (20,000). */
  readonly longAbsence?: number | undefined;
  /** ms since 1970. */
  readonly now: () => number;
}) {
  const { sql, view, roomServers, updates, missedAtJoins, ours } = deps;
  const { longAbsence = LONG_ABSENCE } = deps;
  const absences = new LRUCache<ServerName, Absence>({ ...atMost(MAX_ABSENCES), ttl: ABSENCE_MS });

  async function owedTo(server: ServerName, after: number, upTo: number): Promise<Owed> {
    const known = absences.get(server);
    const isKnown = known !== undefined && known.after <= after && after < known.end;
    if (isKnown && after < known.owed.upTo) return known.owed;
    const end = isKnown ? known.end : upTo;
    if (!isKnown && upTo - after <= longAbsence) {
      absences.delete(server);
      return owedOf({ server, ours, after, upTo, limit: MAX_CHANGES });
    }
    const owed = await owedOfAbsence({ server, ours, after, upTo: end, limit: MAX_OF_ABSENCE });
    absences.set(server, { after, owed, end });
    return owed;
  }

  async function owedOf(range: DestinationRange): Promise<Owed> {
    const eventRange = { ...range, limit: MAX_PDUS };
    const [events, changes, arrivals, missed, sticky] = await Promise.all([
      eventsForDestination(sql, eventRange),
      deviceChangesBetween(sql, range),
      newUsersForDestination(sql, range),
      eventsMissedAtJoins(sql, eventRange),
      stickyOwedTo(sql, eventRange),
    ]);
    const users = [...new Set(changes.map(({ userId }) => userId))];
    const sharing = await usersSharingWith(sql, range.server, users);
    const upTo = Math.min(
      completeUpTo(eventRange, events, missed, sticky),
      completeUpTo(range, changes),
      completeBefore(range, arrivals),
    );
    const own = changes.filter(({ userId }) => sharing.has(userId));
    return { events: [...events, ...sticky], changes: own, arrivals, missed, upTo };
  }

  async function owedOfAbsence(range: DestinationRange): Promise<Absence["owed"]> {
    const [events, changes, arrivals, missed, sticky] = await Promise.all([
      newestForDestination(sql, { ...range, now: deps.now() }),
      newestDeviceChangesForDestination(sql, range),
      newUsersForDestination(sql, range),
      eventsMissedAtJoins(sql, range),
      stickyOwedTo(sql, range),
    ]);
    const lists = [events, changes, missed, sticky];
    const ends = [completeUpTo(range, ...lists), completeBefore(range, arrivals)];
    return {
      ...{ events: [...events, ...sticky], arrivals, missed },
      changes: await updates.chained(changes, range.after),
      upTo: Math.min(...ends),
    };
  }

  /** The changes of one transaction: of each device the newest. */
  async function changesOf(
    marks: readonly Mark[],
    after: number,
  ): Promise<readonly ChainedChange[]> {
    const newest = new Map<string, DeviceChangeRow>();
    for (const { change } of marks) {
      if (!change) continue;
      newest.delete(deviceKey(change));
      newest.set(deviceKey(change), change);
    }
    const changes = [...newest.values()];
    return changes.every(isChained) ? changes : updates.chained(changes, after);
  }

  async function pdusOf(
    server: ServerName,
    rows: readonly EventRow[],
  ): Promise<ReadonlyMap<number, JsonObject>> {
    const pdus = new Map<number, JsonObject>();
    if (rows.length === 0) return pdus;
    const found = await view.events(rows.map((row) => row.nid));
    for (const { nid, position, settled } of rows) {
      const stored = found.get(nid);
      if (!stored || !(settled || (await roomServers.mayHave(server, stored)))) continue;
      pdus.set(position, stored.event.pdu);
    }
    return pdus;
  }

  /** By the positions of the joins. */
  async function missedOf(
    server: ServerName,
    missed: readonly MissedAtJoin[],
  ): Promise<ReadonlyMap<number, JsonObject>> {
    const pdus = new Map<number, JsonObject>();
    for (const event of missed) {
      const pdu = await missedAtJoins.pdu(server, event);
      if (pdu !== undefined) pdus.set(event.position, pdu);
    }
    return pdus;
  }

  /** By position: updates of devices, and of users with whom the server has come to share a room. */
  async function updatesOf(
    marks: readonly Mark[],
    after: number,
  ): Promise<ReadonlyMap<number, readonly OutboundEdu[]>> {
    const byPosition = new Map<number, OutboundEdu[]>();
    const changes = await changesOf(marks, after);
    const edus = await updates.edusOf(changes);
    changes.forEach(({ position }, i) => byPosition.set(position, edus[i] ? [edus[i]] : []));
    const changed = new Set(
      changes.filter(({ deviceId }) => deviceId !== "").map(({ userId }) => userId),
    );
    const arrivals = marks.flatMap((mark) => mark.arrivals);
    const introductions = await updates.introductions(
      arrivals.map(({ userId, position }) => ({ userId, upTo: position })),
    );
    for (const { userId, position } of arrivals) {
      const own = (introductions.get(userId) ?? []).filter(
        (edu) => edu.edu_type !== "m.device_list_update" || !changed.has(userId),
      );
      byPosition.set(position, [...(byPosition.get(position) ?? []), ...own]);
    }
    return byPosition;
  }

  /** What a server is owed next in (after, upTo]: one transaction of at most `most` items. */
  async function read(
    server: ServerName,
    after: number,
    upTo: number,
    most: number,
  ): Promise<Backlog> {
    const owed = await owedTo(server, after, upTo);
    const { messages, complete } = await messagesForDestination(sql, {
      ...{ server, after, upTo: owed.upTo, limit: MAX_EDUS, length: MAX_MESSAGES_LENGTH },
    });
    const page = firstMarks(owed, messages, { after, upTo: complete }, most);
    const marks = [...page.marks.values()];
    const [pdus, missedPdus, edus] = await Promise.all([
      pdusOf(
        server,
        marks.flatMap(({ event }) => event ?? []),
      ),
      missedOf(
        server,
        marks.flatMap(({ missed }) => missed ?? []),
      ),
      updatesOf(marks, after),
    ]);
    const items = [...page.marks].map(([position, { message }]): OutboundItem => ({
      position,
      pdu: pdus.get(position) ?? missedPdus.get(position),
      edus: message ? [messageEdu(message.content)] : (edus.get(position) ?? []),
    }));
    return { items: items.filter(({ pdu, edus: own }) => pdu || own.length > 0), upTo: page.upTo };
  }

  return { read };
}

/** What there is at the first positions, as much as fits into one transaction. */
function firstMarks(
  { events, changes, arrivals, missed }: Owed,
  messages: readonly OutboundMessageRow[],
  { after, upTo }: { after: number; upTo: number },
  most: number,
): { marks: ReadonlyMap<number, Mark>; upTo: number } {
  const all = new Map<number, Mark>();
  const at = (position: number): Mark => {
    let mark = all.get(position);
    if (!mark) all.set(position, (mark = { arrivals: [] }));
    return mark;
  };
  const isIn = ({ position }: { position: number }) => position > after && position <= upTo;
  for (const event of events.filter(isIn)) at(event.position).event = event;
  for (const event of missed.filter(isIn)) at(event.position).missed = event;
  for (const message of messages.filter(isIn)) at(message.position).message = message;
  for (const change of changes.filter(isIn)) at(change.position).change = change;
  for (const row of arrivals.filter(isIn)) {
    const mark = at(row.position);
    if (mark.arrivals.length < MAX_SHARING) mark.arrivals.push(row);
  }
  const marks = new Map<number, Mark>();
  const room = new TransactionRoom(most);
  const changed = new Set<string>();
  for (const [position, mark] of [...all].sort(([a], [b]) => a - b)) {
    if (
      !room.take(
        mark.event || mark.missed ? 1 : 0,
        mostEdus(mark, changed),
        mark.message?.content.length ?? 0,
      )
    ) {
      return { marks, upTo: position - 1 };
    }
    if (mark.change) changed.add(deviceKey(mark.change));
    marks.set(position, mark);
  }
  return { marks, upTo };
}

/** How many EDUs a position may add; `changed` devices have theirs already. */
function mostEdus({ message, change, arrivals }: Mark, changed: ReadonlySet<string>): number {
  const isFirst = change !== undefined && !changed.has(deviceKey(change));
  return (message ? 1 : 0) + (isFirst ? 1 : 0) + 2 * arrivals.length;
}

/** Up to where lists of rows are complete that were cut at the range's limit, oldest first. */
function completeUpTo(
  { upTo, limit }: { upTo: number; limit: number },
  ...lists: readonly (readonly { readonly position: number }[])[]
): number {
  const ends = lists.map((rows) => (rows.length < limit ? upTo : rows.at(-1)!.position));
  return Math.min(...ends);
}

/** The same where several rows may have one position: those at the last one may not be all. */
function completeBefore(
  { upTo, limit }: { upTo: number; limit: number },
  rows: readonly SharingRow[],
): number {
  if (rows.length < limit) return upTo;
  return Math.max(rows[0]!.position, rows.at(-1)!.position - 1);
}

function isChained(change: DeviceChangeRow): change is ChainedChange {
  return "previous" in change;
}

/** The EDU of a message for devices: content as JSON object text. */
export function messageEdu(content: string): OutboundEdu {
  return { edu_type: "m.direct_to_device", content };
}
