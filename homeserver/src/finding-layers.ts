/** The layers by which rooms, people and messages are found. */
import type { Foundation } from "./foundation.ts";
import { createInvitesByAddress, type InvitesByAddress } from "./invites-by-address/index.ts";
import { createFollower } from "./log/follow.ts";
import { type Background, createBackground } from "./oversight/background.ts";
import type { Rooms } from "./rooms/index.ts";
import { createSearch, type Search, searchFollowers } from "./search/index.ts";
import { createSpaces, type Spaces } from "./spaces/index.ts";
import type { Users } from "./users/users.ts";

export interface Finding {
  readonly search: Search;
  readonly spaces: Spaces;
  readonly invitesByAddress: InvitesByAddress;
  /** What is done in the background, such as the indexing of what is old. */
  readonly background: Background;
}

/** `opened` receives what stops the followers. */
export function openFinding(
  { sql, log, clock, logger, leases, remote, config }: Foundation,
  opened: (() => unknown)[],
  { users, rooms }: { readonly users: Users; readonly rooms: Rooms },
): Finding {
  const { serverName } = config;
  const background = createBackground({ sql, clock });
  const hidden = () => config.userDirectoryHidden;
  const following = { log, sql, clock, logger, leases };
  const { people, messages } = searchFollowers({
    ...{ sql, rooms, clock },
    allowed: background.allowed,
  });
  const followers = [createFollower(following, people), createFollower(following, messages)];
  opened.push(() => Promise.all(followers.map((follower) => follower.stop())));
  return {
    background,
    search: createSearch({ sql, rooms, serverName, ignoredBy: users.ignores.of, hidden }),
    spaces: createSpaces({ sql, rooms, remote: remote.server, serverName, clock }),
    invitesByAddress: createInvitesByAddress({
      ...{ rooms, serverName, logger, remote: remote.server },
      accounts: users.accounts,
      identityServers: remote.identityServers,
    }),
  };
}
