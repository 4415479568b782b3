import type { OwnRate, Restriction } from "./types.ts";

/** Being locked counts more than being suspended. */
export function restrictionOf(account: {
  readonly isLocked: boolean;
  readonly isSuspended: boolean;
}): Restriction | undefined {
  if (account.isLocked) return "locked";
  return account.isSuspended ? "suspended" : undefined;
}

/** The rate of an account's own, as its row has it. */
export function rateOf(account: {
  readonly ratePerSecond: number | null;
  readonly rateBurst: number | null;
}): OwnRate | undefined {
  const { ratePerSecond: perSecond, rateBurst: burst } = account;
  return perSecond === null ? undefined : { perSecond, burst: burst ?? 0 };
}
