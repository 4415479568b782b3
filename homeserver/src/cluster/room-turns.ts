import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import { createFreeTurn, type FreeTurn } from "./free-turns.ts";
import type { TurnAnswer, TurnTable } from "./redis-turns.ts";

/**
 * Replicas write to a room in turns: the one with the turn runs all commands that wait there, then
 * passes it to the replica that has waited longest. A turn only says when to write. That writing is
 * safe is up to the database, which compares a room's head as it moves it.
 */
export interface RoomTurns {
  /**
   * The room's turns on this replica, for the mailbox that writes to it. Only one may be open per
   * room.
   */
  open(roomNid: number, writer: Writer): RoomTurn;
  /** Passes on all turns that are held. */
  close(): Promise<void>;
}

/** What writes during the turn: a room's mailbox. */
export interface Writer {
  /** Commands are running or waiting: the turn is kept. */
  readonly isBusy: boolean;
  /** Another replica waits for the turn: finish soon. */
  wanted(): void;
}

export interface RoomTurn {
  /**
   * Waits for the turn; never rejects. "kept": no other replica has had it since the last time, so
   * the head in memory is up to date.
   */
  take(): "kept" | Promise<"kept" | "new">;
  /** Another replica waits. */
  readonly isWanted: boolean;
  /** Another replica waits, and this one has used up its share of time. */
  readonly isOver: boolean;
  /** Waits a moment for further commands, or until the signal says that there is one. */
  linger(more: AbortSignal): Promise<void>;
  /** Passes the turn on; only when nothing of this replica is running any more. */
  pass(): Promise<void>;
  /** Another writer was faster although this replica had the turn: lets it go first. */
  yield(): Promise<void>;
  /** The room is no longer written to. */
  close(): void;
}

export interface RoomTurnsDeps {
  readonly table: TurnTable;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** From the turn table. */
  readonly leaseMs: number;
}

/** An unconfirmed turn ends after this time, when its replica was killed or hangs. */
export const LEASE_MS = 1_000;
/** How long a replica keeps starting commands while others wait. */
const SHARE_MS = 25;
/**
 * How long an idle turn continues although others wait: a client that was just answered may send
 * more.
 */
const LINGER_MS = 3;
/** After a failure, Redis is not asked again for this long. */
const AWAY_MS = 1_000;

interface RoomState {
  readonly roomNid: number;
  readonly writer: Writer;
  readonly free: FreeTurn;
  /** Redis was away when this turn began. */
  isFree: boolean;
  /** Monotonic ms until which this replica has the turn; 0: it does not. */
  until: number;
  /** The room's last turn that this replica had. */
  turn: string | undefined;
  /** When it began. */
  since: number;
  isWanted: boolean;
  /** Ends the wait for the turn. */
  arrived: (() => void) | undefined;
}

/**
 * Turns kept by Redis. While it is away every replica writes for a while and pauses, and the
 * database decides.
 */
export function createRoomTurns({
  table,
  clock,
  random,
  logger,
  leaseMs,
}: RoomTurnsDeps): RoomTurns {
  /** Turns are confirmed, and asked for again, after half of their time. */
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
      // The answer to our own question may have said so already.
      if (room?.turn === turn && room.until > clock.monotonic()) return;
      if (room?.arrived === undefined) return void pass(roomNid, room);
      room.isWanted = false;
      hold(room, turn, clock.monotonic());
      room.arrived();
    },
  });

  /** `asked`: the time at which the turn began, or an earlier one. */
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

  /** Asks until this replica has the turn. Throws when Redis is away. */
  async function acquire(room: RoomState): Promise<"kept" | "new"> {
    const before = room.turn;
    try {
      while (!stopping.signal.aborted) {
        const arrival = new Promise<void>((resolve) => (room.arrived = resolve));
        const asked = clock.monotonic();
        room.isWanted = false;
        const answer = await table.take(room.roomNid);
        if (answer.isOurs) {
          // The notification that another replica waits may overtake this answer, on the other
          // connection.
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

  /** Confirms the turns of busy rooms, however long a command takes. */
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
