import type { EventContents, Json, JsonObject, ResponseBody, Schema } from "@weft/spec/types";

/** What the contract says of a server's answers. Contents come from strangers: every field is checked where it is used. */

/** The content of an event of any type. */
export type Content = JsonObject;

/** The content that is sent with an event of this type. */
export type { EventContent } from "@weft/spec/types";
export type EventType = keyof EventContents;

/** The keys that an object of this shape may have, with any JSON in each of them. */
type AnyIn<Shape> = { [Key in keyof Shape]?: Json | undefined };
/** A content that a stranger sent under this type. */
export type Unchecked<Type extends EventType> = AnyIn<EventContents[Type]>;
/** What a stranger says of a file. */
export type UncheckedInfo = AnyIn<Schema<"FileInfo">>;

/** An event as a room's timeline shows it. */
export type MatrixEvent = Schema<"SyncEvent">;
/** A state event as someone outside the room sees it. */
export type StrippedEvent = Schema<"StrippedState">;
export type SyncResponse = Schema<"SyncResponse">;
/** A joined room's news. */
export type JoinedRoomSync = Schema<"JoinedRoom"> & {
  /** Nothing of its state that was told before counts. */
  initial?: boolean;
  /** Sliding sync tells names and pictures of those after whom a room is called; `/sync` sends their member events instead. */
  heroes?: Schema<"SlidingHero">[];
};
export type PublicRoom = Schema<"PublicRoom">;
export type Device = Schema<"Device">;
export type Profile = ResponseBody<"getUserProfile">;
/** The 401 of user-interactive auth: the ways through it, and which stages are done. */
export type AuthChallenge = Schema<"AuthenticationChallenge">;
/** The proof for one stage of it, with the session that it belongs to. */
export type AuthProof = Schema<"AuthenticationData">;

/** A person as the user directory lists them. */
export type UserSearchResult = ResponseBody<"searchUserDirectory">["results"][number];

/** A string field of a content written by a stranger, or undefined when it is anything else. */
export function text<C extends object = Content>(
  content: C | undefined,
  key: keyof C & string,
): string | undefined {
  const value: unknown = content?.[key];
  return typeof value === "string" ? value : undefined;
}

/** A finite number field of a content, or undefined. */
export function number<C extends object = Content>(
  content: C | undefined,
  key: keyof C & string,
): number | undefined {
  const value: unknown = content?.[key];
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** An object field of a content, or undefined. */
export function object<C extends object = Content>(
  content: C | undefined,
  key: keyof C & string,
): Content | undefined {
  const value: unknown = content?.[key];
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Content)
    : undefined;
}

/** The strings in an array field of a content; anything else in it is left out. */
export function strings<C extends object = Content>(
  content: C | undefined,
  key: keyof C & string,
): string[] {
  const value: unknown = content?.[key];
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];
}
