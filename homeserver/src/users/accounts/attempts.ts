import { createHash } from "node:crypto";
import type { FailureCounts, Failures } from "../../cluster/failures.ts";
import { networkOf } from "../../platform/client-address.ts";
import type { Clock } from "../../platform/clock.ts";
import { createFairQueue, QueueFull } from "../../platform/fair-queue.ts";
import { errors, MatrixError } from "../../protocol/errors.ts";

/** Who tries a secret: a signed-in device, or somebody at an address. */
export interface Visitor {
  readonly ip: string;
  /** The device of the access token in the request. */
  readonly deviceId?: string | undefined;
}

/**
 * Attempts at passwords and other secrets. Failures are counted by secret and by who tries it: a
 * guesser waits longer and longer, without locking out the owner, who is at another address or
 * signed in.
 */
export interface Attempts {
  /**
   * Runs `check`, which fails with M_FORBIDDEN when the secret is wrong. `isKnownHere` tells
   * whether the owner was seen at the visitor's address: then the wait stays short, as it does
   * after a success within the last hour.
   * @throws MatrixError M_LIMIT_EXCEEDED 429, before the secret is checked; and what `check` throws
   */
  run<T>(
    what: string,
    visitor: Visitor,
    check: () => Promise<T>,
    isKnownHere?: () => Promise<boolean>,
  ): Promise<T>;
}

/** Failures in a row without a waiting time. */
const FREE = 5;
/** The same while the account is being guessed at from everywhere. */
const FREE_UNDER_ATTACK = 1;
/** Failures of one account within an hour that count as such an attack. */
const ATTACK = 100;
const FIRST_MS = 1_000;
const MAX_MS = 15 * 60_000;
/** Longest wait at addresses where the owner was seen, and for signed-in devices. */
const MAX_KNOWN_MS = 5_000;
/** Concurrent attempts by one visitor: this many more may fail without a wait. */
const MAX_CONCURRENT = 3;
const MAX_WAITING = 50;

/** `counts` undefined: nobody waits (WEFT_RATE_LIMITS=off). */
export function createAttempts(deps: {
  clock: Clock;
  counts: FailureCounts | undefined;
}): Attempts {
  const { clock, counts } = deps;
  const queue = createFairQueue<string>({
    perKey: MAX_CONCURRENT,
    total: Number.POSITIVE_INFINITY,
    maxWaiting: MAX_WAITING,
  });

  async function ensureDue(
    failures: Failures,
    account: string,
    isKnownHere: () => Promise<boolean>,
  ): Promise<void> {
    if (failures.count < FREE_UNDER_ATTACK) return;
    const isAttacked = (await counts!.read(account)).count >= ATTACK;
    const over = failures.count - (isAttacked ? FREE_UNDER_ATTACK : FREE);
    if (over < 0) return;
    const longest = (await isKnownHere()) ? MAX_KNOWN_MS : MAX_MS;
    const waitMs = failures.at + Math.min(longest, FIRST_MS * 2 ** over) - clock.now();
    if (waitMs > 0) throw errors.limitExceeded(waitMs, "Too many wrong passwords");
  }

  return {
    async run(what, visitor, check, isKnownHere = async () => false) {
      if (counts === undefined) return await check();
      const account = keyOf(what);
      const own = keyOf(what, whoIs(visitor));
      const wasRight = async () => (await counts.read(keyOf("was right", own))).count > 0;
      const isKnown = async () =>
        visitor.deviceId !== undefined || (await wasRight()) || (await isKnownHere());
      try {
        return await queue.run(own, async () => {
          const failures = await counts.read(own);
          await ensureDue(failures, account, isKnown);
          try {
            const result = await check();
            if (failures.count > 0) await counts.clear(own);
            await counts.add(keyOf("was right", own));
            return result;
          } catch (error) {
            if (error instanceof MatrixError && error.errcode === "M_FORBIDDEN") {
              await counts.add(own);
              await counts.add(account);
            }
            throw error;
          }
        });
      } catch (error) {
        if (!(error instanceof QueueFull)) throw error;
        throw errors.limitExceeded(FIRST_MS, "Too many sign-ins at this moment");
      }
    },
  };
}

function whoIs({ ip, deviceId }: Visitor): string {
  return deviceId === undefined ? networkOf(ip) : `device ${deviceId}`;
}

/** Names and device identifiers can be long: keys are not. */
function keyOf(...parts: string[]): string {
  return createHash("sha256").update(parts.join("\0")).digest("base64url");
}
