import { streamOf } from "../storage/streams/index.ts";
import { forgottenOf, membershipsOf } from "../storage/streams/stream.ts";
import type { Append } from "../storage/append/types.ts";

/** Most appends in one group, and most bytes of event text: groups of 50 to 200 were measured to be best. */
const MAX_APPENDS = 200;
const MAX_BYTES = 4 * 1024 * 1024;

export interface Queued {
  append: Append;
}

/**
 * Takes the next group off the queue's front. It ends before what can't share a statement with something in
 * it: the order is kept.
 */
export function takeGroup<Q extends Queued>(queue: Q[]): Q[] {
  const written = new Set<string>();
  const heads = new Map<number, number>();
  let bytes = 0;
  let count = 0;
  for (const { append } of queue) {
    if (count >= MAX_APPENDS || bytes >= MAX_BYTES || conflictsWith(append, written, heads)) break;
    for (const key of claimsOf(append)) written.add(key);
    const [member] = append.memberships ?? [];
    if (member !== undefined) written.add(membershipsOf(member.roomNid));
    if (append.head !== undefined) heads.set(append.head.roomNid, append.head.version);
    bytes += bytesOf(append);
    count += 1;
  }
  return queue.splice(0, count);
}

function conflictsWith(
  append: Append,
  written: ReadonlySet<string>,
  heads: ReadonlyMap<number, number>,
): boolean {
  const { head } = append;
  const before = head === undefined ? undefined : heads.get(head.roomNid);
  // Not built on what is in front of it: the database must judge it after that.
  if (before !== undefined && before !== head?.expectedVersion) return true;
  // It changes rows of events that are here: those in front of it may be among them, or change the same ones.
  if (before !== undefined && append.recomputed !== undefined) return true;
  return [...claimsOf(append), ...needsOf(append)].some((key) => written.has(key));
}

/** What an append writes that no other of its group may touch: a statement changes a row once. */
function claimsOf(append: Append): string[] {
  const keys = (append.events ?? []).map(({ event }) => `e ${event.eventId}`);
  const { transaction: txn } = append;
  if (txn !== undefined) {
    keys.push(`t ${JSON.stringify([txn.userId, txn.deviceId, txn.scope, txn.txnId])}`);
  }
  for (const row of append.missing?.add ?? []) keys.push(`m ${row.eventId}`);
  for (const row of append.records ?? []) {
    const key = streamOf(row.kind)?.claims?.(row);
    if (key !== undefined) keys.push(key);
  }
  // The target's row is changed, as by what gives an outlier its place.
  for (const row of append.redactions ?? []) {
    if (row.redactedJson !== undefined) keys.push(`e ${row.targetEventId}`);
  }
  if (append.recomputed !== undefined) keys.push(recomputedKey(append.head?.roomNid));
  return keys;
}

/** What must be in the tables before: a statement doesn't see what it inserts itself. */
function needsOf(append: Append): string[] {
  const keys = (append.missing?.remove ?? []).map((row) => `m ${row.eventId}`);
  const own = new Set<string>((append.events ?? []).map(({ event }) => event.eventId));
  keys.push(recomputedKey(append.head?.roomNid ?? append.events?.[0]?.roomNid));
  for (const row of append.records ?? []) {
    const key = streamOf(row.kind)?.needs?.(row);
    if (key !== undefined) keys.push(key);
  }
  const [member] = append.memberships ?? [];
  if (member !== undefined) keys.push(forgottenOf(member.roomNid));
  for (const row of append.redactions ?? []) {
    if (!own.has(row.targetEventId)) keys.push(`e ${row.targetEventId}`);
  }
  return keys;
}

/** Any event of the room may be changed. */
function recomputedKey(roomNid: number | undefined): string {
  return `s ${roomNid}`;
}

function bytesOf(append: Append): number {
  let bytes = 0;
  for (const { event } of append.events ?? []) bytes += event.json().length;
  for (const row of append.records ?? []) {
    const stream = streamOf(row.kind);
    bytes += stream?.bytes?.(stream.toRecord(row)) ?? 0;
  }
  return bytes;
}
