/** Typing and presence for one application service: what is not in the log, and may be lost. */
import type { Ephemeral } from "../cluster/ephemeral.ts";
import type { Clock } from "../platform/clock.ts";
import type { RoomId, UserId } from "../protocol/identifiers.ts";
import type { RoomView } from "../rooms/api/index.ts";
import type { Interest } from "./interest.ts";
import type { Piece, Pieces } from "./pieces.ts";

/** Rooms and users that are remembered until the service is told: beyond that the oldest go. */
const MAX_WAITING = 500;
/** Changes are gathered for so long. */
const GATHER_MS = 50;

/**
 * Gathers changes, and hands them to `tell`, one call after another; `tell` may drop them. Works
 * until the signal aborts.
 */
export function followEphemeral(
  deps: {
    readonly ephemeral: Pick<Ephemeral, "typing" | "presence" | "onChange">;
    readonly view: Pick<RoomView, "room">;
    readonly interest: Interest;
    readonly pieces: Pieces;
    readonly clock: Clock;
    readonly position: () => number;
    readonly tell: (pieces: readonly Piece[]) => Promise<void>;
    readonly failed: (error: unknown) => void;
  },
  signal: AbortSignal,
): void {
  const { ephemeral, view, interest, pieces, clock } = deps;
  const rooms = new Set<RoomId>();
  const users = new Set<UserId>();
  let running = false;

  const unlisten = ephemeral.onChange((change) => {
    if (change.kind === "typing") add(rooms, change.roomId);
    else add(users, change.userId);
    if (!running) void run();
  });
  signal.addEventListener("abort", unlisten, { once: true });

  async function run(): Promise<void> {
    running = true;
    try {
      while (rooms.size + users.size > 0 && !signal.aborted) {
        await clock.sleep(GATHER_MS, signal);
        const [typingIn, present] = [[...rooms], [...users]];
        rooms.clear();
        users.clear();
        const told = [...(await typingOf(typingIn)), ...(await presenceOf(present))];
        if (told.length > 0 && !signal.aborted) await deps.tell(told);
      }
    } catch (error) {
      deps.failed(error);
    } finally {
      running = false;
    }
  }

  async function typingOf(roomIds: readonly RoomId[]): Promise<Piece[]> {
    const told: Piece[] = [];
    const named = await interest.named(roomIds);
    const position = deps.position();
    for (const roomId of roomIds) {
      const room = await view.room(roomId);
      if (!room || !(await interest.inRoom({ roomNid: room.nid, roomId }, position, named)))
        continue;
      const content = { user_ids: ephemeral.typing(roomId).users };
      const text = JSON.stringify({ type: "m.typing", room_id: roomId, content });
      told.push({ position, section: "ephemeral", text });
    }
    return told;
  }

  async function presenceOf(userIds: readonly UserId[]): Promise<Piece[]> {
    const told: Piece[] = [];
    const position = deps.position();
    for (const userId of userIds) {
      const state = ephemeral.presence(userId);
      if (!state || !(await pieces.concerns(userId, position))) continue;
      const content = {
        presence: state.presence,
        status_msg: state.statusMsg,
        last_active_ago: Math.max(0, clock.now() - state.lastActiveTs),
        currently_active: state.currentlyActive,
      };
      const text = JSON.stringify({ type: "m.presence", sender: userId, content });
      told.push({ position, section: "ephemeral", text });
    }
    return told;
  }
}

function add<T>(waiting: Set<T>, one: T): void {
  waiting.delete(one);
  waiting.add(one);
  if (waiting.size > MAX_WAITING) waiting.delete(waiting.keys().next().value!);
}
