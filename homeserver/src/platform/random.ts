import { randomBytes, randomInt } from "node:crypto";

/** Randomness as an argument, so that tests can be deterministic. */
export interface Random {
  /** Unpredictable bytes. */
  bytes(count: number): Uint8Array;
  /** An integer from 0 to below `limit` (at most 2^48). */
  integer(limit: number): number;
  /** Letters and digits of upper and lower case. */
  alphanumeric(length: number): string;
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

export const systemRandom: Random = {
  bytes: (count) => randomBytes(count),
  integer: (limit) => randomInt(limit),
  alphanumeric: (length) => pick(length, (limit) => randomInt(limit)),
};

/** The same sequence for the same seed. Not for secrets. */
export function createSeededRandom(seed: number): Random {
  let state = seed >>> 0;
  // The mulberry32 generator.
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const integer = (limit: number) => Math.floor(next() * limit);
  return {
    bytes: (count) => Uint8Array.from({ length: count }, () => integer(256)),
    integer,
    alphanumeric: (length) => pick(length, integer),
  };
}

function pick(length: number, integer: (limit: number) => number): string {
  let text = "";
  for (let i = 0; i < length; i += 1) text += LETTERS[integer(LETTERS.length)];
  return text;
}
