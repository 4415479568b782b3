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
  /** End of the log in the database: another replica may be ahead of this one. */
  readonly end: () => Promise<number>;
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

  /** As of now: nothing may be awaited between this and the reading of the person's rooms. */
  function scopeOf(
    request: SyncRequest,
    person: Person,
    since: SyncToken | undefined,
    ignored: ReadonlySet<string>,
  ): Scope {
    const { position, ephemeral } = here();
    return {
      person,
      userId: request.userId,
      deviceId: request.deviceId,
      device: `${request.userId} ${request.deviceId}`,
      since,
      upTo: {
        position: Math.max(position, since?.position ?? 0),
        ephemeral: Math.max(ephemeral, since?.ephemeral ?? 0),
      },
      filter: request.filter,
      fullState: request.fullState,
      stateAfter: request.stateAfter,
      ignored,
    };
  }

  /** A token of before a restore of the database, or made up, is not ahead of the server. */
  async function clamp({ position, ephemeral }: SyncToken): Promise<SyncToken> {
    const now = here();
    const isAhead = position > now.position && position > (await deps.end());
    return {
      position: isAhead ? now.position : position,
      ephemeral: Math.min(ephemeral, now.ephemeral),
    };
  }

  async function compute(request: SyncRequest, since: SyncToken | undefined) {
    const person = await deps.people.get(request.userId);
    const ignored = await deps.ignoredBy(request.userId);
    const scope = scopeOf(request, person, since, ignored);
    return { upTo: scope.upTo, ...(await deps.compute(scope)) };
  }

  /** The body as JSON text. An aborted request is answered at once, with what there is. */
  return async function sync(request: SyncRequest): Promise<string> {
    if (request.since === undefined) return (await compute(request, undefined)).body;
    let since = await clamp(parseSyncToken(request.since));
    const until = deps.now() + Math.min(request.timeout, LONGEST_WAIT_MS);
    for (;;) {
      // Anew each time: who was not in memory meanwhile was told nothing.
      const person = await deps.people.get(request.userId);
      if (request.fullState || !isIdle(person, since)) {
        const { body, empty, upTo } = await compute(request, since);
        if (!empty || request.fullState) return body;
        since = upTo; // nothing for this client so far
      }
      const left = until - deps.now();
      if (left <= 0 || request.signal.aborted) {
        return `{"next_batch":"${formatSyncToken(since)}"}`;
      }
      if (isIdle(person, since)) await deps.waker.wait(person, left, request.signal);
    }
  };
}
