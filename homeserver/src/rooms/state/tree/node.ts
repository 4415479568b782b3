/**
 * Packed nodes of the state tree. leaf: 0x00, then entries of 12 bytes sorted by tuple nid: tuple
 * nid (48 bits), event nid (48 bits) branch: 0x01, bitmap of children (32 bits), number of entries
 * below (32 bits), then 16 bytes of hash per child A node's name is the first 16 bytes of the
 * SHA-256 of its bytes. A subtree of at most LEAF_MAX entries is one leaf, anything larger a
 * branch: so the same entries give the same tree whatever the order they came in.
 */
import { hash } from "node:crypto";

export const LEAF_MAX = 128;
const HASH_BYTES = 16;
/** At this level all 32 mixed bits are used up, so that a leaf below may grow without limit. */
export const MAX_LEVEL = 6;

const ENTRY_BYTES = 12;
const BRANCH_HEADER = 9;

/** tuple nid, event nid */
export type Entry = [tuple: number, event: number];

/** A node's name inside the process: 16 characters, one per byte. */
export type NodeKey = string;

export function keyOf(data: Buffer): NodeKey {
  return hash("sha256", data, "buffer").toString("latin1", 0, HASH_BYTES);
}

/** Which of a branch's 32 children holds this tuple. */
export function slotOf(tuple: number, level: number): number {
  return (mix(tuple) >>> (level * 5)) & 31;
}

/** Spreads neighbouring ids over all 32 bits (the finaliser of MurmurHash3). */
function mix(tuple: number): number {
  let h = (tuple | 0) ^ Math.imul(Math.floor(tuple / 0x1_0000_0000), 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

export function isLeaf(node: Buffer): boolean {
  return node[0] === 0;
}

export function countOf(node: Buffer): number {
  return isLeaf(node) ? (node.length - 1) / ENTRY_BYTES : node.readUInt32BE(5);
}

export function encodeLeaf(entries: readonly Entry[]): Buffer {
  const data = Buffer.allocUnsafeSlow(1 + entries.length * ENTRY_BYTES);
  data[0] = 0;
  let at = 1;
  for (const [tuple, event] of entries) {
    data.writeUIntBE(tuple, at, 6);
    data.writeUIntBE(event, at + 6, 6);
    at += ENTRY_BYTES;
  }
  return data;
}

export function leafEntries(leaf: Buffer): Entry[] {
  const entries: Entry[] = [];
  for (let at = 1; at < leaf.length; at += ENTRY_BYTES) {
    entries.push([leaf.readUIntBE(at, 6), leaf.readUIntBE(at + 6, 6)]);
  }
  return entries;
}

export function leafGet(leaf: Buffer, tuple: number): number | undefined {
  let low = 0;
  let high = (leaf.length - 1) / ENTRY_BYTES - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const at = 1 + middle * ENTRY_BYTES;
    const found = leaf.readUIntBE(at, 6);
    if (found === tuple) return leaf.readUIntBE(at + 6, 6);
    if (found < tuple) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}

/** `children` has 32 entries. */
export function encodeBranch(children: readonly (NodeKey | undefined)[], count: number): Buffer {
  let bitmap = 0;
  let used = 0;
  for (let slot = 0; slot < 32; slot++) {
    if (children[slot] !== undefined) {
      bitmap |= 1 << slot;
      used += 1;
    }
  }
  const data = Buffer.allocUnsafeSlow(BRANCH_HEADER + used * HASH_BYTES);
  data[0] = 1;
  data.writeInt32BE(bitmap, 1);
  data.writeUInt32BE(count, 5);
  let at = BRANCH_HEADER;
  for (let slot = 0; slot < 32; slot++) {
    const child = children[slot];
    if (child === undefined) continue;
    data.write(child, at, HASH_BYTES, "latin1");
    at += HASH_BYTES;
  }
  return data;
}

/** The 32 children of a branch. */
export function branchChildren(branch: Buffer): (NodeKey | undefined)[] {
  const bitmap = branch.readInt32BE(1);
  const children: (NodeKey | undefined)[] = [];
  let at = BRANCH_HEADER;
  for (let slot = 0; slot < 32; slot++) {
    if ((bitmap & (1 << slot)) === 0) {
      children.push(undefined);
      continue;
    }
    children.push(branch.toString("latin1", at, at + HASH_BYTES));
    at += HASH_BYTES;
  }
  return children;
}

export function branchChild(branch: Buffer, slot: number): NodeKey | undefined {
  const bitmap = branch.readInt32BE(1);
  if ((bitmap & (1 << slot)) === 0) return undefined;
  const at = BRANCH_HEADER + popcount(bitmap & ((1 << slot) - 1)) * HASH_BYTES;
  return branch.toString("latin1", at, at + HASH_BYTES);
}

function popcount(bits: number): number {
  let n = bits - ((bits >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
