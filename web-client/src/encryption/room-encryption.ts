import type { RoomApi } from "../api/rooms.ts";
import { number, text, type Content } from "../api/types.ts";
import type { Room } from "../store/room.ts";
import { decryptionOf } from "./decryption.ts";
import { EncryptionError } from "./errors.ts";
import type { EncryptionStatus, RoomEncryption, Shield } from "./port.ts";
import type { RoomTarget } from "./protocol.ts";
import { toWire } from "./reader.ts";
import { roomAlgorithm } from "./room-algorithm.ts";
import type { Line } from "./tabs.ts";

interface RoomsDeps {
  call: Line["call"];
  api: Pick<RoomApi, "setState">;
  status(): EncryptionStatus;
  loadMembers(room: Room): Promise<void>;
  heal(roomId: string, sessions: ReadonlySet<string>): Promise<void>;
}

const VISIBILITIES = new Set(["invited", "joined", "shared", "world_readable"]);

/** Milliseconds within which the keys of a room are not handed out twice because somebody writes. */
const PREPARED = 20_000;

/** Types that go openly in encrypted rooms, since servers count and place them. */
const OPEN = new Set(["m.reaction"]);

function visibilityOf(room: Room): RoomTarget["visibility"] {
  const event = room.stateEvent("m.room.history_visibility");
  const named = text(event?.content, "history_visibility") ?? "shared";
  return (VISIBILITIES.has(named) ? named : "shared") as RoomTarget["visibility"];
}

/** The keys that events of a room lack: of all that are loaded, or of these. */
function lackingKeys(room: Room, eventIds: readonly string[] | undefined): string[] {
  return room.timeline.entries.flatMap(({ event }) => {
    const known = decryptionOf(event);
    const isWanted = eventIds === undefined || eventIds.includes(event.event_id);
    if (known?.state !== "unreadable" || known.sessionId === undefined || !isWanted) return [];
    return [known.sessionId];
  });
}

/** Encryption room by room, and who is to read what is written in them. */
export function createRoomEncryption({ call, api, status, loadMembers, heal }: RoomsDeps) {
  async function readersOf(room: Room): Promise<string[]> {
    await loadMembers(room);
    const isForInvited = visibilityOf(room) !== "joined";
    const members = isForInvited ? room.members("join", "invite") : room.members("join");
    return members.map(({ userId }) => userId);
  }

  async function targetOf(room: Room): Promise<RoomTarget> {
    const { encryption } = room;
    return {
      roomId: room.roomId,
      readers: await readersOf(room),
      rotation: {
        ms: number(encryption, "rotation_period_ms"),
        messages: number(encryption, "rotation_period_msgs"),
      },
      visibility: visibilityOf(room),
    };
  }

  async function encrypt(
    room: Room,
    type: string,
    content: Content,
  ): Promise<{ type: string; content: Content }> {
    const algorithm = roomAlgorithm(room);
    if (algorithm === "none" || OPEN.has(type)) return { type, content };
    if (algorithm === "unknown") throw new EncryptionError("unknown-algorithm");
    const sealed = await call("encrypt", await targetOf(room), type, JSON.stringify(content));
    return { type: "m.room.encrypted", content: JSON.parse(sealed) as Content };
  }

  const prepared = new WeakMap<Room, number>();

  const initialState: RoomEncryption["initialState"] = () => ({
    type: "m.room.encryption",
    state_key: "",
    content: { algorithm: "m.megolm.v1.aes-sha2" },
  });

  const rooms: RoomEncryption = {
    algorithm: roomAlgorithm,
    canWrite(room) {
      const algorithm = roomAlgorithm(room);
      return algorithm === "none" || (algorithm === "megolm" && status().engine !== "failed");
    },
    prepare(room) {
      if (roomAlgorithm(room) !== "megolm" || status().engine !== "ready") return;
      if (Date.now() - (prepared.get(room) ?? 0) < PREPARED) return;
      prepared.set(room, Date.now());
      void targetOf(room)
        .then((target) => call("prepare", target))
        .catch(() => undefined);
    },
    initialState,
    async turnOn(room) {
      await api.setState(room.roomId, "m.room.encryption", initialState().content);
    },
    async shield(room, event): Promise<Shield> {
      const known = decryptionOf(event);
      if (known?.state === "readable") return call("shield", toWire(room.roomId, event));
      const isOpen = known === undefined && event.type === "m.room.message";
      return isOpen && room.encryption !== undefined
        ? { color: "red", why: "sent-open" }
        : { color: "none" };
    },
    async retry(room, eventIds) {
      const { roomId } = room;
      const sessions = lackingKeys(room, eventIds);
      await call(
        "retry",
        sessions.map((sessionId) => ({ roomId, sessionId })),
      );
      await heal(roomId, new Set(sessions));
    },
    encrypt,
  };
  return { rooms, readersOf };
}
