import { parseRoomAlias, parseRoomId, parseServerName } from "../protocol/identifiers.ts";
import type { RoomAlias, RoomId, ServerName } from "../protocol/identifiers.ts";

/** @throws MatrixError 400 M_INVALID_PARAM */
export function parseRoomIdOrAlias(text: string): RoomId | RoomAlias {
  return text.startsWith("#") ? parseRoomAlias(text) : parseRoomId(text);
}

/** Further servers are not asked: each may take long without answering. */
const MAX_VIA = 20;

/** The servers that a client names, in the parameter with the current or the older name. */
export function parseVia(query: {
  readonly via?: readonly string[] | undefined;
  readonly server_name?: readonly string[] | undefined;
}): ServerName[] | undefined {
  const names = query.via ?? query.server_name;
  return names?.slice(0, MAX_VIA).map((name) => parseServerName(name));
}
