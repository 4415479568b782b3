/**
 * m.room.server_acl: which servers may take part (client-server API, "Server Access Control
 * Lists").
 */
import type { ServerName } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { aclRuleOf } from "../../protocol/server-acl.ts";
import type { AclRule } from "../../protocol/server-acl.ts";
import { currentStateOfRooms } from "../../storage/rooms/events.ts";
import type { RoomStore } from "./store.ts";
import type { Room } from "../api/index.ts";

export interface Acl {
  allows(room: Room, server: ServerName): Promise<boolean>;
}

export function createAcl(store: RoomStore): Acl {
  const rules = new WeakMap<JsonObject, AclRule>();
  return {
    async allows(room, server) {
      const query = currentStateOfRooms(store.sql, [room.nid], [["m.room.server_acl", ""]]);
      const [acl] = await store.events.load(query);
      if (acl === undefined) return true;
      const { content } = acl.event;
      let rule = rules.get(content);
      if (rule === undefined) rules.set(content, (rule = aclRuleOf(content)));
      return rule(server);
    },
  };
}
