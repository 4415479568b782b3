import { streamOf } from "../storage/streams/index.ts";
import { forgottenOf, membershipsOf } from "../storage/streams/stream.ts";
import type { Append } from "../storage/append/types.ts";

/**
 * Limits of one group, in appends and in bytes of event text: groups of 50 to 200 measured best.
 */
const MAX_APPENDS = 200;
const MAX_BYTES = 4 * 1024 * 1024;

export interface Queued {
  append: Append;
}

/**
 * Takes the next group from the front of the queue. It ends before an append that cannot share a
 * statement with one in it, so that the order is kept.
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
  // It is not built on the one before: the database must judge it afterwards.
  if (before !== undefined && before !== head?.expectedVersion) return true;
  // It updates stored events: appends before it in the group may contain or change the same ones.
  if (before !== undefined && append.recomputed !== undefined) return true;
  return [...claimsOf(append), ...needsOf(append)].some((key) => written.has(key));
}

/** Keys that no other append of the group may write: a statement can change a row only once. */
function claimsOf(append: Append): string[] {
  const keys = (append.events ?? []).map(({ event }) => `e ${event.eventId}`);
  const { transaction: txn } = append;
  if (txn !== undefined) {
    keys.push(`t ${JSON.stringify([txn.userId, txn.deviceId, txn.scope, txn.txnId])}`);
  }
  for (const row of append.missing?.add ?? []) keys.push(`m ${row.eventId}`);
  // What a user has forgotten depends on each of their memberships, in order.
  for (const { roomNid, userId } of append.memberships ?? []) keys.push(`u ${roomNid} ${userId}`);
  for (const row of append.records ?? []) {
    const key = streamOf(row.kind)?.claims?.(row);
    if (key !== undefined) keys.push(key);
  }
  // The redaction changes its target's row, as giving an outlier its place does.
  for (const row of append.redactions ?? []) {
    if (row.redactedJson !== undefined) keys.push(`e ${row.targetEventId}`);
  }
  if (append.recomputed !== undefined) keys.push(recomputedKey(append.head?.roomNid));
  return keys;
}

/** Keys that must be in the tables beforehand: a statement does not see its own inserts. */
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

/** It may change any event of the room. */
function recomputedKey(roomNid: number | undefined): string {
  return `s ${roomNid}`;
}

function bytesOf(append: Append): number {
  let bytes = 0;
  for (const { event } of append.events ?? []) bytes += event.json().length;
  for (const row of append.records ?? []) {
    const stream = streamOf(row.kind);
    if (stream?.bytes) bytes += stream.bytes(stream.toRecord(row, []));
    bytes += stream?.rowBytes?.(row) ?? 0;
  }
  return bytes;
}
