import type { Outbox } from "../../mail/types.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import { errors, matrixError } from "../../protocol/errors.ts";
import { ownerOfAddress } from "../../storage/contacts/addresses.ts";
import * as storage from "../../storage/contacts/confirmations.ts";
import { countMailTo } from "../../storage/contacts/outgoing-mails.ts";
import type { Sql, Tx } from "../../storage/sql.ts";
import { transaction } from "../../storage/transaction.ts";
import { languageFor } from "../common/languages.ts";
import { hashSecret, newSecret } from "../common/secrets.ts";
import { canonicalEmail } from "./email.ts";
import { isOfUse, letter } from "./letters.ts";

export type { Purpose } from "../../storage/contacts/confirmations.ts";
type Purpose = storage.Purpose;

/** How mails are sent, and where their links lead. */
export interface MailOptions {
  readonly outbox: Outbox;
  /** Of this server, without a slash at its end. */
  readonly baseUrl: string;
  /** Known to all replicas of this server, and to nobody else. */
  readonly secret: string;
}

/** What a client asks for. */
interface EmailRequest {
  readonly email: string;
  readonly clientSecret: string;
  readonly sendAttempt: number;
  readonly nextLink?: string | undefined;
  /** Which language its user reads (Accept-Language). */
  readonly accepted?: string | undefined;
}

/** An address whose owner has followed the link. */
export interface ConfirmedAddress {
  readonly sid: string;
  readonly address: string;
  /** ms since 1970. */
  readonly confirmedTs: number;
}

/** What a link in a mail leads to. */
interface Linked {
  readonly purpose: Purpose;
  readonly address: string;
  readonly nextLink: string | undefined;
}

/**
 * Confirmations of e-mail addresses: a client begins one, the owner of the address follows a link,
 * and the client may then use it once, for what it was begun for. Whether the address is known is
 * said in the mail only. (Client-server API, "Adding Account Administrative Contact Information".)
 */
export interface Confirmations {
  /** Whether there are any: this server sends mails. */
  readonly isOffered: boolean;
  /**
   * Sends a mail, unless this attempt was made before.
   * @returns the name of the confirmation
   * @throws MatrixError M_INVALID_PARAM 400, M_LIMIT_EXCEEDED 429
   */
  begin(purpose: Purpose, request: EmailRequest): Promise<string>;
  /** The same for a page of this server. @throws as `begin` */
  beginHere(
    purpose: Purpose,
    email: string,
    accepted: string | undefined,
  ): Promise<{ readonly sid: string; readonly clientSecret: string }>;
  /** What the link leads to; undefined: it is too old, or was used. */
  look(sid: string, token: string): Promise<Linked | undefined>;
  /** The link was followed. Undefined as in `look`. */
  confirm(sid: string, token: string): Promise<Linked | undefined>;
  /** A client's confirmation, if its link was followed. */
  confirmed(
    purpose: Purpose,
    of: { readonly sid: string; readonly clientSecret: string },
  ): Promise<ConfirmedAddress | undefined>;
  /** Uses it up. @throws MatrixError M_THREEPID_AUTH_FAILED 400 */
  take(tx: Tx, purpose: Purpose, sid: string): Promise<void>;
}

/** From the mail to the link, and from there to its use. */
const LIFE_MS = 3_600_000;
const MAX_CONFIRMATIONS = 20_000;
/** Mails to one address in an hour. */
const MAX_MAILS = 5;
const MAIL_LIFE_MS = LIFE_MS;
const GRAMMAR = /^[0-9a-zA-Z.=_-]{1,255}$/;
const MAX_LINK = 2_048;
const CONFIRM_PATH = "/_weft/mail/confirm";

export function createConfirmations(deps: {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly random: Random;
  readonly serverName: string;
  /** Absent: no mails are sent. */
  readonly mail?: MailOptions | undefined;
}): Confirmations {
  const { sql, clock, random, serverName, mail } = deps;

  function linkOf(nextLink: string | undefined): string | null {
    if (nextLink === undefined) return null;
    const url = nextLink.length <= MAX_LINK ? URL.parse(nextLink) : null;
    const isHere = mail?.baseUrl.startsWith("http:") === true;
    const isSafe = url?.protocol === "https:" || (isHere && url?.protocol === "http:");
    if (url === null || !isSafe || url.username !== "" || url.password !== "") {
      throw errors.invalidParam("next_link must be an https address");
    }
    return url.href;
  }

  /** @throws MatrixError M_LIMIT_EXCEEDED 429 */
  async function countMail(tx: Tx, address: string): Promise<void> {
    const now = clock.now();
    const counted = await countMailTo(tx, hashSecret(address), { now, expiresTs: now + LIFE_MS });
    if (counted.sent <= MAX_MAILS) return;
    throw errors.limitExceeded(counted.expiresTs - now, "Too many mails were sent to that address");
  }

  const begin: Confirmations["begin"] = async (purpose, request) => {
    const { email, clientSecret, sendAttempt, nextLink: next, accepted } = request;
    const language = languageFor(accepted);
    if (mail === undefined) throw errors.forbidden("This server sends no mail");
    const address = canonicalEmail(email);
    if (address === undefined) throw errors.invalidParam("That is no e-mail address");
    const nextLink = linkOf(next);
    const [secretHash, now] = [hashSecret(clientSecret), clock.now()];
    const sid = await transaction(sql, async (tx) => {
      const owner = await ownerOfAddress(tx, "email", address);
      const token = newSecret("mail", random);
      const tokenHash = isOfUse(purpose, owner) ? hashSecret(token) : null;
      const row = { sid: random.alphanumeric(24), purpose, address, secretHash, tokenHash };
      const begun = await storage.beginConfirmation(
        tx,
        { ...row, sendAttempt, nextLink, expiresTs: now + LIFE_MS },
        { now, max: MAX_CONFIRMATIONS },
      );
      if (begun === undefined) return storage.findBegun(tx, purpose, address, secretHash);
      await countMail(tx, address);
      const query = new URLSearchParams({ sid: begun, token }).toString();
      const link = `${mail.baseUrl}${CONFIRM_PATH}?${query}`;
      await mail.outbox.put(
        tx,
        letter(address, { purpose, language, serverName, owner, link }),
        MAIL_LIFE_MS,
      );
      return begun;
    });
    mail.outbox.wake();
    // It may have ended at this moment: a name that stands for nothing says no more.
    return sid ?? random.alphanumeric(24);
  };

  return {
    isOffered: mail !== undefined,
    begin,
    async beginHere(purpose, email, accepted) {
      const clientSecret = newSecret("mail", random);
      const request = { email, clientSecret, sendAttempt: 1, accepted };
      return { sid: await begin(purpose, request), clientSecret };
    },

    async look(sid, token) {
      if (!GRAMMAR.test(sid)) return undefined;
      return linked(await storage.findByToken(sql, sid, hashSecret(token), clock.now()));
    },

    async confirm(sid, token) {
      if (!GRAMMAR.test(sid)) return undefined;
      const now = clock.now();
      const until = { now, expiresTs: now + LIFE_MS };
      return linked(await storage.confirm(sql, sid, hashSecret(token), until));
    },

    async confirmed(purpose, { sid, clientSecret }) {
      if (!GRAMMAR.test(sid)) return undefined;
      const secretHash = hashSecret(clientSecret);
      const found = await storage.findConfirmed(sql, { purpose, sid, secretHash }, clock.now());
      if (found?.confirmedTs == null) return undefined;
      return { sid, address: found.address, confirmedTs: found.confirmedTs };
    },

    async take(tx, purpose, sid) {
      if (await storage.takeConfirmation(tx, sid, purpose, clock.now())) return;
      throw matrixError("M_THREEPID_AUTH_FAILED", "The address is not confirmed any more");
    },
  };
}

function linked(row: storage.ConfirmationRow | undefined): Linked | undefined {
  return row && { purpose: row.purpose, address: row.address, nextLink: row.nextLink ?? undefined };
}
