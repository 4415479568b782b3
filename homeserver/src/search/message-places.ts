/** Tokens of searches: where the next page begins, and of which group it is. */
import { isIndexable } from "../protocol/text.ts";

export type SearchOrder = "recent" | "rank";

/** The last event of the pages before; Infinity for time and rank: there were none. */
export interface SearchPlace {
  readonly order: SearchOrder;
  /** Its time, ms. */
  readonly ts: number;
  readonly nid: number;
  /** How well it fits. The same for all where the order is another. */
  readonly rank: number;
  /** The greatest nid when the search began; what came later is not on its pages by rank. */
  readonly upTo: number;
  /** Of a group alone. */
  readonly group?: SearchGroup | undefined;
}

export interface SearchGroup {
  readonly key: "room_id" | "sender";
  readonly value: string;
}

const MAX_TOKEN = 2048;

export function searchToken({ order, ts, nid, rank, upTo, group }: SearchPlace): string {
  const ofGroup = group === undefined ? [] : [group.key, group.value];
  const place = [order, ts, nid, rank, upTo, ...ofGroup];
  return `f${Buffer.from(JSON.stringify(place)).toString("base64url")}`;
}

/** Undefined for what is no token of a search in this order. */
export function searchPlace(token: string, order: SearchOrder): SearchPlace | undefined {
  if (!token.startsWith("f") || token.length > MAX_TOKEN) return undefined;
  let place: unknown;
  try {
    place = JSON.parse(Buffer.from(token.slice(1), "base64url").toString());
  } catch {
    return undefined;
  }
  if (!Array.isArray(place) || place[0] !== order) return undefined;
  const [, ts, nid, rank, upTo, key, value] = place as unknown[];
  if (!isCount(ts) || !isCount(nid) || !isCount(upTo)) return undefined;
  if (typeof rank !== "number" || !Number.isFinite(rank)) return undefined;
  const found = { order, ts, nid, rank, upTo };
  if (key === undefined) return found;
  if ((key !== "room_id" && key !== "sender") || !isIndexable(value)) return undefined;
  return { ...found, group: { key, value } };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
