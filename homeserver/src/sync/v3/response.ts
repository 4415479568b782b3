import { formatSyncToken, type SyncToken } from "../../log/token.ts";

/** Assembles a sync response from its sections. */
export function syncText(parts: {
  readonly accountData?: string | undefined;
  readonly presence?: string | undefined;
  readonly rooms?: string | undefined;
  readonly upTo: SyncToken;
}): string {
  const { accountData, presence, rooms } = parts;
  let text = "{";
  if (accountData !== undefined) text += `"account_data":${accountData},`;
  if (presence !== undefined) text += `"presence":${presence},`;
  if (rooms !== undefined) text += `"rooms":${rooms},`;
  return `${text}"next_batch":"${formatSyncToken(parts.upTo)}"}`;
}
