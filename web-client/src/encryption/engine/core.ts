import { UserId, type OlmMachine } from "@matrix-org/matrix-sdk-crypto-wasm";
import type { Host } from "../protocol.ts";
import type { Requests } from "./requests.ts";

/** What the parts of the engine share. */
export interface Core {
  readonly machine: OlmMachine;
  readonly userId: string;
  readonly deviceId: string;
  readonly host: Host;
  readonly requests: Requests;
}

/** The ids of users for the machine. Whoever has an id that is none has no keys either, and must not hold up the others. */
export function userIds(users: readonly string[]): UserId[] {
  return users.flatMap((user) => {
    try {
      return [new UserId(user)];
    } catch {
      return [];
    }
  });
}
