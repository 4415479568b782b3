/** Profiles, as clients of sliding sync are told of them. (MSC4262.) */
import { createHash } from "node:crypto";
import type { JsonObject } from "../../protocol/json.ts";
import { JsonText } from "../sections/json-text.ts";
import type { ProfilesNews, ProfilesSection } from "../sections/profiles.ts";
import type { Scope } from "../sections/scope.ts";
import type { SlidingBody } from "./request.ts";
import type { SlidingScope } from "./sliding-scope.ts";
import { relevant } from "./room-extensions.ts";
import type { WantedRoom } from "./windows.ts";

export const PROFILES_EXTENSION = "org.matrix.msc4262.profiles";

/** Users in the rooms in view whose profiles come when a connection first asks for these fields. */
const MAX_MEMBERS = 1_000;

/** Which fields are wanted; undefined: none. */
export function wantedFields(body: SlidingBody): Scope["profileFields"] {
  const asked = body.extensions[PROFILES_EXTENSION];
  if (asked?.enabled !== true) return undefined;
  return asked.fields === undefined ? "all" : new Set(asked.fields);
}

/** What a connection's state says of it: which fields were wanted. */
export function profilesMark(fields: NonNullable<Scope["profileFields"]>): string {
  const text = fields === "all" ? "*" : JSON.stringify([...fields].toSorted());
  const digest = createHash("sha256").update(text).digest("base64url").slice(0, 12);
  return `${PROFILES_EXTENSION} ${digest}`;
}

/** Up to `limit` of the users with profiles who are in some rooms. */
export type ProfiledMembers = (
  roomNids: readonly number[],
  limit: number,
) => Promise<readonly string[]>;

/** The extension: its text, and whether there is nothing new. */
export function createProfilesExtension(deps: {
  readonly profiles: ProfilesSection;
  readonly profiledMembers: ProfiledMembers;
}) {
  /**
   * Whoever is in view when the connection begins to ask for these fields: of rooms that it already
   * has, no members come.
   */
  async function meet(
    { scope, state, body }: SlidingScope,
    wanted: ReadonlyMap<number, WantedRoom>,
  ): Promise<void> {
    const mark = profilesMark(scope.profileFields!);
    if (state.extensions.includes(mark)) return;
    scope.met.add(scope.userId);
    const rooms = [...relevant(body.extensions[PROFILES_EXTENSION], wanted).keys()];
    const had = rooms.filter((roomNid) => state.rooms.has(roomNid));
    if (had.length === 0) return;
    for (const one of await deps.profiledMembers(had, MAX_MEMBERS)) scope.met.add(one);
  }

  /** `left`: users with whom no room is shared any more. */
  return async function profiles(
    sliding: SlidingScope,
    wanted: ReadonlyMap<number, WantedRoom>,
    left: readonly string[],
  ): Promise<[JsonText, boolean] | undefined> {
    await meet(sliding, wanted);
    const news = await deps.profiles(sliding.scope, left);
    if (news.size === 0) return undefined;
    return [new JsonText().member("users", usersText(news)), false];
  };
}

function usersText(news: ProfilesNews): string {
  const users: JsonObject = {};
  for (const [userId, of] of news) {
    users[userId] = of && {
      ...(Object.keys(of.updated).length > 0 && { updated: of.updated }),
      ...(of.removed.length > 0 && { removed: [...of.removed] }),
    };
  }
  return JSON.stringify(users);
}
