import { msg, str } from "@lit/localize";
import type { Client } from "../../store/client.ts";
import { openDialog } from "../../store/dialogs.ts";
import type { Room } from "../../store/room.ts";
import { toast } from "../../store/toasts.ts";
import type { Draft } from "../../text/compose.ts";
import { relationOf } from "../../text/compose.ts";

function whereIAm(): Promise<GeolocationPosition> {
  return new Promise((resolve, reject) => {
    navigator.geolocation.getCurrentPosition(resolve, reject, {
      enableHighAccuracy: true,
      timeout: 20_000,
    });
  });
}

async function send(client: Client, room: Room, thread: Draft["thread"]): Promise<void> {
  const found = await whereIAm().catch(() => undefined);
  if (found === undefined) {
    toast(
      msg("The browser does not tell where you are. Its settings for this page can change that."),
      "error",
    );
    return;
  }
  const { latitude, longitude, accuracy } = found.coords;
  const [north, east] = [latitude.toFixed(6), longitude.toFixed(6)];
  const uri = `geo:${north},${east};u=${Math.round(accuracy)}`;
  const relation = thread === undefined ? undefined : relationOf({ thread });
  const content = {
    msgtype: "m.location",
    body: msg(str`Location: ${north}, ${east}`),
    geo_uri: uri,
    "org.matrix.msc3488.location": { uri },
    "org.matrix.msc3488.asset": { type: "m.self" },
    ...(relation === undefined ? {} : { "m.relates_to": relation }),
  };
  client.outbox.send(room, "m.room.message", content);
}

/** Asks first: a place that was told cannot be unsaid. */
export function shareLocation(client: Client, room: Room, thread: Draft["thread"]): void {
  openDialog({
    kind: "confirm",
    heading: msg("Share where you are?"),
    text: msg("Everyone in the room sees your position, as exactly as your device knows it."),
    action: msg("Share"),
    run: () => send(client, room, thread),
  });
}
