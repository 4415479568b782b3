import type { ServerName, UserId } from "../../protocol/identifiers.ts";

/** The server's own user, whom its notices come from. */
export function serverUser(serverName: ServerName): UserId {
  return `@server-notices:${serverName}` as UserId;
}
