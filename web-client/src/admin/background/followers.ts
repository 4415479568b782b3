import { msg, str } from "@lit/localize";

const SERVICE = "appservice ";

/** What follows the server's log, in words; what a newer server has besides keeps its own name. */
export function followerName(name: string): string {
  if (name.startsWith(SERVICE)) return msg(str`Application service ${name.slice(SERVICE.length)}`);
  const names: Record<string, string> = {
    cascades: msg("Redactions that follow other ones"),
    "inbox-bounds": msg("Bounds of what waits for devices"),
    "outbox-bounds": msg("Bounds of what waits for other servers"),
    profiles: msg("Names and pictures in rooms"),
    push: msg("Notifications"),
    "room-sizes": msg("Sizes of rooms"),
    "searchable-events": msg("Searches of messages"),
    sender: msg("Sending to other servers"),
    "sticky-events": msg("Sticky events"),
    successions: msg("Upgrades of rooms"),
    "user-directory": msg("Searches of people"),
  };
  return names[name] ?? name;
}
