/** Tokens of searches: where the next page begins, and of which group it is. */
import { parseLoose } from "../protocol/json.ts";
import { isIndexable } from "../protocol/text.ts";

export type SearchOrder = "recent" | "rank";

export interface SearchPlace {
  readonly order: SearchOrder;
  /** recent: the time of the last event, ms; rank: how many came before. */
  readonly at: number;
  /** recent: its nid; rank: the greatest nid when the search began. */
  readonly nid: number;
  /** Of a group alone. */
  readonly group?: SearchGroup | undefined;
}

export interface SearchGroup {
  readonly key: "room_id" | "sender";
  readonly value: string;
}

const MAX_TOKEN = 2048;

export function searchToken({ order, at, nid, group }: SearchPlace): string {
  const place = [order, at, nid, ...(group === undefined ? [] : [group.key, group.value])];
  return `f${Buffer.from(JSON.stringify(place)).toString("base64url")}`;
}

/** Undefined for what is no token of a search in this order. */
export function searchPlace(token: string, order: SearchOrder): SearchPlace | undefined {
  if (!token.startsWith("f") || token.length > MAX_TOKEN) return undefined;
  let place: unknown;
  try {
    place = parseLoose(Buffer.from(token.slice(1), "base64url"));
  } catch {
    return undefined;
  }
  if (!Array.isArray(place) || place[0] !== order) return undefined;
  const [, at, nid, key, value] = place as unknown[];
  if (!isCount(at) || !isCount(nid)) return undefined;
  if (key === undefined) return { order, at, nid };
  if ((key !== "room_id" && key !== "sender") || !isIndexable(value)) return undefined;
  return { order, at, nid, group: { key, value } };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
