import type { RoomEvent } from "../events/event.ts";
import type { PowerLevels } from "../events/power-levels.ts";
import type { AuthState } from "./state.ts";

/** An event under authorisation, and what the rules ask of the room's state. */
export interface AuthContext {
  readonly event: RoomEvent;
  readonly state: AuthState;
  readonly create: RoomEvent;
  readonly levels: PowerLevels;
  /** The power level of the event's sender. */
  readonly senderLevel: number;
}
