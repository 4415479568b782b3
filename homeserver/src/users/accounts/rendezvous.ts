import type { Meeting, Meetings } from "../../cluster/rendezvous.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import { errors } from "../../protocol/errors.ts";

/** What a device left for the other, and where. */
export interface Rendezvous extends Meeting {
  readonly id: string;
  /** How long it lasts from now on, ms. */
  readonly expiresInMs: number;
}

/** Places where two devices meet, one of which the other signs in. (MSC4108, MSC4388.) */
export interface RendezvousPlaces {
  /** @throws MatrixError M_TOO_LARGE 413; M_LIMIT_EXCEEDED 429 when there are too many */
  create(data: string, bytes: number): Promise<Rendezvous>;
  /** @throws MatrixError M_NOT_FOUND 404 */
  read(id: string): Promise<Rendezvous>;
  /**
   * Writes if nothing was written since the token.
   * @throws MatrixError M_NOT_FOUND 404, M_TOO_LARGE 413
   */
  write(id: string, token: string, data: string, bytes: number): Promise<WriteOutcome>;
  /** @throws MatrixError M_NOT_FOUND 404 */
  end(id: string): Promise<void>;
}

interface WriteOutcome {
  readonly isWritten: boolean;
  /** What stands there now. */
  readonly now: Rendezvous;
}

/** Bytes of what may be written. */
const MAX_BYTES = 4_096;
/** How long two people may take: the most that the proposals allow. */
const LASTS_MS = 5 * 60_000;
const ID_LETTERS = 24;
const COME_AGAIN_MS = 30_000;

export function createRendezvousPlaces(deps: {
  readonly meetings: Meetings;
  readonly clock: Clock;
  readonly random: Random;
}): RendezvousPlaces {
  const { meetings, clock, random } = deps;
  const newName = () => random.alphanumeric(ID_LETTERS);
  const seen = (id: string, meeting: Meeting): Rendezvous => ({
    ...meeting,
    id,
    expiresInMs: Math.max(0, meeting.expiresTs - clock.now()),
  });

  function checkSize(bytes: number): void {
    if (bytes > MAX_BYTES) throw errors.tooLarge(`At most ${MAX_BYTES} bytes can be left here`);
  }

  return {
    async create(data, bytes) {
      checkSize(bytes);
      const now = clock.now();
      const meeting = { data, token: newName(), writtenTs: now, expiresTs: now + LASTS_MS };
      const id = newName();
      if (await meetings.create(id, meeting)) return seen(id, meeting);
      throw errors.limitExceeded(COME_AGAIN_MS, "Too many devices are being signed in");
    },

    async read(id) {
      const meeting = await meetings.get(id);
      if (meeting === undefined) throw nothing();
      return seen(id, meeting);
    },

    async write(id, token, data, bytes) {
      checkSize(bytes);
      const next = { data, token: newName(), writtenTs: clock.now() };
      const meeting = await meetings.write(id, token, next);
      if (meeting === undefined) throw nothing();
      return { isWritten: meeting.token === next.token, now: seen(id, meeting) };
    },

    async end(id) {
      if (!(await meetings.end(id))) throw nothing();
    },
  };
}

function nothing(): Error {
  return errors.notFound("There is no such rendezvous, or it has ended");
}
