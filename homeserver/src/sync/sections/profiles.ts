import type { JsonObject } from "../../protocol/json.ts";
import type { Between } from "../../storage/rooms/stays.ts";
import type { ProfileField } from "../../storage/streams/profiles.ts";
import type { SyncingUsers } from "../users/syncing-users.ts";
import { type DeviceListSources, sharingNow } from "./device-lists.ts";
import type { Scope } from "./scope.ts";

/** What is read from the tables. Positions are those of the log. */
export interface ProfileSources extends Pick<DeviceListSources, "roomsAt" | "sharing"> {
  /** Fields that changed. Those of users who share no room with the user may be among them. */
  changedFields(userId: string, between: Between): Promise<readonly ProfileField[]>;
  /** Present profiles by user; of whom none is known, there is none. */
  profilesOf(userIds: readonly string[]): Promise<ReadonlyMap<string, JsonObject>>;
}

/** What is new of one user's profile. */
export interface ProfileNews {
  /** Fields that were set, or that the client may not have yet. */
  readonly updated: JsonObject;
  readonly removed: readonly string[];
}

/** By user; null: no room is shared any more. */
export type ProfilesNews = ReadonlyMap<string, ProfileNews | null>;

const NOTHING: ProfilesNews = new Map();
/** Users whose profiles are read together. */
const BATCH = 500;
/**
 * After so many characters of the profiles of those who are met, others of them are left out: their
 * clients can ask for these.
 */
const MAX_CHARACTERS = 4 * 1024 * 1024;

/**
 * What a client is told of profiles: the fields of those who share a room that changed since its
 * token, and, of users whose member events are in the answer, what there is. So what it costs goes
 * with what changed and with the answer, whatever the rooms' size. (MSC4429, MSC4262.)
 */
export function createProfilesSection(
  sources: ProfileSources,
  syncingUsers: Pick<SyncingUsers, "joinedRooms">,
) {
  /** Those of the others who share a room with the user at the scope's end. */
  async function sharers(
    { user, userId, upTo, ignored }: Scope,
    others: Iterable<string>,
  ): Promise<ReadonlySet<string>> {
    const asked = [...new Set(others)].filter((one) => one !== userId && !ignored.has(one));
    const joined = syncingUsers.joinedRooms(user, upTo.position);
    return sharingNow(sources, userId, asked, upTo.position, joined);
  }

  async function changedFields(scope: Scope): Promise<readonly ProfileField[]> {
    const { since, upTo, profileFields: wanted } = scope;
    if (since === undefined || !scope.profilesMayDiffer || wanted === undefined) return [];
    const between = { after: since.position, upTo: upTo.position };
    const all = await sources.changedFields(scope.userId, between);
    return wanted === "all" ? all : all.filter(({ field }) => wanted.has(field));
  }

  /** The profiles of users, all of the needed ones. */
  async function profilesOf(
    users: ReadonlySet<string>,
    needed: ReadonlySet<string>,
  ): Promise<ReadonlyMap<string, JsonObject>> {
    const known = new Map<string, JsonObject>();
    const all = [...needed, ...users.difference(needed)];
    let characters = 0;
    for (let at = 0; at < all.length; at += BATCH) {
      if (characters > MAX_CHARACTERS && at >= needed.size) break;
      for (const [userId, profile] of await sources.profilesOf(all.slice(at, at + BATCH))) {
        known.set(userId, profile);
        characters += JSON.stringify(profile).length;
      }
    }
    return known;
  }

  /** `left`: users with whom no room is shared any more. */
  return async function profiles(scope: Scope, left: readonly string[]): Promise<ProfilesNews> {
    const { userId, met, profileFields: wanted } = scope;
    if (wanted === undefined) return NOTHING;
    const changed = await changedFields(scope);
    if (changed.length + met.size + left.length === 0) return NOTHING;
    const concerned = new Set([...changed.map((one) => one.userId), ...met, ...left]);
    const known = await profilesOf(concerned, new Set(changed.map((one) => one.userId)));
    const sharing = await sharers(
      scope,
      changed.map((one) => one.userId).concat([...met].filter((one) => known.has(one))),
    );
    const news = new Map<string, ProfileNews | null>();
    const changedBy = Map.groupBy(changed, (one) => one.userId);
    for (const one of concerned) {
      if (one !== userId && !sharing.has(one)) {
        if (left.includes(one) && known.has(one)) news.set(one, null);
        continue;
      }
      const profile = known.get(one) ?? {};
      const fields = changedBy.get(one)?.map(({ field }) => field) ?? [];
      const present = met.has(one) ? presentFields(profile, wanted) : [];
      const told = newsOf(profile, new Set([...fields, ...present]));
      if (told !== undefined) news.set(one, told);
    }
    return news;
  };
}

export type ProfilesSection = ReturnType<typeof createProfilesSection>;

function presentFields(profile: JsonObject, wanted: ReadonlySet<string> | "all"): string[] {
  const fields = Object.keys(profile);
  return wanted === "all" ? fields : fields.filter((field) => wanted.has(field));
}

function newsOf(profile: JsonObject, fields: ReadonlySet<string>): ProfileNews | undefined {
  if (fields.size === 0) return undefined;
  const updated: JsonObject = {};
  const removed: string[] = [];
  for (const field of fields) {
    const value = Object.hasOwn(profile, field) ? profile[field] : undefined;
    if (value === undefined) removed.push(field);
    else updated[field] = value;
  }
  return { updated, removed };
}

/** `users` of GET /sync as JSON text; undefined: there is nothing new. */
export function usersText(news: ProfilesNews): string | undefined {
  if (news.size === 0) return undefined;
  const users: JsonObject = {};
  for (const [userId, of] of news) {
    const removed = of?.removed.map((field) => [field, null] as const) ?? [];
    const updates = of && { ...of.updated, ...Object.fromEntries(removed) };
    users[userId] = { profile_updates: updates };
  }
  return JSON.stringify(users);
}
