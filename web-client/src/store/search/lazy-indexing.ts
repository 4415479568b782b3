import type { Session } from "../../api/session.ts";
import type { Indexing } from "./indexing.ts";

/** The same as `createIndexing`, which is loaded when there is something for it: the first script is without it. */
export function indexLater(session: Session): Indexing {
  let made: Promise<Indexing> | undefined;
  const indexing = (): Promise<Indexing> =>
    (made ??= import("./indexing.ts").then(({ createIndexing }) => createIndexing(session)));
  const later = (work: (one: Indexing) => void): void => {
    indexing().then(work, () => (made = undefined));
  };
  return {
    note: (roomId, events) => later((one) => one.note(roomId, events)),
    drop: (roomId) => later((one) => one.drop(roomId)),
    open: async () => (await indexing()).open(),
    about: async (roomId) => (await indexing()).about(roomId),
    close: async (forget) => {
      // What was never opened here may be there from another visit.
      if (made !== undefined || forget) await (await indexing()).close(forget);
    },
  };
}
