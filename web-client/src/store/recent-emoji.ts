import { number, object, text, type Content } from "../api/types.ts";
import type { Client } from "./client.ts";

const TYPE = "m.recent_emoji";
/** That many are kept in the account, at most. */
const MAX_KEPT = 100;

type Recent = { emoji: string; total: number };

/** The well-formed entries as they stand, the latest first: others' too, whose emoji Weft may not know. */
function entriesOf(content: Content | undefined): Recent[] {
  const told = content?.["recent_emoji"];
  if (!Array.isArray(told)) return [];
  return told.slice(0, MAX_KEPT).flatMap((raw): Recent[] => {
    const entry = object({ entry: raw }, "entry");
    const [emoji, total] = [text(entry, "emoji"), number(entry, "total")];
    const isSound = emoji !== undefined && Number.isSafeInteger(total) && total! >= 0;
    return isSound ? [{ ...entry, emoji, total: total! }] : [];
  });
}

/** What was chosen lately, the latest first. */
export function recentEmoji({ store }: Pick<Client, "store">): string[] {
  return entriesOf(store.accountData.get(TYPE)).map(({ emoji }) => emoji);
}

let writing = Promise.resolve();

/** Notes that an emoji was chosen, for all devices of the account. Nothing depends on it: a failure is forgotten. */
export function noteEmoji({ store, api }: Pick<Client, "store" | "api">, emoji: string): void {
  const entries = entriesOf(store.accountData.get(TYPE));
  const known = entries.find((entry) => entry.emoji === emoji);
  const first = { ...known, emoji, total: Math.min((known?.total ?? 0) + 1, 2 ** 53 - 1) };
  const rest = entries.filter((entry) => entry !== known);
  const content = { recent_emoji: [first, ...rest].slice(0, MAX_KEPT) };
  store.takeAccountData(TYPE, content);
  writing = writing
    .then(() => api.account.setAccountData(TYPE, content))
    .then(
      () => undefined,
      () => undefined,
    );
}
