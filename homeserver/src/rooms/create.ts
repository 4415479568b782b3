/** POST /createRoom: options to first events, in the order that the specification gives. */
import { errors, matrixError } from "../protocol/errors.ts";
import { isRoomAlias, isUserId, serverOf } from "../protocol/identifiers.ts";
import type { RoomAlias, UserId } from "../protocol/identifiers.ts";
import type { JsonObject } from "../protocol/json.ts";
import { DEFAULT_ROOM_VERSION, roomVersion } from "../protocol/room-versions.ts";
import type { RoomVersion } from "../protocol/room-versions.ts";
import { publishRoom } from "../storage/published-rooms.ts";
import { defaultPowerLevels, hasNoCreators } from "./default-levels.ts";
import type { FirstState, RoomMaker } from "./room-maker.ts";
import type { RoomStore } from "./store.ts";
import type { Actor, CreateRoomOptions, Profiles, RoomCreate, RoomMembers } from "./types.ts";

export interface CreateDeps {
  readonly store: RoomStore;
  readonly maker: RoomMaker;
  readonly members: RoomMembers;
  readonly profiles: Profiles;
  readonly now: () => number;
}

type Preset = NonNullable<CreateRoomOptions["preset"]>;

const PRESETS: Record<Preset, { joinRule: string; guestAccess: string }> = {
  private_chat: { joinRule: "invite", guestAccess: "can_join" },
  trusted_private_chat: { joinRule: "invite", guestAccess: "can_join" },
  public_chat: { joinRule: "public", guestAccess: "forbidden" },
};

export function createCreate(deps: CreateDeps): Pick<RoomCreate, "room"> {
  const { store, maker, members, profiles } = deps;

  return {
    async room(by, options) {
      const version = roomVersion(options.room_version ?? DEFAULT_ROOM_VERSION);
      if (version === undefined) {
        throw errors.unsupportedRoomVersion("This server does not support that room version");
      }
      if ((options.invite_3pid ?? []).length > 0) {
        throw matrixError("M_SERVER_NOT_TRUSTED", "This server invites by user id only");
      }
      const invites = invitees(by, options);
      const alias = aliasOf(by, options.room_alias_name);
      const ours = invites.filter((user) => serverOf(user) === serverOf(by.userId));
      const room = await maker.make({
        creator: by.userId,
        version,
        createContent: createContent(options, version, invites, by),
        joinContent: { membership: "join", ...(await profiles.get(by.userId)) },
        state: [
          ...firstState(by, options, version, invites, alias),
          ...(await Promise.all(ours.map((user) => inviteState(user, options)))),
        ],
        alias,
      });
      if (options.visibility === "public") await publishRoom(store.sql, room.nid, deps.now());
      await inviteOthers(by, room.roomId, invites, options);
      return room.roomId;
    },
  };

  async function inviteState(user: UserId, options: CreateRoomOptions): Promise<FirstState> {
    const direct = options.is_direct === true ? { is_direct: true } : {};
    const content = { membership: "invite", ...(await profiles.get(user)), ...direct };
    return { type: "m.room.member", stateKey: user, content };
  }

  /** Users of other servers: the room stands even when a server can't be reached. */
  async function inviteOthers(
    by: Actor,
    roomId: Parameters<RoomMembers["invite"]>[0]["roomId"],
    invites: readonly UserId[],
    options: CreateRoomOptions,
  ): Promise<void> {
    const others = invites.filter((user) => serverOf(user) !== serverOf(by.userId));
    const isDirect = options.is_direct === true;
    await Promise.allSettled(
      others.map((userId) => members.invite({ by, roomId, userId, isDirect })),
    );
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

/** Steps 3 to 7 of the specification's order. */
function firstState(
  by: Actor,
  options: CreateRoomOptions,
  version: RoomVersion,
  invites: readonly UserId[],
  alias: RoomAlias | undefined,
): FirstState[] {
  const preset = presetOf(options);
  const initial = (options.initial_state ?? []).map((state): FirstState => ({
    ...state,
    stateKey: state.state_key ?? "",
  }));
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
  imply("m.room.guest_access", { guest_access: PRESETS[preset].guestAccess });
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
