/** What stands beside a conversation. */
export type PanelTab = "about" | "people" | "files" | "pins" | "threads";

export type Panel =
  | { kind: "room"; tab: PanelTab }
  | { kind: "thread"; root: string; eventId?: string }
  | { kind: "search"; everywhere: boolean };

/** Asks the room's page to show something beside the conversation. */
export function openPanel(from: EventTarget, panel: Panel): void {
  from.dispatchEvent(
    new CustomEvent<Panel>("open-panel", { detail: panel, bubbles: true, composed: true }),
  );
}

/** Asks the room's page to lead the reader to an event. */
export function goToEvent(from: EventTarget, eventId: string): void {
  from.dispatchEvent(
    new CustomEvent<string>("go-to-event", { detail: eventId, bubbles: true, composed: true }),
  );
}
