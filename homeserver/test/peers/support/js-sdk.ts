import {
  createClient,
  Direction,
  Filter,
  type MatrixClient,
  type MatrixError,
  type MatrixEvent,
  type Room,
  SyncState,
  TimelineWindow,
} from "matrix-js-sdk";
import { logger } from "matrix-js-sdk/lib/logger.js";
import type { WeftProcess } from "./process.ts";
import { eventually } from "../../support/wait.ts";

// The library's logger is loglevel's, though its type does not say so; its children take over its methods.
const quiet = logger as unknown as { methodFactory: () => () => void; rebuild(): void };
quiet.methodFactory = () => () => {};
quiet.rebuild();

export interface Person {
  readonly client: MatrixClient;
  readonly userId: string;
  readonly password: string;
}

/** Registers somebody with matrix-js-sdk as npm ships it, over TLS, and syncs. */
export async function startPerson(weft: WeftProcess, username: string): Promise<Person> {
  const baseUrl = weft.secureUrl;
  const password = `${username}-Secret-1`;
  const stranger = createClient({ baseUrl });
  const { session } = await stranger.registerRequest({ username, password }).then(
    () => ({ session: undefined }),
    (error: MatrixError) => error.data as { session?: string },
  );
  const account = await stranger.registerRequest({
    username,
    password,
    auth: { type: "m.login.dummy", session: session! },
  });
  const client = createClient({
    baseUrl,
    userId: account.user_id,
    accessToken: account.access_token!,
    deviceId: account.device_id!,
    timelineSupport: true,
  });
  // Asks for more events of a room in one sync than any test sends: of a sync that is `limited` and holds an event
  // which the library has already (its own message, sent meanwhile), it never asks for what is before. Version 43
  // takes such a sync for a whole one.
  const filter = new Filter(account.user_id);
  filter.setTimelineLimit(1_000);
  await client.startClient({ filter, initialSyncLimit: 50, lazyLoadMembers: false });
  await eventually(
    "first sync of matrix-js-sdk",
    () => client.getSyncState() === SyncState.Syncing,
  );
  return { client, userId: account.user_id, password };
}

/** Waits until the client knows of the room with this membership of its own. */
export async function roomOf(
  { client }: Person,
  roomId: string,
  membership: string,
): Promise<Room> {
  return eventually(`${membership} of ${client.getUserId()}`, () => {
    const room = client.getRoom(roomId);
    return room?.getMyMembership() === membership ? room : undefined;
  });
}

/**
 * What the client shows of the room, oldest first. Pages back to the beginning: where many events came at once,
 * a sync has the newest of them alone.
 */
export async function shown({ client }: Person, roomId: string): Promise<MatrixEvent[]> {
  const timelines = client.getRoom(roomId)!.getUnfilteredTimelineSet();
  const window = new TimelineWindow(client, timelines, { windowLimit: 10_000 });
  await window.load(undefined, 1000);
  for (let page = 0; page < 50 && window.canPaginate(Direction.Backward); page += 1) {
    if (!(await window.paginate(Direction.Backward, 100))) break;
  }
  return window.getEvents();
}

/** Waits until the client shows the event. */
export async function arrived(
  person: Person,
  roomId: string,
  eventId: string,
): Promise<MatrixEvent> {
  return eventually(`${eventId} at ${person.userId}`, () =>
    person.client.getRoom(roomId)?.findEventById(eventId),
  );
}
