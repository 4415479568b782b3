/** What local users do to rooms, put together. */
import { MatrixError } from "../protocol/errors.ts";
import type { RoomAlias, RoomId } from "../protocol/identifiers.ts";
import { createExclusive } from "../storage/exclusive.ts";
import { DEFAULT_LIMITS } from "../users/common/limits.ts";
import type { RoomDirectory } from "./api/index.ts";
import type { RoomCore } from "./core.ts";
import { createCascades } from "./creating/cascades.ts";
import { createRoomCreator } from "./creating/create.ts";
import { createDirectoryLimits } from "./creating/directory-limits.ts";
import { createDirectory } from "./creating/directory.ts";
import { FREE_RULES } from "./creating/room-rules.ts";
import { createRoomMaker } from "./creating/room-maker.ts";
import { createSend } from "./creating/send.ts";
import { createUpgrade } from "./creating/upgrade.ts";
import type { RoomsDeps } from "./deps.ts";
import { createMembers } from "./membership/members.ts";
import type { RemoteMembership } from "./membership/remote-membership.ts";
import { shadowedCreate, shadowedMembers, shadowedSend } from "./creating/shadowed.ts";
import { createIdempotency } from "./records/idempotency.ts";

export function createWriting(deps: RoomsDeps, core: RoomCore, remoteMembership: RemoteMembership) {
  const { log, sql, clock, logger, profiles, random, remote } = deps;
  const { store, local, partial, invitees } = core;
  const limits = deps.limits ?? DEFAULT_LIMITS;
  const directoryLimits = createDirectoryLimits(sql, limits, deps.aliasNamespaces);
  const directory = createDirectory({
    ...{ store, local, remote, directoryLimits },
    askServices: deps.aliasNamespaces?.ask,
  });
  const shadowed = { store, local, random };
  const allMembers = createMembers({
    ...core,
    ...{ log, profiles, remote: remoteMembership, resolveAlias: directory.resolve },
  });
  const members = shadowedMembers(allMembers, shadowed);
  const cascades = createCascades({ store, local, clock, logger });
  const allSend = createSend({
    ...{ store, local, cascades, memberByState: allMembers.byState },
    idempotency: createIdempotency(sql),
    exclusive: deps.exclusive ?? createExclusive(),
    resolveAlias: (alias) => roomOf(directory, alias),
  });
  const maker = createRoomMaker(store, local, random, directoryLimits);
  const { now } = local.identity;
  const rules = deps.rules ?? FREE_RULES;
  const create = createRoomCreator({
    ...{ store, maker, members, profiles, invitees, directoryLimits, now, rules },
  });
  const { upgrades, ...upgrade } = createUpgrade({ store, local, maker, profiles, partial, rules });
  return {
    ...{ directory, members, cascades, upgrades, send: shadowedSend(allSend, shadowed) },
    create: shadowedCreate({ ...create, ...upgrade }),
  };
}

async function roomOf(directory: RoomDirectory, alias: RoomAlias): Promise<RoomId | undefined> {
  try {
    return (await directory.resolve(alias)).roomId;
  } catch (error) {
    if (error instanceof MatrixError && error.status === 404) return undefined;
    throw error;
  }
}
