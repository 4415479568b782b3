import type { Room } from "../store/room.ts";
import type { RoomAlgorithm } from "./port.ts";

/** The algorithm that a room is encrypted with. */
export function roomAlgorithm({ encryption }: Pick<Room, "encryption">): RoomAlgorithm {
  if (encryption === undefined) return "none";
  return encryption.algorithm === "m.megolm.v1.aes-sha2" ? "megolm" : "unknown";
}
