/** What a site lets programs fetch: robots.txt. (RFC 9309.) */

interface Rule {
  readonly allows: boolean;
  readonly pattern: string;
}

/** Rules that are looked at, and their length: a site's file must not cost more than its page. */
const MAX_RULES = 1_000;
const MAX_PATTERN = 512;
const MAX_WILDCARDS = 8;

/**
 * Whether `agent`, a product's name in lower case, may fetch a path with its query. The longest rule
 * that fits counts, of two alike the one that allows.
 */
export function robotsAllow(text: string, agent: string, path: string): boolean {
  if (path === "/robots.txt") return true;
  let best: Rule | undefined;
  for (const rule of rulesFor(text, agent)) {
    if (!fits(rule.pattern, path)) continue;
    const longer = rule.pattern.length - (best?.pattern.length ?? -1);
    if (longer > 0 || (longer === 0 && rule.allows)) best = rule;
  }
  return best?.allows ?? true;
}

/** The rules of the groups that name the agent, or else of those for all. */
function rulesFor(text: string, agent: string): Rule[] {
  const own: Rule[] = [];
  const general: Rule[] = [];
  let hasOwn = false;
  let [isOwn, isGeneral, inAgents] = [false, false, false];
  for (const line of text.split(/\r\n|\r|\n/)) {
    const [, key = "", value = ""] = /^\s*([A-Za-z-]{1,20})\s*:\s*([^#]*)/.exec(line) ?? [];
    const field = key.toLowerCase();
    const said = value.trim();
    if (field === "user-agent") {
      if (!inAgents) [isOwn, isGeneral] = [false, false];
      inAgents = true;
      isGeneral ||= said === "*";
      isOwn ||= said.toLowerCase() === agent;
      hasOwn ||= isOwn;
    } else if (field === "allow" || field === "disallow") {
      inAgents = false;
      // An empty rule forbids nothing.
      if (said === "" || said.length > MAX_PATTERN) continue;
      const rule = { allows: field === "allow", pattern: said };
      if (isOwn && own.length < MAX_RULES) own.push(rule);
      if (isGeneral && general.length < MAX_RULES) general.push(rule);
    }
  }
  return hasOwn ? own : general;
}

/** `*` stands for anything, `$` at the end for the end; else the path may go on. */
function fits(pattern: string, path: string): boolean {
  const isWhole = pattern.endsWith("$");
  const parts = (isWhole ? pattern.slice(0, -1) : pattern).split("*");
  if (parts.length > MAX_WILDCARDS + 1) return false;
  const [first = "", ...rest] = parts;
  if (!path.startsWith(first)) return false;
  let at = first.length;
  const last = rest.pop();
  for (const part of rest) {
    const found = path.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  if (last === undefined) return !isWhole || at === path.length;
  if (isWhole) return path.length - last.length >= at && path.endsWith(last);
  return path.indexOf(last, at) >= 0;
}
