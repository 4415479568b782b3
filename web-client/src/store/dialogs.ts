import { atom } from "nanostores";
import type { Draft } from "../text/compose.ts";
import type { Act } from "./acts.ts";
import type { MediaWish } from "./media-cache.ts";

/** A picture to be looked at in full size. */
export interface Picture {
  file: MediaWish;
  name: string;
}

/** A window that someone asked for, with what it needs. */
export type DialogRequest =
  | { kind: "create-room"; spaceId?: string }
  | { kind: "create-space"; spaceId?: string }
  | { kind: "add-rooms"; spaceId: string }
  | { kind: "start-direct" }
  | { kind: "join" }
  | { kind: "invite"; roomId: string }
  | { kind: "member"; roomId: string; userId: string }
  | { kind: "report"; roomId: string; eventId: string }
  | { kind: "report-room"; roomId: string; name: string }
  | { kind: "report-person"; userId: string; name: string }
  | { kind: "image"; pictures: readonly Picture[]; index: number }
  | { kind: "go-to-date"; roomId: string }
  | { kind: "export"; roomId: string }
  | { kind: "edit-history"; roomId: string; eventId: string }
  | { kind: "source"; roomId: string; eventId: string }
  | { kind: "forward"; roomId: string; eventId: string }
  | { kind: "encryption-setup"; task?: "renew" | "reset" }
  | { kind: "verify-device" }
  | { kind: "verification"; id: string }
  | { kind: "key-file"; way: "export" | "import" }
  | { kind: "room-encryption"; roomId: string }
  | { kind: "commands" }
  | { kind: "reactions"; roomId: string; eventId: string }
  | { kind: "new-poll"; roomId: string; thread?: Draft["thread"] }
  | { kind: "status" }
  | { kind: "sign-out" }
  | { kind: "palette" }
  | { kind: "shortcuts" }
  | { kind: "act"; act: Act }
  | {
      kind: "confirm";
      heading: string;
      text: string;
      action: string;
      danger?: boolean;
      /** Asks for a reason, which is passed to `run`. */
      reason?: string;
      /** Offers a box to tick, whose state is passed to `run`. */
      choice?: string;
      run(reason: string, isTicked: boolean): Promise<unknown>;
    };

export const $dialog = atom<DialogRequest | undefined>(undefined);

let held = false;

export function openDialog(request: DialogRequest): void {
  held = false;
  $dialog.set(request);
}

export function closeDialog(): void {
  held = false;
  $dialog.set(undefined);
}

/** While a window shows what is shown only once, going to another place does not close it. */
export function holdDialog(on: boolean): void {
  held = on;
}

/** Closes the window, unless it is held. */
export function leaveDialog(): void {
  if (!held) closeDialog();
}
