import { number, text, type Content, type EventContent } from "../../api/types.ts";
import type { Client } from "../../store/client.ts";
import type { PackImage } from "../../store/image-packs.ts";
import { canSend } from "../../store/power.ts";
import type { Room } from "../../store/room.ts";
import { relationOf, type Draft } from "../../text/compose.ts";
import { openPicker } from "../emoji-popover.ts";
import { replaceText } from "./text-field.ts";

interface Place {
  client: Client;
  room: Room;
  field: HTMLTextAreaElement;
  /** What a sticker answers, and where. */
  draft: Pick<Draft, "replyTo" | "thread">;
  /** A sticker was sent: what it answered is answered. */
  sent(): void;
}

/** Whether stickers may be sent in a room. */
export function maySendStickers(client: Client, room: Room): boolean {
  return canSend(room, client.session.userId, "m.sticker");
}

/** What is known of a picture, without whatever else a stranger wrote into their pack. */
function knownOf(info: Content | undefined): EventContent<"m.sticker">["info"] {
  const measures = (["w", "h", "size"] as const).flatMap((key) => {
    const value = number(info, key);
    return value !== undefined && Number.isSafeInteger(value) && value >= 0 ? [[key, value]] : [];
  });
  const type = text(info, "mimetype");
  const isType = type !== undefined && /^image\/[\w.+-]{1,40}$/.test(type);
  return { ...Object.fromEntries(measures), ...(isType ? { mimetype: type } : {}) };
}

/** What a picture of a pack is when it is sent alone. (Image packs, "Sending stickers".) */
export function stickerContent(
  { mxc, body, info }: PackImage,
  draft: Pick<Draft, "replyTo" | "thread">,
): EventContent<"m.sticker"> {
  const relation = relationOf(draft);
  return {
    body,
    url: mxc,
    info: knownOf(info),
    ...(draft.replyTo === undefined ? {} : { "m.mentions": { user_ids: [draft.replyTo.sender] } }),
    ...(relation === undefined ? {} : { "m.relates_to": relation }),
  };
}

/** Opens the picker beside a tool: what is chosen goes into the field, a sticker into the room. */
export function pickInto(anchor: Element, place: Place, mode: "emoji" | "stickers"): void {
  const { client, room, field } = place;
  openPicker(anchor, {
    client,
    room,
    mode,
    stickers: maySendStickers(client, room),
    done: (picked) => {
      if ("sticker" in picked) {
        client.outbox.send(room, "m.sticker", stickerContent(picked.sticker, place.draft));
        place.sent();
        field.focus();
        return;
      }
      const words = "emoji" in picked ? picked.emoji : picked.written;
      // A picture's name is not taken for an emoji's: it was chosen.
      field.dataset["picked"] = "";
      replaceText(field, field.selectionStart, field.selectionEnd, words);
      delete field.dataset["picked"];
    },
  });
}
