import { msg } from "@lit/localize";

/** What waits in a queue of the server, in words; what a newer server has besides keeps its own name. */
export function queueName(name: string): string {
  const names: Record<string, string> = {
    servers_behind: msg("Servers that something is still sent to"),
    messages_for_other_servers: msg("Messages for devices on other servers"),
    messages_for_devices: msg("Messages for devices that have not fetched them"),
    staged_events: msg("Events that wait for what came before them"),
    events_to_rejudge: msg("Events to be judged again"),
    rooms_to_complete: msg("Rooms whose state is still fetched"),
    redactions_along: msg("Redactions that follow other ones"),
    sticky_events_owed: msg("Sticky events that are still sent"),
    delayed_events: msg("Events that are to be sent later"),
    mails: msg("E-mails"),
  };
  return names[name] ?? name;
}
