/** The shapes of the client-server API that the client reads. Contents come from strangers: every field is checked where it is used. */

export type Content = Record<string, unknown>;

export interface MatrixEvent {
  event_id: string;
  type: string;
  sender: string;
  origin_server_ts: number;
  content: Content;
  room_id?: string;
  state_key?: string;
  redacts?: string;
  unsigned?: {
    transaction_id?: string;
    redacted_because?: object;
    prev_content?: Content;
    membership?: string;
    "m.relations"?: Record<string, unknown>;
  };
}

export interface StrippedEvent {
  type: string;
  sender: string;
  state_key: string;
  content: Content;
}

interface RoomSummary {
  "m.heroes"?: string[];
  "m.joined_member_count"?: number;
  "m.invited_member_count"?: number;
}

export interface JoinedRoomSync {
  summary?: RoomSummary;
  state?: { events?: MatrixEvent[] };
  state_after?: { events?: MatrixEvent[] };
  "org.matrix.msc4222.state_after"?: { events?: MatrixEvent[] };
  timeline?: { events?: MatrixEvent[]; limited?: boolean; prev_batch?: string };
  ephemeral?: { events?: { type: string; content: Content }[] };
  account_data?: { events?: { type: string; content: Content }[] };
  unread_notifications?: { notification_count?: number; highlight_count?: number };
}

export interface SyncResponse {
  next_batch: string;
  rooms?: {
    join?: Record<string, JoinedRoomSync>;
    leave?: Record<string, JoinedRoomSync>;
    invite?: Record<string, { invite_state?: { events?: StrippedEvent[] } }>;
    knock?: Record<string, { knock_state?: { events?: StrippedEvent[] } }>;
  };
  presence?: { events?: { sender?: string; type: string; content: Content }[] };
  account_data?: { events?: { type: string; content: Content }[] };
}

export interface PublicRoom {
  room_id: string;
  name?: string;
  topic?: string;
  avatar_url?: string;
  canonical_alias?: string;
  num_joined_members: number;
  world_readable: boolean;
  guest_can_join: boolean;
  join_rule?: string;
}

export interface Device {
  device_id: string;
  display_name?: string | null;
  last_seen_ip?: string | null;
  last_seen_ts?: number | null;
}

export interface Profile {
  displayname?: string;
  avatar_url?: string;
}

export interface UserSearchResult {
  user_id: string;
  display_name?: string;
  avatar_url?: string;
}

/** One way through user-interactive auth: stages in order. */
interface AuthFlow {
  stages: string[];
}

export interface AuthChallenge {
  session?: string;
  flows: AuthFlow[];
  completed?: string[];
  params?: Record<string, unknown>;
}

/** A string field of a content written by a stranger, or undefined when it is anything else. */
export function text(content: Content | undefined, key: string): string | undefined {
  const value = content?.[key];
  return typeof value === "string" ? value : undefined;
}

/** A finite number field of a content, or undefined. */
export function number(content: Content | undefined, key: string): number | undefined {
  const value = content?.[key];
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** An object field of a content, or undefined. */
export function object(content: Content | undefined, key: string): Content | undefined {
  const value = content?.[key];
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Content)
    : undefined;
}

/** The strings in an array field of a content; anything else in it is left out. */
export function strings(content: Content | undefined, key: string): string[] {
  const value = content?.[key];
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];
}
