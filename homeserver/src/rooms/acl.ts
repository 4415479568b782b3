/** m.room.server_acl: which servers may take part (client-server API, "Server Access Control Lists"). */
import { isIP } from "node:net";
import { glob } from "../protocol/glob.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import type { JsonObject } from "../protocol/json.ts";
import { currentStateOfRooms } from "../storage/room-events.ts";
import type { RoomStore } from "./store.ts";
import type { Room } from "./types.ts";

export interface Acl {
  allows(room: Room, server: ServerName): Promise<boolean>;
}

type Rule = (server: ServerName) => boolean;

export function createAcl(store: RoomStore): Acl {
  const rules = new WeakMap<JsonObject, Rule>();
  return {
    async allows(room, server) {
      const query = currentStateOfRooms(store.sql, [room.nid], [["m.room.server_acl", ""]]);
      const [acl] = await store.events.load(query);
      if (acl === undefined) return true;
      const { content } = acl.event;
      let rule = rules.get(content);
      if (rule === undefined) rules.set(content, (rule = ruleOf(content)));
      return rule(server);
    },
  };
}

/** The checks in the specification's order; the port does not count. */
export function ruleOf(content: JsonObject): Rule {
  const denied = globsIn(content.deny);
  const allowed = globsIn(content.allow);
  return (server) => {
    const host = server.replace(/:\d+$/, "");
    if (content.allow_ip_literals === false && isLiteral(host)) return false;
    if (denied.some((matches) => matches(host))) return false;
    return allowed.some((matches) => matches(host));
  };
}

function isLiteral(host: string): boolean {
  return host.startsWith("[") || isIP(host) !== 0;
}

function globsIn(list: unknown): ((text: string) => boolean)[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((pattern) =>
    typeof pattern === "string" ? [glob(pattern, { ignoreCase: true }).matches] : [],
  );
}
