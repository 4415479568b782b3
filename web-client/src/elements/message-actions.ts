import { msg } from "@lit/localize";
import { text } from "../api/types.ts";
import { toggleReaction, viaServers } from "../store/actions.ts";
import type { Client } from "../store/client.ts";
import { bodyWithoutFallback, isAttachment, shownContent } from "../store/describe.ts";
import { openDialog } from "../store/dialogs.ts";
import { canRedact, canSend } from "../store/power.ts";
import type { Room } from "../store/room.ts";
import { isRedacted, type Entry } from "../store/timeline.ts";
import { attempt, toast } from "../store/toasts.ts";
import { matrixTo } from "../text/links.ts";
import { pickEmoji } from "./emoji-popover.ts";
import type { IconName } from "./icon.ts";
import { readingActions } from "./reading-actions.ts";

export interface MessageAction {
  label: string;
  icon: IconName;
  /** The key that does it while the message has the keyboard. */
  key?: string;
  /** Stands in the bar itself; the others are in the menu. */
  inBar?: boolean;
  danger?: boolean;
  run(anchor: Element): void;
}

/** Tells the composer of the room what to do: the room page listens. */
function tell(from: EventTarget, type: "reply" | "edit", entry: Entry): void {
  from.dispatchEvent(new CustomEvent(type, { detail: entry.event, bubbles: true, composed: true }));
}

/** The words of one's own messages can be edited, with a file or without. */
export function canEdit(client: Client, entry: Entry): boolean {
  const { event } = entry;
  const type = text(event.content, "msgtype");
  return (
    event.sender === client.session.userId &&
    event.type === "m.room.message" &&
    (type === "m.text" || type === "m.emote" || isAttachment(event)) &&
    !isRedacted(event) &&
    entry.pending === undefined
  );
}

function copy(value: string, done: string): void {
  void attempt(async () => {
    await navigator.clipboard.writeText(value);
    toast(done);
  });
}

/** Everything that can be done with a message, in the order in which it is offered. */
export function openMessageActions(
  from: EventTarget,
  client: Client,
  room: Room,
  entry: Entry,
): MessageAction[] {
  const { event } = entry;
  const me = client.session.userId;
  const actions: MessageAction[] = [];
  const open = client.encryption.rooms.canWrite(room);
  if (open && canSend(room, me, "m.reaction")) {
    actions.push({
      label: msg("React"),
      icon: "react",
      key: "+",
      inBar: true,
      run: (anchor) =>
        pickEmoji(
          anchor,
          client,
          (emoji) => void attempt(() => toggleReaction(client, room, event.event_id, emoji)),
        ),
    });
  }
  if (open && canSend(room, me, "m.room.message")) {
    actions.push({
      label: msg("Reply"),
      icon: "reply",
      key: "r",
      inBar: true,
      run: () => tell(from, "reply", entry),
    });
  }
  if (open && canEdit(client, entry)) {
    actions.push({
      label: msg("Edit"),
      icon: "pencil",
      key: "e",
      inBar: true,
      run: () => tell(from, "edit", entry),
    });
  }
  actions.push(
    ...whoReacted(room, event.event_id),
    {
      label: msg("Copy text"),
      icon: "copy",
      key: "c",
      run: () => {
        const body = text(shownContent(room, event), "body") ?? "";
        copy(bodyWithoutFallback(event, body), msg("Text copied."));
      },
    },
    {
      label: msg("Copy link"),
      icon: "link",
      run: () => {
        const link = matrixTo(room.roomId, viaServers(room));
        copy(
          link.replace(/(\?|$)/, `/${encodeURIComponent(event.event_id)}$1`),
          msg("Link copied."),
        );
      },
    },
  );
  actions.push(...readingActions(from, client, room, entry));
  if (event.sender !== me) {
    const { roomId } = room;
    const run = (): void => openDialog({ kind: "report", roomId, eventId: event.event_id });
    actions.push({ label: msg("Report"), icon: "flag", run });
  }
  if (canRedact(room, me, event.sender)) actions.push(deletion(client, room, entry));
  return actions;
}

function whoReacted(room: Room, eventId: string): MessageAction[] {
  if (room.timeline.relations.reactionsTo(eventId).length === 0) return [];
  return [
    {
      label: msg("Who reacted"),
      icon: "smile",
      run: () => openDialog({ kind: "reactions", roomId: room.roomId, eventId }),
    },
  ];
}

function deletion(client: Client, room: Room, entry: Entry): MessageAction {
  return {
    label: msg("Delete"),
    icon: "trash",
    key: "Delete",
    danger: true,
    run: () =>
      openDialog({
        kind: "confirm",
        heading: msg("Delete this message?"),
        text: msg("It is taken away for everyone in the room. This cannot be undone."),
        action: msg("Delete"),
        danger: true,
        run: () => client.outbox.redact(room, entry.event.event_id),
      }),
  };
}

/** Does what a key stands for on a message. Answers false when it stands for nothing. */
export function shortcutFor(
  from: HTMLElement,
  client: Client,
  room: Room,
  entry: Entry,
  key: string,
): boolean {
  if (entry.pending !== undefined || isRedacted(entry.event)) return false;
  const action = openMessageActions(from, client, room, entry).find((one) => one.key === key);
  action?.run(from);
  return action !== undefined;
}
