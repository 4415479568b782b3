/** Finding people and messages. */
import type { Rooms } from "../rooms/api/index.ts";
import type { Clock } from "../platform/clock.ts";
import type { Sql } from "../storage/sql.ts";
import { directoryFollower } from "./directory-follower.ts";
import { messageFollower } from "./message-follower.ts";
import { createMessageSearch } from "./message-search.ts";
import { createSearchAnswer } from "./search-results.ts";
import { createUserDirectory, type UserDirectoryDeps } from "./user-directory.ts";

export type Search = ReturnType<typeof createSearch>;

export interface SearchDeps extends UserDirectoryDeps {
  readonly sql: Sql;
  readonly rooms: Pick<Rooms, "view" | "history">;
}

export function createSearch(deps: SearchDeps) {
  return {
    /** POST /user_directory/search. */
    users: createUserDirectory(deps),
    /** POST /search: what is found. */
    messages: createMessageSearch({ ...deps, view: deps.rooms.view }),
    /** What is answered then. */
    answer: createSearchAnswer(deps),
  };
}

export interface FollowersDeps extends Pick<SearchDeps, "sql" | "rooms"> {
  /** Resolves when what was there before may be indexed. */
  readonly allowed: (signal: AbortSignal) => Promise<void>;
  readonly clock: Pick<Clock, "now" | "sleep">;
}

/** The followers that keep what is searched. */
export function searchFollowers({ sql, rooms, clock, allowed }: FollowersDeps) {
  return {
    people: directoryFollower({ sql, view: rooms.view, allowed, clock }),
    messages: messageFollower({ sql, clock, allowed }),
  };
}
