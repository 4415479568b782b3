import { createHmac, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import { errors } from "../../protocol/errors.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { Attempts, Visitor } from "./attempts.ts";

/**
 * Registration by tools that know a secret: they ask for a nonce, then send a request with an HMAC
 * over it.
 */
export interface SharedSecretRegistration {
  /** A nonce, good for a minute on every replica. */
  nonce(): string;
  /**
   * @throws MatrixError M_UNKNOWN 400 for an unknown nonce, M_FORBIDDEN 403 for a wrong HMAC,
   * M_LIMIT_EXCEEDED 429 after too many of those, and those of a name
   */
  register(request: {
    nonce: string;
    username: string;
    password: string;
    isAdmin: boolean;
    userType: string | undefined;
    /** HMAC-SHA1, hexadecimal. */
    mac: string;
    visitor: Visitor;
  }): Promise<UserId>;
}

const NONCE_LIFE_MS = 60_000;

/**
 * The nonce carries its time and a seal, so that no replica needs to remember it. A replay gains
 * nothing: the name is taken by then.
 */
export function createSharedSecretRegistration(deps: {
  /** It may change. */
  secret: () => string;
  clock: Clock;
  random: Random;
  attempts: Attempts;
  create: (
    username: string,
    password: string,
    options: { isAdmin: boolean; userType: string | null },
  ) => Promise<UserId>;
}): SharedSecretRegistration {
  const { secret, clock, random, attempts, create } = deps;

  function seal(unsealed: string): string {
    return createHmac("sha256", secret()).update(`nonce\0${unsealed}`).digest("hex").slice(0, 32);
  }

  function isFresh(nonce: string): boolean {
    if (!/^[0-9a-f]{76}$/.test(nonce)) return false;
    const age = clock.now() - Number.parseInt(nonce.slice(0, 12), 16);
    return age >= 0 && age <= NONCE_LIFE_MS && nonce.slice(44) === seal(nonce.slice(0, 44));
  }

  return {
    nonce() {
      const time = clock.now().toString(16).padStart(12, "0");
      const unsealed = time + Buffer.from(random.bytes(16)).toString("hex");
      return unsealed + seal(unsealed);
    },

    async register({ nonce, username, password, isAdmin, userType, mac, visitor }) {
      if (!isFresh(nonce)) throw errors.unknown("The nonce is not known", 400);
      const parts = [nonce, username, password, isAdmin ? "admin" : "notadmin"];
      if (userType !== undefined) parts.push(userType);
      const wanted = createHmac("sha1", secret()).update(parts.join("\0")).digest();
      const given = Buffer.from(mac, "hex");
      await attempts.run("the shared secret", visitor, async () => {
        if (given.length === wanted.length && timingSafeEqual(given, wanted)) return;
        throw errors.forbidden("The HMAC is wrong");
      });
      return await create(username, password, { isAdmin, userType: userType ?? null });
    },
  };
}
