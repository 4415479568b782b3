import type { RequestBody, ResponseBody } from "@weft/spec";
import type { JsonObject } from "./json.ts";

export type CreateRoomBody = NonNullable<RequestBody<"createRoom">>;
export type SyncBody = ResponseBody<"sync">;

/** An event as a client sees it. */
export interface ClientEvent {
  readonly type: string;
  readonly event_id: string;
  readonly sender: string;
  readonly state_key?: string;
  readonly room_id?: string;
  readonly origin_server_ts: number;
  readonly content: JsonObject;
  readonly unsigned?: JsonObject;
  readonly redacts?: string;
}
