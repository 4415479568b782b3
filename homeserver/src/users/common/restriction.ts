import type { Restriction } from "./types.ts";

/** Being locked counts more than being suspended. */
export function restrictionOf(account: {
  readonly isLocked: boolean;
  readonly isSuspended: boolean;
}): Restriction | undefined {
  if (account.isLocked) return "locked";
  return account.isSuspended ? "suspended" : undefined;
}
