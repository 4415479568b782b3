/** Which servers may take part in a room, as `m.room.server_acl` says. */
export interface ServerRules {
  allow: readonly string[];
  deny: readonly string[];
  /** Whether servers named by an address may. */
  literals: boolean;
}

/** Whether a name is of a pattern in which `*` stands for any characters and `?` for one. */
function isLike(name: string, pattern: string): boolean {
  const [text, glob] = [name.toLowerCase(), pattern.toLowerCase()];
  let [at, in_] = [0, 0];
  let [star, mark] = [-1, 0];
  // One star is remembered: what it swallows grows until the rest fits. No pattern takes long.
  while (at < text.length) {
    if (in_ < glob.length && (glob[in_] === "?" || glob[in_] === text[at])) {
      at++;
      in_++;
    } else if (glob[in_] === "*") {
      star = in_++;
      mark = at;
    } else if (star >= 0) {
      in_ = star + 1;
      at = ++mark;
    } else return false;
  }
  while (glob[in_] === "*") in_++;
  return in_ === glob.length;
}

const isLiteral = (host: string): boolean => host.startsWith("[") || /^\d+(\.\d+){3}$/.test(host);

/** Whether a server may take part. Its port counts for nothing. */
export function admits({ allow, deny, literals }: ServerRules, server: string): boolean {
  const host = server.replace(/:\d+$/, "");
  if (!literals && isLiteral(host)) return false;
  if (deny.some((pattern) => isLike(host, pattern))) return false;
  return allow.some((pattern) => isLike(host, pattern));
}
