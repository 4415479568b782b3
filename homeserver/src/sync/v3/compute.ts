import { matchesEvent, matchesRoom } from "../../protocol/filter.ts";
import { inParallel } from "../../platform/pacing/in-parallel.ts";
import type { Room, RoomView } from "../../rooms/api/index.ts";
import type { AccountDataChanges } from "../recent/account-data-changes.ts";
import { accountDataEvent, type SectionSources } from "../sections/ephemeral-sections.ts";
import type { createJoinedRoom } from "./joined-room.ts";
import type { OtherRooms } from "./other-rooms.ts";
import type { SyncingUserRoom } from "../users/syncing-user.ts";
import type { PresenceSection } from "../sections/presence-section.ts";
import type { SyncToken } from "../../log/token.ts";
import type { createDeviceListsSection } from "../sections/device-lists.ts";
import { type DeviceKeyCounts, keyCountsText } from "../sections/key-counts.ts";
import type { createToDeviceSection } from "../sections/to-device.ts";
import { type ProfilesSection, usersText } from "../sections/profiles.ts";
import { JsonText, eventsJson } from "../sections/json-text.ts";
import { syncText } from "./response.ts";
import { isHidden, hasBecomeComplete, type Scope } from "../sections/scope.ts";
import { isWantedInvite, type UserPreferences } from "../users/preferences.ts";
import type { StickyChanges } from "../recent/sticky-changes.ts";
import type { RecentEvents } from "../recent/recent-events.ts";

export interface ComputeDeps {
  readonly view: RoomView;
  readonly recentEvents: RecentEvents;
  readonly joinedRoom: ReturnType<typeof createJoinedRoom>;
  readonly otherRooms: OtherRooms;
  readonly sources: SectionSources;
  readonly presence: PresenceSection;
  readonly accountDataChanges: AccountDataChanges;
  readonly stickyChanges: StickyChanges;
  readonly toDevice: ReturnType<typeof createToDeviceSection>;
  readonly deviceLists: ReturnType<typeof createDeviceListsSection>;
  readonly profiles: ProfilesSection;
  readonly keyCounts: DeviceKeyCounts;
  readonly hasKeyChanges: (scope: Scope) => Promise<boolean>;
  readonly preferences: Pick<UserPreferences, "inviteVerdict">;
}

export interface Computed {
  readonly body: string;
  /** It contains nothing new. */
  readonly empty: boolean;
  /** The state of the client that has it. */
  readonly upTo: SyncToken;
}

/** Rooms rendered concurrently. */
const MAX_CONCURRENT_ROOMS = 16;

export type Section = "join" | "invite" | "knock" | "leave";

/** What is new in one room: its member of `rooms.join`, `rooms.invite` and so on, as JSON text. */
export interface RoomText {
  readonly section: Section;
  readonly room: Room;
  readonly userRoom: SyncingUserRoom;
  readonly text: string;
}

/** All that a sync has to tell, as JSON texts. */
export interface SyncParts {
  readonly rooms: readonly RoomText[];
  readonly accountData: readonly string[];
  readonly presence: readonly string[];
  readonly toDevice: readonly string[];
  readonly deviceLists: string | undefined;
  /** Of profiles. */
  readonly users: string | undefined;
  /** Members, without braces. */
  readonly keyCounts: string;
  readonly upTo: SyncToken;
}

/** Makes a response of it: GET /sync has one form, what was before it others. */
export type Compose = (scope: Scope, parts: SyncParts) => string | Promise<string>;

/** One full sync response as JSON text: which rooms, and what of each. */
export function createCompute(deps: ComputeDeps, compose: Compose = composeSync) {
  /**
   * The rooms that may have something for the client, by section: from memory, and by one query for
   * rooms that memory cannot tell. The user's rooms are read before anything is awaited, so that
   * they are those of `upTo`.
   */
  async function skeleton(scope: Scope): Promise<[Section, SyncingUserRoom][]> {
    const rooms: [Section, SyncingUserRoom][] = [];
    const unknown: SyncingUserRoom[] = [];
    for (const userRoom of scope.user.rooms.values()) {
      if (!matchesRoom(scope.filter.room, userRoom.roomId)) continue;
      const section = sectionOf(scope, userRoom);
      if (section === "unknown") unknown.push(userRoom);
      else if (section) rooms.push([section, userRoom]);
    }
    if (unknown.length === 0) return rooms;
    const nids = unknown.map((userRoom) => userRoom.roomNid);
    const changed = await deps.sources.changedRooms(scope.userId, nids, scope.since!.position);
    for (const userRoom of unknown)
      if (changed.has(userRoom.roomNid)) rooms.push(["join", userRoom]);
    return rooms;
  }

  function sectionOf(scope: Scope, userRoom: SyncingUserRoom): Section | "unknown" | undefined {
    const { since } = scope;
    const isNew = !since || userRoom.position > since.position;
    switch (userRoom.membership) {
      case "join": {
        if (isHidden(scope, userRoom)) return undefined;
        const changed =
          scope.fullState ||
          isNew ||
          hasBecomeComplete(scope, userRoom) ||
          hasChanged(scope, userRoom);
        return changed === undefined ? "unknown" : changed ? "join" : undefined;
      }
      case "invite":
      case "knock":
        return isNew || scope.fullState ? userRoom.membership : undefined;
      case "leave":
      case "ban":
        if (!since) {
          return scope.filter.room.includeLeave && !userRoom.isForgotten ? "leave" : undefined;
        }
        return isNew ? "leave" : undefined;
    }
  }

  /** undefined: memory cannot tell. */
  function hasChanged(scope: Scope, userRoom: SyncingUserRoom): boolean | undefined {
    const since = scope.since!;
    if (deps.sources.typing(userRoom.roomId).serial > since.ephemeral) return true;
    const inRoom = deps.recentEvents.changed(userRoom.roomNid, since.position);
    if (inRoom === true) return true;
    const own = deps.accountDataChanges.changed(scope.userId, userRoom.roomNid, since.position);
    const sticky = deps.stickyChanges.changed(userRoom.roomNid, since.position);
    if (own === true || sticky === true) return true;
    return [inRoom, own, sticky].includes(undefined) ? undefined : false;
  }

  async function roomText(
    scope: Scope,
    section: Section,
    room: Room,
    userRoom: SyncingUserRoom,
  ): Promise<string | undefined> {
    if (section === "join") return deps.joinedRoom(scope, room, userRoom);
    if (section === "leave") return deps.otherRooms.left(scope, room, userRoom);
    if (section === "invite" && (await isUnwanted(scope, userRoom))) return undefined;
    return deps.otherRooms.pending(scope, userRoom);
  }

  /**
   * Invites from before the user blocked such ones are hidden too, as are invites from ignored users.
   */
  async function isUnwanted(scope: Scope, userRoom: SyncingUserRoom): Promise<boolean> {
    const invite = (await deps.view.events([userRoom.eventNid])).get(userRoom.eventNid);
    return !(await isWantedInvite(deps.preferences, scope, invite?.event.sender ?? ""));
  }

  async function roomTexts(scope: Scope): Promise<RoomText[]> {
    const wanted = await skeleton(scope);
    if (wanted.length === 0) return [];
    const known = await deps.view.rooms(wanted.map(([, userRoom]) => userRoom.roomNid));
    const texts: RoomText[] = [];
    await inParallel(wanted, MAX_CONCURRENT_ROOMS, async ([section, userRoom]) => {
      const room = known.get(userRoom.roomNid);
      if (!room) return;
      const text = await roomText(scope, section, room, userRoom);
      if (text !== undefined) texts.push({ section, room, userRoom, text });
    });
    return texts;
  }

  async function globalAccountData(scope: Scope): Promise<string[]> {
    const after = scope.since && !scope.fullState ? scope.since.position : 0;
    if (after > 0 && deps.accountDataChanges.changed(scope.userId, 0, after) === false) return [];
    const { userId, upTo } = scope;
    const data = await deps.sources.accountData(userId, undefined, after, upTo.position);
    return data
      .filter(({ type }) => matchesEvent(scope.filter.accountData, { type }))
      .map(accountDataEvent);
  }

  return async function compute(scope: Scope): Promise<Computed> {
    // The user's own profile comes first of all.
    if (scope.since === undefined) scope.met.add(scope.userId);
    const [rooms, accountData, presence, toDevice, lists] = await Promise.all([
      roomTexts(scope),
      globalAccountData(scope),
      deps.presence(scope),
      deps.toDevice(scope),
      deps.deviceLists(scope),
    ]);
    const users = usersText(await deps.profiles(scope, lists?.left ?? []));
    const deviceLists = lists && JSON.stringify(lists);
    const { keyCounts } = deps;
    const counts = keyCounts.peekCounts(scope) ?? (await keyCounts.counts(scope));
    const events = accountData.length + presence.length + toDevice.events.length;
    const hasNews = events > 0 || rooms.length > 0 || (deviceLists ?? users) !== undefined;
    const upTo = {
      ...scope.upTo,
      ...(toDevice.next === undefined ? {} : { toDevice: toDevice.next }),
    };
    const body = await compose(scope, {
      ...{ rooms, accountData, presence, toDevice: toDevice.events, deviceLists, users, upTo },
      keyCounts: keyCountsText(counts),
    });
    return { body, empty: !hasNews && !(await deps.hasKeyChanges(scope)), upTo };
  };
}

const SECTIONS: readonly Section[] = ["join", "invite", "knock", "leave"];

function composeSync(_scope: Scope, parts: SyncParts): string {
  const rooms = new JsonText();
  for (const section of SECTIONS) {
    const texts = new JsonText();
    for (const one of parts.rooms) {
      if (one.section === section) texts.member(one.room.roomId, one.text);
    }
    if (!texts.empty) rooms.member(section, texts.toString());
  }
  const { deviceLists, users, keyCounts, upTo } = parts;
  return syncText({
    accountData: eventsOrNone(parts.accountData),
    presence: eventsOrNone(parts.presence),
    rooms: rooms.empty ? undefined : rooms.toString(),
    toDevice: eventsOrNone(parts.toDevice),
    ...{ deviceLists, users, keyCounts, upTo },
  });
}

function eventsOrNone(events: readonly string[]): string | undefined {
  return events.length > 0 ? eventsJson(events) : undefined;
}

export type Compute = ReturnType<typeof createCompute>;
