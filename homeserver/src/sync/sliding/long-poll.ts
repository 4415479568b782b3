import type { Log } from "../../log/types.ts";
import type { SyncToken } from "../../log/token.ts";
import { deviceKey, type UserId } from "../../protocol/identifiers.ts";
import { parseFilter } from "../../protocol/filter.ts";
import type { SessionWatch } from "../../users/sessions/session-watch.ts";
import type { SharerLookUps } from "../users/sharer-lookups.ts";
import { isIdleSince, type SyncingUser } from "../users/syncing-user.ts";
import type { SyncingUsers } from "../users/syncing-users.ts";
import type { UserPreferences } from "../users/preferences.ts";
import { MAX_WAIT_MS, type Waker } from "../users/wake.ts";
import type { Scope } from "../sections/scope.ts";
import type { SlidingCompute, SlidingComputed } from "./compute.ts";
import { type ConnectionState, newConnection } from "./connection-state.ts";
import type { Connections } from "./connections.ts";
import type { OwnReceipts } from "./own-receipts.ts";
import { formatPosition, parsePosition, unknownPosition } from "./position.ts";
import { wantedFields } from "./profiles.ts";
import type { SlidingBody } from "./request.ts";
import type { WindowsOf } from "./windows.ts";

/** A request of sliding sync, with its parameters validated. */
export interface SlidingRequest {
  readonly userId: UserId;
  readonly deviceId: string;
  readonly pos: string | undefined;
  readonly body: SlidingBody;
  /** ms to wait for something new. */
  readonly timeout: number;
  /** Aborts when the client is gone or the server drains. */
  readonly signal: () => AbortSignal;
  /** Watches the session that the request is made in. Absent: it cannot end by itself. */
  readonly watch?: () => SessionWatch;
}

export interface SlidingDeps {
  readonly log: Pick<Log, "position">;
  readonly syncingUsers: SyncingUsers;
  readonly sharerLookUps: Pick<SharerLookUps, "settledUpTo" | "settled">;
  readonly waker: Waker;
  readonly preferences: Pick<UserPreferences, "ignoredBy">;
  readonly windows: Pick<WindowsOf, "grounds">;
  readonly ownReceipts: OwnReceipts;
  readonly compute: SlidingCompute;
  readonly connections: Connections;
  readonly ephemeralSerial: () => number;
  /** End of the log in the database: another replica may be ahead of this one. */
  readonly end: () => Promise<number>;
  readonly now: () => number;
}

/** What the client has: the state of the connection, and up to where it was told. */
interface Told {
  readonly state: ConnectionState;
  /** undefined: nothing, it begins. */
  readonly since: SyncToken | undefined;
}

/** How often it is looked for a moment at which nothing changes while what is wanted is read. */
const TRIES = 10;
const EVERYTHING = parseFilter({});

/** Answers sliding sync: at once when there is something new, otherwise after waiting for it. */
export function createSlidingSync(deps: SlidingDeps) {
  /** As of now: nothing may be awaited between this and reading the user's rooms. */
  function scopeOf(
    { userId, deviceId, body }: SlidingRequest,
    user: SyncingUser,
    { state, since }: Told,
    ignored: ReadonlySet<string>,
  ): Scope {
    const { position } = deps.log;
    const { settledUpTo } = deps.sharerLookUps;
    // What one connection was sent of members, another one was not.
    const connection = JSON.stringify([body.connId, state.startedAt]);
    return {
      ...{ user, userId, deviceId, ignored, since },
      device: `${deviceKey({ userId, deviceId })}\n${connection}`,
      upTo: {
        position: Math.max(position, since?.position ?? 0),
        ephemeral: Math.max(deps.ephemeralSerial(), since?.ephemeral ?? 0),
      },
      filter: EVERYTHING,
      ...{ fullState: false, stateAfter: undefined },
      ...{ profileFields: wantedFields(body), met: new Set<string>() },
      profilesMayDiffer: settledUpTo < position || user.profilesAt > (since?.position ?? 0),
      deviceListsMayDiffer: settledUpTo < position || user.deviceListsAt > (since?.position ?? 0),
    };
  }

  async function compute(
    request: SlidingRequest,
    told: Told,
  ): Promise<SlidingComputed & { readonly upTo: SyncToken }> {
    const { userId, body } = request;
    for (let tries = 1; ; tries += 1) {
      const user = await deps.syncingUsers.get(userId);
      if (wantedFields(body) !== undefined) user.wantsProfiles = true;
      const changedAt = user.nonMessageAt;
      const ignored = await deps.preferences.ignoredBy(userId);
      const [grounds, ownReceiptAt] = await Promise.all([
        deps.windows.grounds(user, body, ignored),
        deps.ownReceipts(user, told.since?.position ?? 0, told.state.rooms.keys()),
      ]);
      const isSettled = deps.syncingUsers.known(userId) === user && user.nonMessageAt === changedAt;
      if (!isSettled && tries < TRIES) continue;
      const scope = scopeOf(request, user, told, ignored);
      const { state } = told;
      const computed = await deps.compute({ scope, body, grounds, state, ownReceiptAt });
      return { ...computed, upTo: scope.upTo };
    }
  }

  /** What the client has by its position. */
  async function toldOf(request: SlidingRequest, pos: string) {
    const { version, token } = parsePosition(pos);
    const { connId } = request.body;
    const state = await deps.connections.load({ ...request, connId }, version);
    const { position } = deps.log;
    // From before a restore of the database, or made up.
    if (token.position > position && token.position > (await deps.end())) throw unknownPosition();
    return { version, told: { state, since: token } };
  }

  /** The answer; the state is kept where it changed. */
  async function answer(
    { userId, deviceId, body: { connId } }: SlidingRequest,
    from: { readonly version: number; readonly state: ConnectionState } | undefined,
    computed: Pick<SlidingComputed, "body" | "state"> & { readonly upTo: SyncToken },
  ): Promise<string> {
    const { body, state, upTo } = computed;
    const version =
      from !== undefined && from.state === state
        ? from.version
        : await deps.connections.save({ userId, deviceId, connId }, from?.version, state);
    return body.member("pos", JSON.stringify(formatPosition({ version, token: upTo }))).toString();
  }

  async function begin(request: SlidingRequest): Promise<string> {
    const state = newConnection(deps.now());
    return answer(request, undefined, await compute(request, { state, since: undefined }));
  }

  async function poll(
    request: SlidingRequest,
    pos: string,
    session: SessionWatch | undefined,
  ): Promise<string> {
    const until = deps.now() + Math.min(request.timeout, MAX_WAIT_MS);
    const { version, told: first } = await toldOf(request, pos);
    let told = first;
    for (;;) {
      // It takes a query to know whom a change of a device list concerns; then memory can tell.
      if (deps.sharerLookUps.settledUpTo < Infinity) await deps.sharerLookUps.settled();
      const computed = await compute(request, told);
      const left = until - deps.now();
      if (!computed.empty || left <= 0 || request.signal().aborted) {
        return answer(request, { version, state: first.state }, computed);
      }
      told = { state: computed.state, since: computed.upTo };
      // Loaded again each time: a user who was dropped from memory meanwhile was not woken.
      for (;;) {
        const user = await deps.syncingUsers.get(request.userId);
        const remaining = until - deps.now();
        if (remaining <= 0 || request.signal().aborted) break;
        const withProfiles = wantedFields(request.body) !== undefined;
        if (withProfiles) user.wantsProfiles = true;
        if (!isIdleSince(user, request.deviceId, told.since, withProfiles)) break;
        await deps.waker.wait(user, remaining, request.signal(), session);
        await session?.check();
      }
    }
  }

  /**
   * The body as JSON text. An aborted request gets what there is.
   * @throws MatrixError 400 M_UNKNOWN_POS; 401 M_UNKNOWN_TOKEN when the session ended meanwhile
   */
  return async function slidingSync(request: SlidingRequest): Promise<string> {
    const session = request.watch?.();
    try {
      await session?.check();
      const text =
        request.pos === undefined
          ? await begin(request)
          : await poll(request, request.pos, session);
      await session?.check();
      return text;
    } finally {
      session?.end();
    }
  };
}
