import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import { createFreeTurn, type FreeTurn } from "./free-turns.ts";
import type { TurnAnswer, TurnTable } from "./redis-turns.ts";

/**
 * Replicas write to a room in turns: whoever has the turn carries out all commands that wait there, and passes it
 * on to the replica that has waited longest. A turn says when to write, not that it is safe: that is for the
 * database, which compares a room's head as it moves it.
 */
export interface RoomTurns {
  /** The room's turns at this replica, for the mailbox that writes to it: one at a time may be open. */
  open(roomNid: number, writer: Writer): RoomTurn;
  /** Passes on what is held. */
  close(): Promise<void>;
}

/** Who writes when it is its turn. */
export interface Writer {
  /** Something is under way, or waits: the turn is kept. */
  readonly isBusy: boolean;
  /** Another replica waits for the turn: end it as soon as may be. */
  wanted(): void;
}

export interface RoomTurn {
  /**
   * Waits for the turn; never rejects. "kept": no other replica has had it since the last time, so that what this one
   * knows of the head holds.
   */
  take(): "kept" | Promise<"kept" | "new">;
  /** Another replica waits. */
  readonly isWanted: boolean;
  /** Another replica waits, and this one has had its share. */
  readonly isOver: boolean;
  /** Waits a moment for more to do, or until the signal says that there is. */
  linger(more: AbortSignal): Promise<void>;
  /** Passes the turn on, when nothing of this replica is under way any more. */
  pass(): Promise<void>;
  /** Another writer was faster although it was our turn: lets it go first. */
  yield(): Promise<void>;
  /** The room is not written to any more. */
  close(): void;
}

export interface RoomTurnsDeps {
  readonly table: TurnTable;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The table's. */
  readonly leaseMs: number;
}

/** A turn that is not confirmed ends after so long: that of a replica that was killed, or that hangs. */
export const LEASE_MS = 1_000;
/** While others wait, a replica begins commands for so long. */
const SHARE_MS = 25;
/** Who was just answered may send more: so long a turn that others wait for goes on although there is nothing to do. */
const LINGER_MS = 3;
/** When Redis has failed it is not asked for so long. */
const AWAY_MS = 1_000;

interface RoomState {
  readonly roomNid: number;
  readonly writer: Writer;
  readonly free: FreeTurn;
  /** Redis was away when this turn began. */
  isFree: boolean;
  /** Monotonic ms until which the turn is ours; 0: it is not. */
  until: number;
  /** Which of the room's turns we had last. */
  turn: string | undefined;
  /** When it began. */
  since: number;
  isWanted: boolean;
  /** Ends the wait for the turn. */
  arrived: (() => void) | undefined;
}

/** Turns that Redis keeps. While it is away every replica writes for a while and pauses, and the database decides. */
export function createRoomTurns({
  table,
  clock,
  random,
  logger,
  leaseMs,
}: RoomTurnsDeps): RoomTurns {
  /** Turns are confirmed, and asked for again, when half of their time is over. */
  const halfMs = leaseMs / 2;
  const rooms = new Map<number, RoomState>();
  const stopping = new AbortController();
  let awayUntil = 0;

  table.listen({
    wanted(roomNid) {
      const room = rooms.get(roomNid);
      if (room?.writer.isBusy === true) {
        room.isWanted = true;
        room.writer.wanted();
      } else {
        void pass(roomNid, room);
      }
    },
    yours(roomNid, turn) {
      const room = rooms.get(roomNid);
      // The answer to our own asking may have said so already.
      if (room?.turn === turn && room.until > clock.monotonic()) return;
      if (room?.arrived === undefined) return void pass(roomNid, room);
      room.isWanted = false;
      hold(room, turn, clock.monotonic());
      room.arrived();
    },
  });

  /** `asked`: when its time began, or earlier. */
  function hold(room: RoomState, turn: string, asked: number): "kept" | "new" {
    const answer = room.turn === turn ? "kept" : "new";
    if (room.until === 0 || answer === "new") room.since = clock.monotonic();
    room.until = asked + leaseMs;
    room.turn = turn;
    return answer;
  }

  function failed(error: unknown): undefined {
    const now = clock.monotonic();
    if (now >= awayUntil) {
      logger.warn({ err: error }, "Redis can't say whose turn it is: replicas write without turns");
    }
    awayUntil = now + AWAY_MS;
  }

  async function pass(roomNid: number, room: RoomState | undefined): Promise<void> {
    if (room !== undefined) {
      room.isWanted = false;
      room.until = 0;
    }
    await table.pass(roomNid).catch(failed);
  }

  /** Asks until the turn is ours. Throws when Redis is away. */
  async function acquire(room: RoomState): Promise<"kept" | "new"> {
    const before = room.turn;
    try {
      while (!stopping.signal.aborted) {
        const arrival = new Promise<void>((resolve) => (room.arrived = resolve));
        const asked = clock.monotonic();
        room.isWanted = false;
        const answer = await table.take(room.roomNid);
        if (answer.isOurs) {
          // That another one waits may have been told before this answer came, by the other connection.
          room.isWanted ||= answer.isWanted;
          return hold(room, answer.turn, asked);
        }
        const waited = new AbortController();
        const late = clock.sleep(Math.min(answer.waitMs + 1, halfMs), waited.signal);
        await Promise.race([arrival, late]);
        waited.abort("over");
        if (room.until > clock.monotonic()) return room.turn === before ? "kept" : "new";
      }
      throw new Error("this replica is stopping");
    } finally {
      room.arrived = undefined;
    }
  }

  /** Turns of busy rooms are confirmed, however long a command takes. */
  async function confirm(room: RoomState): Promise<void> {
    const asked = clock.monotonic();
    const { turn } = room;
    const answer: TurnAnswer | undefined = await table.confirm(room.roomNid).catch(failed);
    if (answer === undefined || room.until === 0 || room.turn !== turn) return;
    if (!answer.isOurs || answer.turn !== turn) {
      room.until = 0;
      return;
    }
    room.until = asked + leaseMs;
    if (!answer.isWanted) return;
    room.isWanted = true;
    room.writer.wanted();
  }

  async function keepConfirming(): Promise<void> {
    while (!stopping.signal.aborted) {
      await clock.sleep(leaseMs / 4, stopping.signal);
      const now = clock.monotonic();
      const due = [...rooms.values()].filter(
        ({ until, writer }) => until > now && until - now < halfMs && writer.isBusy,
      );
      await Promise.all(due.map(confirm));
    }
  }

  const confirming = keepConfirming();

  function open(roomNid: number, writer: Writer): RoomTurn {
    const room: RoomState = {
      ...{ roomNid, writer, free: createFreeTurn(clock, random), isFree: false, until: 0 },
      ...{ turn: undefined, since: 0, isWanted: false, arrived: undefined },
    };
    rooms.set(roomNid, room);

    function takeFreely(): "kept" {
      room.isFree = true;
      room.turn = undefined;
      room.free.take();
      return "kept";
    }

    return {
      take() {
        const now = clock.monotonic();
        if (now < awayUntil || stopping.signal.aborted) return takeFreely();
        room.isFree = false;
        if (room.until > now) return "kept";
        return acquire(room).catch((error: unknown) => {
          if (!stopping.signal.aborted) failed(error);
          return takeFreely();
        });
      },
      get isWanted() {
        return room.isFree ? room.free.isOver : room.isWanted;
      },
      get isOver() {
        if (room.isFree) return room.free.isOver;
        return room.isWanted && clock.monotonic() - room.since > SHARE_MS;
      },
      linger: (more) => clock.sleep(LINGER_MS, more),
      pass: () => (room.isFree ? room.free.pass() : pass(roomNid, room)),
      yield: () => room.free.yield(),
      close() {
        if (rooms.get(roomNid) !== room) return;
        rooms.delete(roomNid);
        if (room.until > clock.monotonic()) void pass(roomNid, room);
      },
    };
  }

  return {
    open,
    async close() {
      stopping.abort("over");
      await confirming;
      const now = clock.monotonic();
      const held = [...rooms.values()].filter(({ until }) => until > now);
      await Promise.all(held.map(({ roomNid }) => table.leave(roomNid).catch(failed)));
      rooms.clear();
      await table.close();
    },
  };
}
