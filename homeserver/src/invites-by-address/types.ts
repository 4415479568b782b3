import type { IdentityServers } from "../federation-client/identity-servers.ts";
import type { RemoteServer } from "../federation-client/types.ts";
import type { Logger } from "../platform/logger.ts";
import type { RoomId, ServerName, UserId } from "../protocol/identifiers.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { Rooms } from "../rooms/api/index.ts";
import type { Users } from "../users/users.ts";

export interface InvitesByAddressDeps {
  readonly rooms: Pick<Rooms, "view" | "members" | "send">;
  readonly accounts: Pick<Users["accounts"], "exists">;
  readonly identityServers: Pick<IdentityServers, "lookup" | "storeInvite" | "isKeyValid">;
  readonly remote: Pick<RemoteServer, "exchangeThirdPartyInvite">;
  readonly serverName: ServerName;
  readonly logger: Logger;
}

/** Whom to invite: somebody whom an identity server may know, or can write to. */
export interface Addressee {
  readonly idServer: string;
  /** The inviter's own token at the identity server. */
  readonly idAccessToken: string;
  /** Only `email` is known to identity servers. */
  readonly medium: string;
  readonly address: string;
}

/** An identity server's word that an invite was meant for a user: signed by the invite's key. */
export interface SignedInvite {
  readonly mxid: UserId;
  /** The state key of the room's m.room.third_party_invite. */
  readonly token: string;
  readonly signatures: JsonObject;
}

/** An invite that somebody has got an account for. */
export interface TakenInvite {
  readonly roomId: RoomId;
  /** Who sent the m.room.third_party_invite. */
  readonly sender: UserId;
  readonly signed: SignedInvite;
}
