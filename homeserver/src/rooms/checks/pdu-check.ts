/**
 * Which check on receipt an event failed (server-server API, "Checks performed on receipt of a
 * PDU").
 */
export type PduCheck =
  | "1 format"
  | "2 signatures"
  | "3 hash"
  | "4 auth events"
  | "5 state before"
  | "6 current state"
  | "7 policy server"
  | "server ACL"
  | "not in the room"
  | "archived"
  | "too many wait"
  | "given up"
  | "not storable";
