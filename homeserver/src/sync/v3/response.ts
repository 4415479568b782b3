import { formatSyncToken, type SyncToken } from "../../log/token.ts";

/** Assembles a sync response from its sections, which are JSON texts. */
export function syncText(parts: {
  readonly accountData?: string | undefined;
  readonly presence?: string | undefined;
  readonly rooms?: string | undefined;
  readonly toDevice?: string | undefined;
  readonly deviceLists?: string | undefined;
  /** Of profiles. (MSC4429.) */
  readonly users?: string | undefined;
  /** Members, without braces. */
  readonly keyCounts: string;
  readonly upTo: SyncToken;
}): string {
  const { accountData, presence, rooms, toDevice, deviceLists, users } = parts;
  let text = "{";
  if (accountData !== undefined) text += `"account_data":${accountData},`;
  if (presence !== undefined) text += `"presence":${presence},`;
  if (rooms !== undefined) text += `"rooms":${rooms},`;
  if (toDevice !== undefined) text += `"to_device":${toDevice},`;
  if (deviceLists !== undefined) text += `"device_lists":${deviceLists},`;
  if (users !== undefined) text += `"org.matrix.msc4429.users":${users},`;
  return `${text}${parts.keyCounts},"next_batch":"${formatSyncToken(parts.upTo)}"}`;
}
