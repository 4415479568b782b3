import { timingSafeEqual } from "node:crypto";
import type { Clock } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import { errors } from "../../protocol/errors.ts";
import { seal, unseal } from "../../storage/seal.ts";
import { hashSecret } from "../common/secrets.ts";
import type { Arrived, Begun, Leaving } from "./types.ts";

/**
 * Texts that only this server can read, and that only the browser that got them can bring back. So
 * nothing is stored of people who have not signed in, and every replica can go on. (Decision 0043.)
 */
export interface Tickets {
  make<K extends TicketKind>(kind: K, browser: string, content: Contents[K]): string;
  /** @throws MatrixError M_FORBIDDEN 403 for one that is too old, another's or of another kind */
  open<K extends TicketKind>(kind: K, browser: string, ticket: string | undefined): Contents[K];
}

/** By the kinds of tickets. */
interface Contents {
  readonly begun: Begun;
  readonly arrived: Arrived;
  readonly leaving: Leaving;
}

type TicketKind = keyof Contents;

interface Sealed {
  readonly kind: string;
  /** SHA-256 of the browser's cookie. */
  readonly browser: string;
  /** ms since 1970. */
  readonly until: number;
  readonly content: unknown;
}

/** From the button to the way back, ms: people look for their second factor meanwhile. */
const LIFE_MS = 15 * 60_000;
const MAX_LETTERS = 16_384;

/** `secret` is the same on every replica. */
export function createTickets(deps: {
  readonly secret: string;
  readonly clock: Clock;
  readonly random: Random;
}): Tickets {
  const { clock, random } = deps;
  const secret = `single sign-on ${deps.secret}`;
  const tooOld = () =>
    errors.forbidden("This has taken too long, or was begun in another browser: begin again");

  return {
    make(kind, browser, content) {
      const hash = hashSecret(browser).toString("base64url");
      const sealed: Sealed = { kind, browser: hash, until: clock.now() + LIFE_MS, content };
      return seal(JSON.stringify(sealed), secret, random).toString("base64url");
    },

    open<K extends TicketKind>(kind: K, browser: string, ticket: string | undefined): Contents[K] {
      if (ticket === undefined || ticket.length > MAX_LETTERS) throw tooOld();
      let sealed: Sealed;
      try {
        sealed = JSON.parse(unseal(Buffer.from(ticket, "base64url"), secret)) as Sealed;
      } catch {
        throw tooOld();
      }
      const given = Buffer.from(sealed.browser, "base64url");
      const isHere = timingSafeEqual(given, hashSecret(browser));
      if (sealed.kind !== kind || !isHere || sealed.until <= clock.now()) throw tooOld();
      return sealed.content as Contents[K];
    },
  };
}
