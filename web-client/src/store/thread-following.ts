import { ApiError } from "../api/errors.ts";
import { object, text, type Content, type MatrixEvent } from "../api/types.ts";
import type { Client } from "./client.ts";
import type { Room } from "./room.ts";

const RULE = ".io.element.msc4306.rule.subscribed_thread";

/** Whether the account follows threads at all: its rules about them are switched on. */
function followsThreads(rules: Content | undefined): boolean {
  const all = Object.values(object(rules, "global") ?? {}).flatMap((kind) =>
    Array.isArray(kind) ? kind : [],
  );
  return all.some((rule) => {
    const one = object({ rule }, "rule");
    return text(one, "rule_id") === RULE && one?.["enabled"] === true;
  });
}

/** Follows a thread by hand, or ceases to. The first one switches the account's rules about threads on. */
export async function setFollowed(
  client: Client,
  room: Room,
  root: string,
  on: boolean,
): Promise<void> {
  if (on) await client.api.reading.follow(room.roomId, root);
  else await client.api.reading.unfollow(room.roomId, root);
}

const tried = new Set<string>();

/**
 * Follows a thread because the person wrote in it. Only for accounts that follow threads already: with the first one all others
 * fall silent, which is for the person to choose. Answers whether it is followed now.
 */
export async function followByItself(
  client: Client,
  room: Room,
  root: string,
  cause: MatrixEvent,
): Promise<boolean> {
  if (!followsThreads(client.store.accountData.get("m.push_rules"))) return false;
  if (tried.has(cause.event_id)) return false;
  tried.add(cause.event_id);
  if (tried.size > 500) tried.delete(tried.values().next().value!);
  try {
    await client.api.reading.follow(room.roomId, root, cause.event_id);
    return true;
  } catch (error) {
    // They ceased to follow it after they had written this, or cannot follow more.
    if (error instanceof ApiError) return false;
    tried.delete(cause.event_id);
    return false;
  }
}
