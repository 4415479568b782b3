/** Notices to many users: durable jobs, done one after another, on one replica at a time. */
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { errors, MatrixError } from "../protocol/errors.ts";
import type { EventId, UserId } from "../protocol/identifiers.ts";
import { canonicalJsonLoose, type JsonObject } from "../protocol/json.ts";
import * as storage from "../storage/administration/notice-sendings.ts";
import { type Leases, whileLeader } from "../storage/leases.ts";
import type { Sql } from "../storage/sql.ts";

/** What is told to whom. */
interface ManyNotices {
  readonly noticeId: string;
  readonly by: UserId;
  readonly type: string;
  readonly content: JsonObject;
  /** Undefined: everybody with an open account, but for bots and users of application services. */
  readonly to: readonly UserId[] | undefined;
}

/** How far a notice is. Times are ms since 1970. */
export interface NoticeSending extends Omit<storage.NoticeSendingRow, "content"> {
  readonly content: JsonObject;
  readonly state: "waiting" | "running" | "stopped" | "complete";
  /** The first of those who could not be told, and why. */
  readonly failures: readonly { readonly userId: string; readonly error: string }[];
}

export interface NoticeSendings {
  /**
   * Begins to tell users something. One id is one notice, however often it is begun.
   * @throws MatrixError M_INVALID_PARAM 400, M_UNKNOWN 409: that id is of another notice
   */
  begin(notices: ManyNotices): Promise<NoticeSending>;
  /** @throws MatrixError M_NOT_FOUND 404: there is none, or it ended long ago */
  one(noticeId: string): Promise<NoticeSending>;
  /** The newest ones, and how many everybody is. */
  list(): Promise<{ readonly sendings: NoticeSending[]; readonly people: number }>;
  /** Tells nobody more. @throws as `one` */
  halt(noticeId: string): Promise<NoticeSending>;
  /** Goes on, and tries those again who could not be told. @throws as `one` */
  resume(noticeId: string): Promise<NoticeSending>;
}

export interface NoticeSendingsDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly leases: Leases | undefined;
  /** Sends one, once for each id. @throws MatrixError when the user cannot be told */
  readonly send: (notice: {
    readonly to: UserId;
    readonly type: string;
    readonly stateKey: undefined;
    readonly content: JsonObject;
    readonly by: "notices";
    readonly txnId: string;
  }) => Promise<EventId>;
}

const LEASE = "server-notices";
/** How often the replica that sends looks for notices that were begun on others. */
const LOOK_MS = 3_000;
/** The same where there is no other. */
const LOOK_ALONE_MS = 180_000;
/** Users who are told at the same time. */
const CONCURRENCY = 4;
const MAX_ATTEMPTS = 3;
const PAUSE_MS = 1_000;
/** How long those that have ended are kept. */
const REMEMBERED_MS = 7 * 24 * 3_600_000;
const [MAX_LISTED, MAX_FAILURES] = [50, 100];
/** Bytes of a content: with what the server adds, an event has at most 65,536. */
const MAX_CONTENT = 60_000;

export function createNoticeSendings(
  deps: NoticeSendingsDeps,
): NoticeSendings & { stop(): Promise<void> } {
  const { sql, clock, logger, leases } = deps;
  const stopping = new AbortController();
  let wake = new AbortController();
  const running = whileLeader(leases, LEASE, stopping.signal, async (signal) => {
    while (!signal.aborted) {
      wake = new AbortController();
      const { signal: woken } = wake;
      await work(signal).catch((err: unknown) => {
        if (!signal.aborted) logger.warn({ err }, "a notice to many is sent on later");
      });
      const pause = leases === undefined ? LOOK_ALONE_MS : LOOK_MS;
      await clock.sleep(pause, AbortSignal.any([signal, woken]));
    }
  });

  async function work(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await storage.forgetNoticeSendings(sql, clock.now() - REMEMBERED_MS);
      const row = await storage.nextNoticeSending(sql);
      if (row === undefined) return;
      await perform(row, signal);
    }
  }

  async function perform(row: storage.NoticeSendingRow, signal: AbortSignal): Promise<void> {
    const { noticeId } = row;
    while (!signal.aborted) {
      const waiting = await storage.waitingForNotice(sql, noticeId, CONCURRENCY);
      if (waiting.length === 0) break;
      await Promise.all(waiting.map((userId) => tell(row, userId as UserId, signal)));
    }
    if (!signal.aborted) await storage.endNoticeSending(sql, noticeId, clock.now());
  }

  async function tell(
    row: storage.NoticeSendingRow,
    to: UserId,
    signal: AbortSignal,
  ): Promise<void> {
    const { noticeId, type } = row;
    const content = JSON.parse(row.content) as JsonObject;
    const notice = {
      to,
      type,
      stateKey: undefined,
      content,
      by: "notices",
      txnId: noticeId,
    } as const;
    let error: string | undefined;
    for (let tried = 1; tried <= MAX_ATTEMPTS; tried += 1) {
      error = await deps.send(notice).then(
        () => undefined,
        (err: unknown) => whyNot(err, { noticeId, to, tried }),
      );
      if (error === undefined || error !== OURS || signal.aborted) break;
      await clock.sleep(PAUSE_MS * tried, signal);
    }
    // What this server failed at while it stops is tried again by whoever goes on.
    if (error === OURS && signal.aborted) return;
    await storage.noteNotice(sql, noticeId, to, { error, now: clock.now() });
  }

  function whyNot(err: unknown, about: object): string {
    if (err instanceof MatrixError && err.status < 500) return err.message;
    logger.error({ err, ...about }, "a notice could not be sent");
    return OURS;
  }

  async function shown(row: storage.NoticeSendingRow): Promise<NoticeSending> {
    const { noticeId, failed } = row;
    const failures = failed === 0 ? [] : await storage.failedNotices(sql, noticeId, MAX_FAILURES);
    const content = JSON.parse(row.content) as JsonObject;
    return { ...row, content, state: stateOf(row), failures };
  }

  async function one(noticeId: string): Promise<NoticeSending> {
    const row = await storage.findNoticeSending(sql, noticeId);
    if (row === undefined)
      throw errors.notFound("There is no such notice, or it was sent long ago");
    return shown(row);
  }

  return {
    async begin({ noticeId, by, type, content, to }) {
      const text = JSON.stringify(content);
      if (Buffer.byteLength(text) > MAX_CONTENT)
        throw errors.invalidParam("That is too much for a message");
      const row = { noticeId, requestedBy: by, type, content: text, toAll: to === undefined };
      const now = clock.now();
      const isNew = await sql.begin((tx) =>
        storage.insertNoticeSending(tx, { ...row, createdTs: now }, to),
      );
      const sending = await one(noticeId);
      const isSame = (): Promise<boolean> => {
        if (!saysSame(sending, { ...row, content })) return Promise.resolve(false);
        return to === undefined ? Promise.resolve(true) : storage.isNoticeTo(sql, noticeId, to);
      };
      if (!isNew && !(await isSame())) {
        throw errors.unknown("Another notice has that id: choose a new one", 409);
      }
      wake.abort();
      return sending;
    },
    one,
    async list() {
      const rows = await storage.listNoticeSendings(sql, MAX_LISTED);
      return {
        sendings: await Promise.all(rows.map(shown)),
        people: await storage.countPeople(sql),
      };
    },
    async halt(noticeId) {
      await storage.stopNoticeSending(sql, noticeId, clock.now());
      return one(noticeId);
    },
    async resume(noticeId) {
      await sql.begin((tx) => storage.resumeNoticeSending(tx, noticeId));
      wake.abort();
      return one(noticeId);
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** What is said of somebody whom the server failed to tell. */
const OURS = "The server's log tells what went wrong";

function stateOf(row: storage.NoticeSendingRow): NoticeSending["state"] {
  if (row.endedTs !== null) return row.stopped ? "stopped" : "complete";
  return row.told + row.failed === 0 ? "waiting" : "running";
}

function saysSame(
  known: NoticeSending,
  row: Pick<NoticeSending, "requestedBy" | "type" | "toAll" | "content">,
): boolean {
  const said = ({ requestedBy, type, toAll, content }: typeof row) =>
    canonicalJsonLoose({ requestedBy, type, toAll, content });
  return said(known) === said(row);
}
