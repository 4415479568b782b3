import { hash, verify } from "@node-rs/argon2";
import { errors } from "../../protocol/errors.ts";
import { createSemaphore } from "../../platform/semaphore.ts";

/** Argon2id hashing, off the main loop and only a few at a time. */
export interface Passwords {
  /**
   * @returns the argon2id hash in PHC form
   * @throws MatrixError M_WEAK_PASSWORD, M_LIMIT_EXCEEDED
   */
  hash(password: string): Promise<string>;
  /** Refuses weak passwords. @throws MatrixError M_WEAK_PASSWORD */
  ensureStrong(password: string): void;
  /**
   * Whether a password matches a stored hash. Without a hash it takes as long and answers no, so
   * that the time does not reveal whether an account exists.
   */
  verify(stored: string | null | undefined, password: string): Promise<boolean>;
}

export interface PasswordOptions {
  /** How many hashes are computed at once; each takes `memoryKib` of memory. */
  concurrency?: number;
  /** How many may wait; further ones are told to come again later. */
  maxWaiting?: number;
  memoryKib?: number;
  passes?: number;
  /** Minimum length of a password that its user chooses, in characters (1). */
  minLength?: number;
}

/** Longer ones are refused: hashing is not a place to spend a megabyte. */
const MAX_PASSWORD_BYTES = 512;

/** The argon2id parameters are those that OWASP recommends at least: 19 MiB, two passes. */
export function createPasswords(options: PasswordOptions = {}): Passwords {
  const cost = {
    memoryCost: options.memoryKib ?? 19_456,
    timeCost: options.passes ?? 2,
    parallelism: 1,
  };
  const slots = createSemaphore(options.concurrency ?? 2, options.maxWaiting ?? 500);
  let decoy: Promise<string> | undefined;

  async function guarded<T>(work: () => Promise<T>): Promise<T> {
    const release = await slots.acquire();
    if (release === undefined) throw errors.limitExceeded(2000, "Too many sign-ins at this moment");
    try {
      return await work();
    } finally {
      release();
    }
  }

  function ensureStorable(password: string): void {
    if (password === "") throw errors.weakPassword("The password is empty");
    if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES) {
      throw errors.weakPassword(`The password is longer than ${MAX_PASSWORD_BYTES} bytes`);
    }
  }

  return {
    ensureStrong(password) {
      ensureStorable(password);
      const { minLength = 1 } = options;
      if (Array.from(password).length >= minLength) return;
      throw errors.weakPassword(`A password needs at least ${minLength} characters`);
    },
    async hash(password) {
      ensureStorable(password);
      return await guarded(() => hash(password, cost));
    },
    async verify(stored, password) {
      if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES) return false;
      decoy ??= guarded(() => hash("a password that nobody has", cost));
      const against = stored ?? (await decoy);
      const matches = await guarded(() => verify(against, password));
      return matches && typeof stored === "string";
    },
  };
}
