/** Rooms that an administrator has archived: they are read, and left, and nothing else. */
import { errors } from "../../protocol/errors.ts";
import { IS_ARCHIVED } from "../state/blocked-rooms.ts";
import type { LocalDraft } from "./drafting.ts";

/**
 * Local users may leave an archived room.
 * @throws MatrixError M_FORBIDDEN 403 for everything else
 */
export function refuseInArchived(draft: LocalDraft): void {
  const { type, stateKey, sender, content } = draft;
  if (type === "m.room.member" && stateKey === sender && content.membership === "leave") return;
  throw errors.forbidden(IS_ARCHIVED);
}

/** An event of another server that an archived room does not take in. */
export class RefusedByArchive extends Error {
  override name = "RefusedByArchive";
  constructor() {
    super(IS_ARCHIVED);
  }
}
