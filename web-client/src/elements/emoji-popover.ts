import { msg } from "@lit/localize";
import type { Client } from "../store/client.ts";
import { noteEmoji } from "../store/recent-emoji.ts";
import type { Room } from "../store/room.ts";
import { $route } from "../store/router.ts";
import { report } from "../store/toasts.ts";
import { activeElement, keepFocus } from "./focus-return.ts";
import type { Picked } from "./picker/groups.ts";

interface Request {
  client: Client;
  /** The room whose pictures are offered too, with its stickers where these may be sent. */
  room?: Room;
  stickers?: boolean;
  mode?: "emoji" | "stickers";
  done(picked: Picked): void;
}

const BOX =
  "position:fixed;inset:auto;margin:0;padding:0;border:0;background:none;overflow:visible";

function place(panel: HTMLElement, anchor: Element): void {
  const at = anchor.getBoundingClientRect();
  const { width, height } = panel.getBoundingClientRect();
  const left = Math.max(8, Math.min(at.left, innerWidth - width - 8));
  const above = at.top - height - 6;
  const top = above > 8 ? above : Math.min(at.bottom + 6, innerHeight - height - 8);
  panel.style.left = `${left}px`;
  panel.style.top = `${Math.max(8, top)}px`;
}

/** The picker in a box of the page's top layer; it comes when it is first wanted, with its data from this server. */
async function open(anchor: HTMLElement, request: Request): Promise<void> {
  const { createPicker } = await import("./picker/picker.ts");
  const { client, room, stickers = false, mode = "emoji", done } = request;
  const giveBack = keepFocus();
  const panel = document.createElement("div");
  panel.popover = "auto";
  panel.role = "dialog";
  panel.ariaLabel = msg("Emoji and stickers");
  panel.style.cssText = BOX;
  const picker = createPicker(client);
  Object.assign(picker, { room, stickers, mode });
  panel.append(picker);
  document.body.append(panel);
  const close = (): void => panel.hidePopover();
  const unroute = $route.listen(close);
  const onResize = (): void => place(panel, anchor);
  window.addEventListener("resize", onResize);
  panel.addEventListener("toggle", ({ newState }) => {
    if (newState !== "closed") return;
    const hadKeys = activeElement() === undefined || panel.contains(document.activeElement);
    unroute();
    window.removeEventListener("resize", onResize);
    panel.remove();
    if (hadKeys) giveBack();
  });
  picker.addEventListener("leave", close);
  picker.addEventListener("picked", (event) => {
    const { detail: picked } = event as CustomEvent<Picked>;
    close();
    if (activeElement() === undefined) giveBack();
    if ("emoji" in picked) noteEmoji(client, picked.emoji);
    done(picked);
  });
  panel.showPopover();
  await picker.updateComplete;
  place(panel, anchor);
  // On a touch screen the keyboard would cover the picker.
  if (matchMedia("(pointer: fine)").matches) picker.focus();
}

/** Lets the person choose an emoji or a picture, beside the thing it is for. */
export function openPicker(anchor: Element, request: Request): void {
  if (anchor instanceof HTMLElement) open(anchor, request).catch(report);
}

/** Lets the person choose an emoji alone. */
export function pickEmoji(anchor: Element, client: Client, done: (emoji: string) => void): void {
  openPicker(anchor, {
    client,
    done: (picked) => {
      if ("emoji" in picked) done(picked.emoji);
    },
  });
}
