import { glob } from "./glob.ts";
import type { Json, JsonObject } from "./json.ts";

/** Whether a server may take part. */
export type AclRule = (server: string) => boolean;

/**
 * What the content of an m.room.server_acl says: literals first, then `deny`, then `allow`; the port
 * does not count. (Client-server API, "Server Access Control Lists".)
 */
export function aclRuleOf(content: JsonObject): AclRule {
  const denied = globsIn(content.deny);
  const allowed = globsIn(content.allow);
  return (server) => {
    const host = server.replace(/:\d+$/, "");
    if (content.allow_ip_literals === false && isLiteral(host)) return false;
    if (denied.some((matches) => matches(host))) return false;
    return allowed.some((matches) => matches(host));
  };
}

/** As the grammar of server names has it (appendices, "Server Name"). */
function isLiteral(host: string): boolean {
  return host.startsWith("[") || /^\d{1,3}(\.\d{1,3}){3}$/.test(host);
}

function globsIn(list: Json | undefined): AclRule[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((pattern) =>
    typeof pattern === "string" ? [glob(pattern, { ignoreCase: true }).matches] : [],
  );
}
