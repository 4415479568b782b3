/** POST /createRoom: turns the options into the first events, in the order of the specification. */
import { errors, type MatrixError } from "../../protocol/errors.ts";
import { isRoomAlias, isUserId, parseUserId, serverOf } from "../../protocol/identifiers.ts";
import type { RoomAlias, UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { RoomVersion } from "../../protocol/room-versions.ts";
import { publishRoom } from "../../storage/rooms/published-rooms.ts";
import { defaultPowerLevels, hasNoCreators } from "./default-levels.ts";
import type { DirectoryLimits } from "./directory-limits.ts";
import type { Invitees } from "../membership/invitees.ts";
import { aliasesSet } from "./canonical-alias.ts";
import { clientMemberContent } from "../membership/member-content.ts";
import type { FirstState, RoomMaker } from "./room-maker.ts";
import type { RoomStore } from "../state/store.ts";
import {
  allowedVersion,
  ENCRYPTED,
  ensureMayMakeRooms,
  isEncryptedByDefault,
  type RoomRules,
} from "./room-rules.ts";
import type {
  Actor,
  CreateRoomOptions,
  MemberProfiles,
  RoomCreate,
  RoomMembers,
} from "../api/index.ts";

export interface CreateDeps {
  readonly store: RoomStore;
  readonly maker: RoomMaker;
  readonly members: RoomMembers;
  readonly profiles: MemberProfiles;
  readonly invitees: Invitees;
  readonly rules: RoomRules;
  readonly directoryLimits: DirectoryLimits;
  readonly now: () => number;
}

type Preset = NonNullable<CreateRoomOptions["preset"]>;

/**
 * Guests are refused unless m.room.guest_access allows them, so a public room needs no such event.
 */
const PRESETS: Record<Preset, { joinRule: string; guestAccess?: string }> = {
  private_chat: { joinRule: "invite", guestAccess: "can_join" },
  trusted_private_chat: { joinRule: "invite", guestAccess: "can_join" },
  public_chat: { joinRule: "public" },
};

export function createRoomCreator(deps: CreateDeps): Pick<RoomCreate, "room"> {
  const { store, maker, members, profiles } = deps;

  return {
    async room(by, options) {
      ensureMayMakeRooms(deps.rules, by);
      const version = allowedVersion(deps.rules, options.room_version);
      const isPublic = options.visibility === "public";
      if (isPublic) await deps.directoryLimits.ensureMayPublish(by);
      const alias = aliasOf(by, options.room_alias_name);
      const isOurs = ({ userId }: Invite) => serverOf(userId) === serverOf(by.userId);
      const given = initialState(options);
      checkAliases(given.state, alias);
      const invites = invitees(by, options);
      if (invites.length + given.invites.length > MAX_INVITES) throw tooManyInvites();
      const all = [...(await Promise.all(invites.map(invited))), ...given.invites];
      for (const { userId } of all.filter(isOurs)) {
        await deps.invitees.check(userId, by.userId);
      }
      const room = await maker.make({
        creator: by.userId,
        version,
        createContent: createContent(options, version, invites, by),
        joinContent: { membership: "join", ...(await profiles.get(by.userId)) },
        state: [
          ...firstState(by, {
            ...{ ...options, version, initial: given.state, invites, alias },
            isEncrypted: isEncryptedByDefault(deps.rules, {
              by,
              isOpen: isOpen(options, given.state),
              creation: options.creation_content,
            }),
          }),
          ...all.filter(isOurs).map(inviteState),
        ],
        alias,
        service: by.service,
      });
      if (isPublic) await publishRoom(store.sql, room.nid, by.userId, deps.now());
      // Users of other servers: the room is kept even when a server cannot be reached.
      const others = all.filter((invite) => !isOurs(invite));
      await Promise.allSettled(
        others.map((invite) => members.invite({ by, roomId: room.roomId, ...invite })),
      );
      return room.roomId;

      async function invited(userId: UserId): Promise<Invite> {
        const isLocal = serverOf(userId) === serverOf(by.userId);
        const profile = isLocal ? await profiles.get(userId) : {};
        return { userId, content: { ...profile, ...(options.is_direct && { is_direct: true }) } };
      }
    },
  };
}

/**
 * Limit on invites at creation: each invite is checked, and each remote server is asked at once.
 */
const MAX_INVITES = 200;

function tooManyInvites(): MatrixError {
  return errors.invalidParam(
    `At most ${MAX_INVITES} people are invited as a room is made: invite the others afterwards`,
  );
}

/** A user invited at creation; `content` is that of the member event, without the membership. */
interface Invite {
  readonly userId: UserId;
  readonly content: JsonObject;
}

function inviteState({ userId, content }: Invite): FirstState {
  const full = { ...content, membership: "invite" };
  return { type: "m.room.member", stateKey: userId, content: full };
}

/**
 * `initial_state` without the invites, which are sent like other invites. Throws M_INVALID_PARAM,
 * M_BAD_JSON, M_INVALID_ROOM_STATE (400).
 */
function initialState(options: CreateRoomOptions): { state: FirstState[]; invites: Invite[] } {
  const state: FirstState[] = [];
  const invites: Invite[] = [];
  for (const { type, state_key: stateKey = "", content } of options.initial_state ?? []) {
    if (type === "m.room.create") {
      throw errors.invalidRoomState(
        "creation_content goes into the create event, a room's only one",
      );
    }
    if (type !== "m.room.member") {
      state.push({ type, stateKey, content });
      continue;
    }
    const userId = parseUserId(stateKey);
    const own = clientMemberContent(content);
    if (own.membership === "invite") invites.push({ userId, content: own });
    else state.push({ type, stateKey, content: own });
  }
  return { state, invites };
}

/**
 * Only the alias that is created together with the room leads to it already; any other is refused.
 * M_INVALID_PARAM, M_BAD_ALIAS.
 */
function checkAliases(state: readonly FirstState[], made: RoomAlias | undefined): void {
  for (const { type, stateKey, content } of state) {
    if (type !== "m.room.canonical_alias" || stateKey !== "") continue;
    for (const alias of aliasesSet(content)) {
      if (!isRoomAlias(alias)) throw errors.invalidParam("That is not a room alias");
      if (alias !== made) throw errors.badAlias(`${alias} does not lead to this room`);
    }
  }
}

function invitees(by: Actor, options: CreateRoomOptions): UserId[] {
  const users = new Set<UserId>();
  for (const user of options.invite ?? []) {
    if (!isUserId(user)) throw errors.invalidParam("invite holds what is not a user id");
    if (user !== by.userId) users.add(user);
  }
  return [...users];
}

function aliasOf(by: Actor, localpart: string | undefined): RoomAlias | undefined {
  if (localpart === undefined) return undefined;
  const alias = `#${localpart}:${serverOf(by.userId)}`;
  if (localpart.includes(":") || !isRoomAlias(alias)) {
    throw errors.invalidParam("room_alias_name is not the local part of an alias");
  }
  return alias;
}

function presetOf(options: CreateRoomOptions): Preset {
  return options.preset ?? (options.visibility === "public" ? "public_chat" : "private_chat");
}

/** Whether people come in without an invite, or find it in the room directory. */
function isOpen(options: CreateRoomOptions, state: readonly FirstState[]): boolean {
  if (options.visibility === "public") return true;
  const rules = state.find(({ type, stateKey }) => type === "m.room.join_rules" && stateKey === "");
  return (rules?.content["join_rule"] ?? PRESETS[presetOf(options)].joinRule) === "public";
}

function createContent(
  options: CreateRoomOptions,
  version: RoomVersion,
  invites: readonly UserId[],
  by: Actor,
): JsonObject {
  const content: JsonObject = { ...options.creation_content };
  if (!version.privilegedCreators || presetOf(options) !== "trusted_private_chat") return content;
  const given = content.additional_creators;
  if (given !== undefined && !Array.isArray(given)) {
    throw errors.badJson("additional_creators is not a list");
  }
  const creators = new Set([...(given ?? []), ...invites]);
  creators.delete(by.userId);
  if (creators.size > 0) content.additional_creators = [...creators];
  return content;
}

interface FirstStateOptions extends CreateRoomOptions {
  readonly version: RoomVersion;
  /** `initial_state` without the invites. */
  readonly initial: readonly FirstState[];
  readonly invites: readonly UserId[];
  readonly alias: RoomAlias | undefined;
  /** Whether it is although its creator does not say so. */
  readonly isEncrypted: boolean;
}

/** Steps 3 to 7 in the order of the specification. */
function firstState(by: Actor, options: FirstStateOptions): FirstState[] {
  const { version, initial, invites, alias } = options;
  const preset = presetOf(options);
  const given = new Set(initial.map((state) => `${state.type}\0${state.stateKey}`));
  const implied: FirstState[] = [];
  const imply = (type: string, content: JsonObject) => {
    if (!given.has(`${type}\0`)) implied.push({ type, stateKey: "", content });
  };
  const levels = initial.find((s) => s.type === "m.room.power_levels" && s.stateKey === "");
  const trusted = preset === "trusted_private_chat" ? invites : [];
  const defaults = levels?.content ?? defaultPowerLevels(version, by.userId, trusted, preset);
  const content = { ...defaults, ...options.power_level_content_override };
  if (!hasNoCreators(version, content, by.userId)) {
    throw errors.invalidRoomState("The creators' power can't be set in this room version");
  }
  if (alias !== undefined) imply("m.room.canonical_alias", { alias });
  imply("m.room.join_rules", { join_rule: PRESETS[preset].joinRule });
  imply("m.room.history_visibility", { history_visibility: "shared" });
  if (options.isEncrypted) imply("m.room.encryption", ENCRYPTED);
  const { guestAccess } = PRESETS[preset];
  if (guestAccess !== undefined) imply("m.room.guest_access", { guest_access: guestAccess });
  return [
    { type: "m.room.power_levels", stateKey: "", content },
    ...implied,
    ...initial.filter((state) => state !== levels && !overridden(state, options)),
    ...named(options),
  ].map(({ type, stateKey, content: body }) => ({ type, stateKey, content: body }));
}

function overridden(state: FirstState, options: CreateRoomOptions): boolean {
  if (state.stateKey !== "") return false;
  if (state.type === "m.room.name") return options.name !== undefined;
  return state.type === "m.room.topic" && options.topic !== undefined;
}

function named(options: CreateRoomOptions): FirstState[] {
  const state: FirstState[] = [];
  if (options.name !== undefined) {
    state.push({ type: "m.room.name", stateKey: "", content: { name: options.name } });
  }
  if (options.topic !== undefined) {
    const content = {
      topic: options.topic,
      "m.topic": { "m.text": [{ body: options.topic, mimetype: "text/plain" }] },
    };
    state.push({ type: "m.room.topic", stateKey: "", content });
  }
  return state;
}
