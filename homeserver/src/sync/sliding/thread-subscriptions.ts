/** Threads that users follow, as clients of sliding sync are told of them. (MSC4308.) */
import type { UserId } from "../../protocol/identifiers.ts";
import type {
  ThreadSubscriptionChange,
  ThreadSubscriptions,
} from "../../users/data/thread-subscriptions.ts";
import { JsonText } from "../sections/json-text.ts";
import type { SlidingScope } from "./sliding-scope.ts";

export const THREADS_EXTENSION = "io.element.msc4308.thread_subscriptions";

/** Changes in one answer, at most, and unless the client says otherwise. */
export const MAX_THREAD_CHANGES = 100;

interface FollowedThread {
  readonly automatic: boolean;
  readonly bump_stamp: number;
}

/** Room → root → what is so now. */
type ByThread<T> = Readonly<Record<string, Readonly<Record<string, T>>>>;

interface ThreadChanges {
  readonly subscribed?: ByThread<FollowedThread>;
  readonly unsubscribed?: ByThread<Pick<FollowedThread, "bump_stamp">>;
}

/** Log positions: after < position ≤ upTo. */
interface Range {
  readonly after: number;
  readonly upTo: number;
  readonly limit: number;
}

/** `t<upTo>_<after>`: from where on, backwards, and how far at most. */
const TOKEN = /^t(\d{1,15})_(\d{1,15})$/;

/** undefined: it is not one of ours. */
export function readThreadsToken(text: string): Pick<Range, "after" | "upTo"> | undefined {
  const [, upTo, after] = TOKEN.exec(text) ?? [];
  return upTo === undefined ? undefined : { after: Number(after), upTo: Number(upTo) };
}

/** The newest changes of a range, and the token for those before them, if there are any. */
export async function threadChangesPage(
  changes: ThreadSubscriptions["changes"],
  userId: UserId,
  range: Range,
): Promise<{ body: ThreadChanges; end: string | undefined; isEmpty: boolean }> {
  const found = await changes(userId, { ...range, limit: range.limit + 1 });
  const told = found.slice(0, range.limit);
  const next = found.length > told.length ? told.at(-1)!.position - 1 : undefined;
  return {
    body: bodyOf(told),
    end: next === undefined ? undefined : `t${next}_${range.after}`,
    isEmpty: told.length === 0,
  };
}

function bodyOf(changes: readonly ThreadSubscriptionChange[]): ThreadChanges {
  const [followed, ended] = [
    changes.filter(({ state }) => state !== "none"),
    changes.filter(({ state }) => state === "none"),
  ];
  const subscribed = byThread(followed, ({ state, position }) => ({
    automatic: state === "automatic",
    bump_stamp: position,
  }));
  const unsubscribed = byThread(ended, ({ position }) => ({ bump_stamp: position }));
  return {
    ...(followed.length > 0 && { subscribed }),
    ...(ended.length > 0 && { unsubscribed }),
  };
}

function byThread<T>(
  changes: readonly ThreadSubscriptionChange[],
  show: (change: ThreadSubscriptionChange) => T,
): ByThread<T> {
  const byRoom = Map.groupBy(changes, ({ roomId }) => roomId);
  return Object.fromEntries(
    [...byRoom].map(([roomId, ofRoom]) => [
      roomId,
      Object.fromEntries(ofRoom.map((change) => [change.root, show(change)])),
    ]),
  );
}

/** The extension: its text, and whether there is nothing new. */
export function createThreadsExtension(changes: ThreadSubscriptions["changes"]) {
  return async function threads({
    scope,
    body,
    state,
  }: SlidingScope): Promise<[JsonText, boolean] | undefined> {
    const { user, userId, since, upTo } = scope;
    const after = state.extensions.includes(THREADS_EXTENSION) ? (since?.position ?? 0) : 0;
    if (after > 0 && user.threadsAt <= after) return undefined;
    const wanted = body.extensions[THREADS_EXTENSION]?.limit ?? MAX_THREAD_CHANGES;
    const limit = Math.max(1, Math.min(wanted, MAX_THREAD_CHANGES));
    const range = { after, upTo: upTo.position, limit };
    const page = await threadChangesPage(changes, userId, range);
    if (page.isEmpty) return undefined;
    const text = new JsonText();
    for (const [name, value] of Object.entries(page.body)) text.member(name, JSON.stringify(value));
    if (page.end !== undefined) text.member("prev_batch", JSON.stringify(page.end));
    return [text, false];
  };
}
