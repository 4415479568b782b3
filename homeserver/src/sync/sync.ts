import type { Log } from "../log/types.ts";
import type { SyncFilter } from "../protocol/filter.ts";
import type { UserId } from "../protocol/identifiers.ts";
import type { Compute } from "./compute.ts";
import type { People, Person } from "./people.ts";
import type { Scope } from "./scope.ts";
import { formatSyncToken, parseSyncToken, type SyncToken } from "./token.ts";
import type { Waker } from "./wake.ts";

/** GET /sync, its parameters checked for shape. */
export interface SyncRequest {
  readonly userId: UserId;
  readonly deviceId: string;
  readonly since: string | undefined;
  readonly filter: SyncFilter;
  readonly fullState: boolean;
  readonly stateAfter: Scope["stateAfter"];
  /** ms to wait for something new. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

export interface SyncDeps {
  readonly log: Pick<Log, "position">;
  readonly people: People;
  readonly waker: Waker;
  readonly compute: Compute;
  readonly ignoredBy: (userId: UserId) => Promise<ReadonlySet<string>>;
  /** Serial of the last change among what is not in the log. */
  readonly ephemeralSerial: () => number;
  readonly now: () => number;
}

const LONGEST_WAIT_MS = 120_000;

/** Answers GET /sync: computes at once where there is news, otherwise waits for it. */
export function createLongPoll(deps: SyncDeps) {
  function here(): SyncToken {
    return { position: deps.log.position, ephemeral: deps.ephemeralSerial() };
  }

  function isIdle(person: Person, since: SyncToken): boolean {
    return person.changedAt <= since.position && person.ephemeralAt <= since.ephemeral;
  }

  async function scopeOf(
    request: SyncRequest,
    person: Person,
    since: SyncToken | undefined,
  ): Promise<Scope> {
    return {
      person,
      userId: request.userId,
      deviceId: request.deviceId,
      device: `${request.userId} ${request.deviceId}`,
      since,
      upTo: here(),
      filter: request.filter,
      fullState: request.fullState,
      stateAfter: request.stateAfter,
      ignored: await deps.ignoredBy(request.userId),
    };
  }

  /** The body as JSON text. An aborted request is answered at once, with what there is. */
  return async function sync(request: SyncRequest): Promise<string> {
    const person = await deps.people.get(request.userId);
    if (request.since === undefined) {
      return (await deps.compute(await scopeOf(request, person, undefined))).body;
    }
    let since = clamp(parseSyncToken(request.since), here());
    const until = deps.now() + Math.min(request.timeout, LONGEST_WAIT_MS);
    for (;;) {
      if (request.fullState || !isIdle(person, since)) {
        const scope = await scopeOf(request, person, since);
        const { body, empty } = await deps.compute(scope);
        if (!empty || request.fullState) return body;
        since = scope.upTo; // nothing for this client so far
      }
      const left = until - deps.now();
      if (left <= 0 || request.signal.aborted) {
        return `{"next_batch":"${formatSyncToken(since)}"}`;
      }
      if (isIdle(person, since)) await deps.waker.wait(person, left, request.signal);
    }
  };
}

/** A token from before a restore of the database, or made up, is not ahead of the server. */
function clamp(since: SyncToken, now: SyncToken): SyncToken {
  return {
    position: Math.min(since.position, now.position),
    ephemeral: Math.min(since.ephemeral, now.ephemeral),
  };
}
