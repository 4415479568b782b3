import { atom } from "nanostores";

/** A window that someone asked for, with what it needs. */
export type DialogRequest =
  | { kind: "create-room" }
  | { kind: "start-direct" }
  | { kind: "join" }
  | { kind: "invite"; roomId: string }
  | { kind: "room-settings"; roomId: string }
  | { kind: "member"; roomId: string; userId: string }
  | { kind: "report"; roomId: string; eventId: string }
  | { kind: "image"; mxc: string; name: string }
  | {
      kind: "confirm";
      heading: string;
      text: string;
      action: string;
      danger?: boolean;
      /** Asks for a reason, which is passed to `run`. */
      reason?: string;
      run(reason: string): Promise<unknown>;
    };

export const $dialog = atom<DialogRequest | undefined>(undefined);

export function openDialog(request: DialogRequest): void {
  $dialog.set(request);
}

export function closeDialog(): void {
  $dialog.set(undefined);
}
