import { type Glob, glob } from "./glob.ts";
import type { Json, JsonObject } from "./json.ts";

/** A host has 255 characters at most, and a pattern that fits one a star beside each. */
const HOST_PATTERN_BYTES = 511;
/** Hosts that the same rule has been asked about: some patterns by some hosts take long. */
const VERDICTS_KEPT = 2_000;

/** Whether a server may take part. */
export type AclRule = (server: string) => boolean;

/**
 * What the content of an m.room.server_acl says: literals first, then `deny`, then `allow`; the
 * port does not count. (Client-server API, "Server Access Control Lists".)
 */
export function aclRuleOf(content: JsonObject): AclRule {
  const denied = globsIn(content.deny);
  const allowed = globsIn(content.allow);
  const verdicts = new Map<string, boolean>();

  function judge(host: string): boolean {
    if (content.allow_ip_literals === false && isLiteral(host)) return false;
    if (denied.some((pattern) => pattern.matches(host))) return false;
    return allowed.some((pattern) => pattern.matches(host));
  }

  return (server) => {
    const host = server.replace(/:\d+$/, "");
    let verdict = verdicts.get(host);
    if (verdict === undefined) {
      if (verdicts.size >= VERDICTS_KEPT) verdicts.clear();
      verdicts.set(host, (verdict = judge(host)));
    }
    return verdict;
  };
}

/** As the grammar of server names has it (appendices, "Server Name"). */
function isLiteral(host: string): boolean {
  return host.startsWith("[") || /^\d{1,3}(\.\d{1,3}){3}$/.test(host);
}

function globsIn(list: Json | undefined): Glob[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((pattern) =>
    typeof pattern === "string"
      ? [glob(pattern, { ignoreCase: true, maxBytes: HOST_PATTERN_BYTES })]
      : [],
  );
}
