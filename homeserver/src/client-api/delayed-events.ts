import type { DelayedEvent, DelayedEvents } from "../delayed-events/index.ts";
import type { Requester } from "../http/access/authenticate.ts";
import { stickyIn } from "./sticky.ts";
import { route, type Route } from "../http/route.ts";
import { errors, MatrixError } from "../protocol/errors.ts";
import { parseRoomId } from "../protocol/identifiers.ts";

/** Events that the server sends later. (MSC4140, in all its forms that clients use.) */
export function delayedEventsRoutes({
  delayedEvents,
}: {
  readonly delayedEvents: DelayedEvents;
}): Route[] {
  return [
    // PUT /_matrix/client/unstable/org.matrix.msc4140/rooms/{roomId}/delayed_event/{eventType}/{txnId}
    route("scheduleDelayedEvent", async ({ params, query, body, requester }) => {
      const delayMs = body.delay_ms ?? body.delay;
      if (delayMs === undefined) throw errors.missingParam("delay_ms is missing");
      const request = {
        by: requester,
        roomId: parseRoomId(params.roomId),
        type: params.eventType,
        stateKey: body.state_key,
        content: body.content,
        delayMs,
        txnId: params.txnId,
        originServerTs: requester.service && query.ts,
        stickyMs: stickyIn(query),
      };
      return { delay_id: await delayedEvents.schedule(request).catch(inNewWords) };
    }),

    // GET /_matrix/client/unstable/org.matrix.msc4140/delayed_events
    route("getDelayedEvents", async ({ query, requester: { userId } }) => {
      const only = ({ delayId }: DelayedEvent) => delayId === (query.delay_id ?? delayId);
      if (query.status !== "finalised") {
        const waiting = await delayedEvents.waiting(userId);
        return { delayed_events: waiting.filter(only).map(shown) };
      }
      const { events, next } = await delayedEvents.finalised(userId, query.from);
      return {
        delayed_events: events.filter(only).map(shown),
        ...(next === undefined ? {} : { next_batch: next }),
      };
    }),

    // GET /_matrix/client/unstable/org.matrix.msc4140/delayed_events/{delayId}
    route("getDelayedEvent", async ({ params, requester }) =>
      shown(await delayedEvents.one(requester.userId, params.delayId)),
    ),

    // POST /_matrix/client/unstable/org.matrix.msc4140/delayed_events/{delayId}
    route("updateDelayedEvent", ({ params, body, requester }) =>
      manage(delayedEvents, params.delayId, body.action, requester),
    ),

    // POST /_matrix/client/unstable/org.matrix.msc4140/delayed_events/{delayId}/cancel
    route("cancelDelayedEvent", ({ params, requester }) =>
      manage(delayedEvents, params.delayId, "cancel", requester),
    ),

    // POST /_matrix/client/unstable/org.matrix.msc4140/delayed_events/{delayId}/restart
    route("restartDelayedEvent", ({ params, requester }) =>
      manage(delayedEvents, params.delayId, "restart", requester),
    ),

    // POST /_matrix/client/unstable/org.matrix.msc4140/delayed_events/{delayId}/send
    route("sendDelayedEvent", ({ params, requester }) =>
      manage(delayedEvents, params.delayId, "send", requester),
    ),
  ];
}

/** Too long a delay is forbidden here, where former drafts have a code of its own. */
function inNewWords(error: unknown): never {
  const isOldWord = error instanceof MatrixError && error.errcode === "M_UNKNOWN";
  throw isOldWord ? new MatrixError(403, "M_FORBIDDEN", error.message, error.extra) : error;
}

/** Whoever shows a token manages their own events; without one the secret id suffices. */
async function manage(
  delayedEvents: DelayedEvents,
  delayId: string,
  action: "cancel" | "restart" | "send",
  requester: Requester | undefined,
): Promise<object> {
  await delayedEvents.manage(delayId, action, requester?.userId);
  return {};
}

function shown(event: DelayedEvent) {
  const { stateKey, finalised } = event;
  const outcome = finalised && {
    finalised_ts: finalised.ts,
    ...(finalised.eventId === undefined ? {} : { event_id: finalised.eventId }),
    ...(finalised.error === undefined ? {} : { error: finalised.error }),
  };
  return {
    delay_id: event.delayId,
    room_id: event.roomId,
    type: event.type,
    ...(stateKey === undefined ? {} : { state_key: stateKey }),
    content: event.content,
    ...{ delay_ms: event.delayMs, delay: event.delayMs },
    ...{ delayed_since_ts: event.sinceTs, running_since: event.sinceTs },
    ...(outcome === undefined ? {} : { finalised: outcome, ...outcome }),
  };
}

/** What of a request to send an event says that it is to be sent later. */
interface DelayQuery {
  readonly "org.matrix.msc4140.delay"?: number | undefined;
  readonly "org.matrix.msc4140.parent_delay_id"?: string | undefined;
}

/**
 * The delay that a request to send an event asks for, ms; undefined: at once.
 * @throws MatrixError M_INVALID_PARAM for what would not be sent when its sender thinks
 */
export function delayIn(query: DelayQuery): number | undefined {
  if (query["org.matrix.msc4140.parent_delay_id"] !== undefined) {
    throw errors.invalidParam("Events that follow another one are not offered");
  }
  return query["org.matrix.msc4140.delay"];
}
