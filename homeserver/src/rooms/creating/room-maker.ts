/** Creates a room from its first events: one command, one append. */
import { authorise, authStateOf } from "../../protocol/auth/index.ts";
import { addLocal } from "../commands/local-drafts.ts";
import { buildEvent } from "../../protocol/events/build-event.ts";
import { errors, MatrixError, rejectionOf } from "../../protocol/errors.ts";
import { serverOf } from "../../protocol/identifiers.ts";
import type { RoomAlias, RoomId, UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import type { RoomVersion } from "../../protocol/room-versions.ts";
import type { Random } from "../../platform/random.ts";
import { deleteAlias, insertAlias } from "../../storage/rooms/aliases.ts";
import type { DirectoryLimits } from "./directory-limits.ts";
import type { LocalEvents } from "../commands/local-events.ts";
import { memberDraft } from "../records/member-events.ts";
import type { RoomStore } from "../state/store.ts";
import type { Actor, Room } from "../api/index.ts";

export interface FirstState {
  readonly type: string;
  readonly stateKey: string;
  readonly content: JsonObject;
}

interface RoomPlan {
  readonly creator: UserId;
  readonly version: RoomVersion;
  readonly createContent: JsonObject;
  /** Content of the creator's member event. */
  readonly joinContent: JsonObject;
  /** Everything after the creator's join, in order. */
  readonly state: readonly FirstState[];
  /** Reserved before the room is created. */
  readonly alias?: RoomAlias | undefined;
  /** The application service that acts as the creator. */
  readonly service?: Actor["service"];
}

export interface RoomMaker {
  /** Throws M_ROOM_IN_USE for a taken alias, M_INVALID_ROOM_STATE when an event is refused. */
  make(plan: RoomPlan): Promise<Room>;
}

export function createRoomMaker(
  store: RoomStore,
  local: LocalEvents,
  random: Random,
  directoryLimits: DirectoryLimits,
): RoomMaker {
  const { identity } = local;
  let lastTs = 0;

  return {
    async make(plan) {
      const create = await buildCreate(plan);
      if (plan.alias !== undefined) await reserve(plan.alias, create.roomId, plan);
      try {
        const room = await store.registry.make(create.roomId, plan.version, identity.now());
        await local.run(room, async (command) => {
          if (command.extremities.length > 0) throw errors.roomInUse("That room is there already");
          await command.addOnHead(create, []);
          await addLocal(command, memberDraft(plan.creator, plan.creator, plan.joinContent));
          for (const state of plan.state)
            await addLocal(command, { ...state, sender: plan.creator });
        });
        return room;
      } catch (error) {
        if (plan.alias !== undefined) await deleteAlias(store.sql, plan.alias);
        if (error instanceof MatrixError && error.errcode === "M_FORBIDDEN") {
          throw errors.invalidRoomState(error.message);
        }
        throw error;
      }
    },
  };

  /**
   * Equal create events would have equal ids, and from version 12 on equal room ids: each gets a
   * timestamp of its own.
   */
  async function buildCreate(plan: RoomPlan): Promise<RoomEvent> {
    for (;;) {
      lastTs = Math.max(identity.now(), lastTs + 1);
      const create = createEventOf(plan, lastTs);
      if ((await store.registry.byId(create.roomId)) === undefined) return create;
    }
  }

  function createEventOf(plan: RoomPlan, originServerTs: number): RoomEvent {
    const { version, creator } = plan;
    const content: JsonObject = { ...plan.createContent, room_version: version.id };
    delete content.creator;
    if (version.creatorInContent) content.creator = creator;
    const roomId = `!${random.alphanumeric(18)}:${serverOf(creator)}`;
    const create = buildEvent(
      {
        ...(version.roomIdIsCreateHash ? {} : { roomId }),
        type: "m.room.create",
        stateKey: "",
        sender: creator,
        content,
        depth: 1,
        originServerTs,
        prevEventIds: [],
        authEventIds: [],
      },
      version,
      identity.serverName,
      identity.signingKey,
    );
    const reason = rejectionOf(() => authorise(create, authStateOf([])));
    if (reason !== undefined) throw errors.invalidRoomState(reason);
    return create;
  }

  async function reserve(
    alias: RoomAlias,
    roomId: RoomId,
    { creator, service }: RoomPlan,
  ): Promise<void> {
    await directoryLimits.ensureMayMakeAlias({ userId: creator, service }, alias, roomId);
    const row = { alias, roomId, creator, createdTs: identity.now() };
    if (!(await insertAlias(store.sql, row))) throw errors.roomInUse();
  }
}
