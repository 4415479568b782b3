/** The mails that wait in the database, and what sends them. */
import { createHmac } from "node:crypto";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import { errors } from "../protocol/errors.ts";
import {
  countOutgoingMails,
  deleteOutgoingMail,
  insertOutgoingMail,
  nextOutgoingMail,
  type OutgoingMailRow,
  postponeOutgoingMail,
  takeOutgoingMails,
} from "../storage/contacts/outgoing-mails.ts";
import { seal, unseal } from "../storage/seal.ts";
import type { Sql } from "../storage/sql.ts";
import { MailRefused, type Outbox, type SendMail, type WrittenMail } from "./types.ts";
import { htmlText, plainText } from "./write.ts";

export interface OutboxDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly send: SendMail;
  /** Known to all replicas of this server, and to nobody else: mails are encrypted with it while they wait. */
  readonly secret: string;
  /** The domain in the identifiers of mails. */
  readonly domain: string;
}

/** Mails that wait: strangers can't have more written. */
const MAX_WAITING = 10_000;
const AT_ONCE = 4;
/** A mail that is being sent is left to this replica so long; sending ends before. */
const CLAIM_MS = 3 * 60_000;
const SEND_MS = 2 * 60_000;
/** What other replicas, or those before us, have left. */
const LOOK_MS = 30_000;
const FIRST_PAUSE_MS = 5_000;
const MAX_PAUSE_MS = 30 * 60_000;
/** How long sending may go on at a stop. */
const END_MS = 3_000;

/**
 * Sends what is put there, on whichever replica takes it first: once, but for a crash or a lost
 * answer between the mail server's yes and our note of it. Tries again with growing pauses, until
 * the mail is of no use.
 */
export function createOutbox(deps: OutboxDeps): Outbox & { stop(): Promise<void> } {
  const { sql, clock, random, logger, domain } = deps;
  const key = createHmac("sha256", deps.secret).update("mails that wait").digest("base64url");
  const stopping = new AbortController();
  const end = new AbortController();
  let wake = new AbortController();

  function written(sealed: Buffer): WrittenMail | undefined {
    try {
      return JSON.parse(unseal(sealed, key)) as WrittenMail;
    } catch (err) {
      logger.error({ err }, "a mail that waited cannot be read: the signing key was another one");
      return undefined;
    }
  }

  async function sendOne(row: OutgoingMailRow): Promise<void> {
    const mail = written(row.sealed);
    try {
      const signal = AbortSignal.any([end.signal, AbortSignal.timeout(SEND_MS)]);
      if (mail !== undefined) await deps.send(mail, signal);
    } catch (err) {
      // It is left to whoever comes next.
      if (end.signal.aborted) return;
      if (!(err instanceof MailRefused)) {
        const pause = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(row.failures, 20), MAX_PAUSE_MS);
        logger.warn({ err, failures: row.failures + 1 }, "a mail was not sent; it is tried again");
        await postponeOutgoingMail(sql, row.mailId, clock.now() + pause);
        return;
      }
      logger.warn({ err }, "a mail was refused for good");
    }
    await deleteOutgoingMail(sql, row.mailId);
  }

  /** False: nothing is due. */
  async function sendSome(): Promise<boolean> {
    const now = clock.now();
    const rows = await takeOutgoingMails(sql, { now, until: now + CLAIM_MS, limit: AT_ONCE });
    await Promise.all(rows.map((row) => sendOne(row)));
    return rows.length > 0;
  }

  async function work(): Promise<void> {
    const { signal } = stopping;
    while (!signal.aborted) {
      wake = new AbortController();
      let pause = LOOK_MS;
      try {
        if (await sendSome()) continue;
        const due = await nextOutgoingMail(sql);
        if (due !== undefined) pause = Math.min(Math.max(due - clock.now(), 0), LOOK_MS);
      } catch (err) {
        if (signal.aborted) return;
        logger.error({ err }, "mails are not sent for a moment");
      }
      // Never quite without a pause, whatever the clocks of replicas say.
      await clock.sleep(Math.max(pause, 50), AbortSignal.any([signal, wake.signal]));
    }
  }

  const working = work();
  return {
    async put(tx, letter, lifeMs) {
      const { to, subject, blocks, headers = {} } = letter;
      const now = clock.now();
      if ((await countOutgoingMails(tx, MAX_WAITING)) >= MAX_WAITING) {
        throw errors.limitExceeded(MAX_PAUSE_MS, "Too many mails wait to be sent");
      }
      const mail: WrittenMail = {
        ...{ to, subject: subject.replaceAll(/[\r\n]+/g, " ") },
        text: plainText(blocks),
        html: htmlText(letter),
        headers: {
          "Auto-Submitted": "auto-generated",
          "Content-Language": letter.language,
          ...headers,
        },
        messageId: `<${random.alphanumeric(24)}@${domain}>`,
        writtenTs: now,
      };
      await insertOutgoingMail(tx, seal(JSON.stringify(mail), key, random), now, now + lifeMs);
    },
    wake: () => wake.abort("over"),
    async stop() {
      stopping.abort(new Error("the server stops"));
      const over = new AbortController();
      await Promise.race([working, clock.sleep(END_MS, over.signal)]);
      over.abort("over");
      end.abort(new Error("the server stops"));
      await working;
    },
  };
}
