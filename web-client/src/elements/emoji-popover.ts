import { report } from "../store/toasts.ts";

type Picker = HTMLElement & { dataSource: string };

let panel: HTMLElement | undefined;
let onPick: (emoji: string) => void = () => undefined;

/** The picker in a box of the page's top layer; both come when they are first wanted, with their data from this server. */
async function open(anchor: Element): Promise<void> {
  const { createPicker } = await import("./emoji-picker.ts");
  if (panel === undefined) {
    panel = document.createElement("div");
    panel.popover = "auto";
    panel.style.cssText =
      "position:fixed;inset:auto;margin:0;padding:0;border:0;background:none;overflow:visible";
    const picker: Picker = createPicker((emoji) => {
      panel?.hidePopover();
      onPick(emoji);
    });
    panel.append(picker);
    document.body.append(panel);
  }
  panel.showPopover();
  const at = anchor.getBoundingClientRect();
  const { width, height } = panel.getBoundingClientRect();
  const left = Math.max(8, Math.min(at.left, innerWidth - width - 8));
  const above = at.top - height - 6;
  const top = above > 8 ? above : Math.min(at.bottom + 6, innerHeight - height - 8);
  panel.style.left = `${left}px`;
  panel.style.top = `${Math.max(8, top)}px`;
  // On a touch screen the keyboard would cover the picker.
  if (!matchMedia("(pointer: fine)").matches) return;
  const root = panel.querySelector("emoji-picker")?.shadowRoot;
  root?.querySelector<HTMLElement>("input[type=search]")?.focus();
}

/** Lets the person choose an emoji, beside the thing it is for. */
export function pickEmoji(anchor: Element, done: (emoji: string) => void): void {
  onPick = (emoji) => {
    done(emoji);
    if (anchor instanceof HTMLElement && anchor.isConnected) anchor.focus();
  };
  open(anchor).catch(report);
}
