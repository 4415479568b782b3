import { route, type Route } from "../http/route.ts";
import { readSyncToken } from "../log/token.ts";
import { errors, matrixError, MatrixError } from "../protocol/errors.ts";
import { mayBeThreadRoot } from "../protocol/events/relations.ts";
import { parseEventId, parseRoomId, type UserId } from "../protocol/identifiers.ts";
import type { Rooms, StoredEvent } from "../rooms/api/index.ts";
import { MAX_THREAD_CHANGES, readThreadsToken, threadChangesPage } from "../sync/index.ts";
import type { Users } from "../users/users.ts";

export interface ThreadSubscriptionsDeps {
  readonly users: Pick<Users, "threadSubscriptions">;
  readonly rooms: Pick<Rooms, "view" | "history">;
}

/** Threads that one follows. (MSC4306, MSC4308.) */
export function threadSubscriptionsRoutes(deps: ThreadSubscriptionsDeps): Route[] {
  const { threadSubscriptions } = deps.users;
  const { view, history } = deps.rooms;

  /** @throws MatrixError 404 M_NOT_FOUND when the user may not see it, or no thread begins there */
  async function rootOf(
    userId: UserId,
    params: { readonly roomId: string; readonly eventId: string },
  ): Promise<StoredEvent> {
    const [roomId, eventId] = [parseRoomId(params.roomId), parseEventId(params.eventId)];
    const root = await history.visibleEvent(userId, roomId, eventId);
    if (!mayBeThreadRoot(root.event)) throw errors.notFound("No thread begins with that event");
    return root;
  }

  const threadOf = ({ roomNid, event }: StoredEvent) => ({ roomNid, root: event.eventId });

  /** Log position of the event for which a client follows a thread by itself. */
  async function causeIn(userId: UserId, root: StoredEvent, id: string): Promise<number> {
    const eventId = parseEventId(id);
    const { roomId } = root.event;
    const cause = await history.visibleEvent(userId, roomId, eventId).catch(unlessMissing);
    const thread = cause && (await view.threadOf(cause));
    if (cause === undefined || thread !== root.event.eventId) {
      throw matrixError("IO.ELEMENT.MSC4306.M_NOT_IN_THREAD", "The cause is not in the thread");
    }
    return cause.position ?? 0;
  }

  return [
    // GET /_matrix/client/unstable/io.element.msc4306/rooms/{roomId}/thread/{eventId}/subscription
    route("getThreadSubscription", async ({ params, requester: { userId } }) =>
      threadSubscriptions.get(userId, threadOf(await rootOf(userId, params))),
    ),

    // PUT /_matrix/client/unstable/io.element.msc4306/rooms/{roomId}/thread/{eventId}/subscription
    route("putThreadSubscription", async ({ params, body, requester: { userId } }) => {
      const root = await rootOf(userId, params);
      const { automatic } = body;
      const causedAt = automatic === undefined ? undefined : await causeIn(userId, root, automatic);
      await threadSubscriptions.follow(userId, threadOf(root), causedAt);
      return {};
    }),

    // DELETE /_matrix/client/unstable/io.element.msc4306/rooms/{roomId}/thread/{eventId}/subscription
    route("deleteThreadSubscription", async ({ params, requester: { userId } }) => {
      await threadSubscriptions.cease(userId, threadOf(await rootOf(userId, params)));
      return {};
    }),

    // GET /_matrix/client/unstable/io.element.msc4308/thread_subscriptions
    route("getThreadSubscriptions", async ({ query, requester: { userId } }) => {
      const from = query.from === undefined ? undefined : readThreadsToken(query.from);
      const to = query.to === undefined ? undefined : readSyncToken(query.to);
      if ((query.from !== undefined && !from) || (query.to !== undefined && !to)) {
        throw errors.invalidParam("from or to is not one that this server gave out");
      }
      const limit = Math.min(query.limit ?? MAX_THREAD_CHANGES, MAX_THREAD_CHANGES);
      const range = {
        after: Math.min(to?.position ?? 0, from?.after ?? Infinity),
        upTo: from?.upTo ?? Number.MAX_SAFE_INTEGER,
        limit,
      };
      const { body, end } = await threadChangesPage(threadSubscriptions.changes, userId, range);
      return { ...body, ...(end !== undefined && { end }) };
    }),
  ];
}

/** @throws what else is wrong */
function unlessMissing(error: unknown): undefined {
  if (error instanceof MatrixError && error.errcode === "M_NOT_FOUND") return undefined;
  throw error;
}
