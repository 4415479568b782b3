/**
 * Tokens of a walk through a space: they hold all that the next page needs, so that any replica
 * answers it, and nothing is kept for walks that nobody goes on with.
 */
import { createHash } from "node:crypto";
import { isRoomId, type RoomId } from "../protocol/identifiers.ts";
import type { ChildKey } from "../protocol/events/space-child.ts";
import { type Json, parseLoose } from "../protocol/json.ts";

/** Where a walk stands. */
export interface WalkPlace {
  /** From the root down: the child that each space was left at. */
  readonly path: readonly ChildKey[];
  /** The last child of the path is a space, and its children come next. */
  readonly isOpen: boolean;
  /** Rooms that came before, as `shortHash` has them. */
  readonly seen: ReadonlySet<string>;
}

/** What a walk is about: the same on all of its pages. */
export interface WalkQuery {
  readonly roomId: RoomId;
  readonly suggestedOnly: boolean;
  /** The root has depth 0. */
  readonly maxDepth: number;
}

/** 48 bits: among the thousand rooms of a walk two are alike once in half a billion walks. */
const HASH_CHARACTERS = 8;
const MAX_TOKEN = 16_384;
const MAX_PATH = 64;

/** A few characters that stand for a room. */
export function shortHash(roomId: RoomId): string {
  return createHash("sha256").update(roomId).digest("base64url").slice(0, HASH_CHARACTERS);
}

export function walkToken(query: WalkQuery, { path, isOpen, seen }: WalkPlace): string {
  const keys = path.map(({ order, ts, roomId }) => [order ?? null, ts, roomId]);
  const place = [aboutOf(query), keys, isOpen ? 1 : 0, [...seen].join("")];
  return `h${Buffer.from(JSON.stringify(place)).toString("base64url")}`;
}

/** The place; undefined for what is no token of a walk of this kind. */
export function walkPlace(query: WalkQuery, token: string): WalkPlace | undefined {
  if (!token.startsWith("h") || token.length > MAX_TOKEN) return undefined;
  const place = parsed(Buffer.from(token.slice(1), "base64url"));
  if (!Array.isArray(place)) return undefined;
  const [about, keys, isOpen, seen] = place;
  if (about !== aboutOf(query) || !Array.isArray(keys) || typeof seen !== "string")
    return undefined;
  const path = keys.slice(0, MAX_PATH).flatMap((key) => childKey(key) ?? []);
  if (path.length !== keys.length) return undefined;
  return { path, isOpen: isOpen === 1, seen: new Set(seen.match(/.{8}/gs)) };
}

function aboutOf({ roomId, suggestedOnly, maxDepth }: WalkQuery): string {
  return `${shortHash(roomId)}${suggestedOnly ? "s" : "a"}${maxDepth}`;
}

function childKey(key: Json): ChildKey | undefined {
  if (!Array.isArray(key)) return undefined;
  const [order, ts, roomId] = key;
  if (order !== null && typeof order !== "string") return undefined;
  if (typeof ts !== "number" || !isRoomId(roomId)) return undefined;
  return { order: order ?? undefined, ts, roomId };
}

function parsed(bytes: Buffer): Json | undefined {
  try {
    return parseLoose(bytes);
  } catch {
    return undefined;
  }
}
