import { msg } from "@lit/localize";
import type { SettingInForce } from "../../api/admin/server.ts";

export interface Group {
  readonly name: string;
  readonly settings: readonly SettingInForce[];
}

/** What belongs together, by the beginnings of names; the first that fits counts. */
const GROUPS: Record<string, readonly string[]> = {
  server: [
    "server_name",
    "public_base_url",
    "listen",
    "trusted_proxies",
    "admin_contacts",
    "security_contacts",
    "support_page",
  ],
  storage: ["data_dir", "database_url", "redis_url"],
  people: ["registration", "sign_in_file", "password_", "user_directory_hidden", "smtp_"],
  rooms: [
    "default_room_version",
    "allowed_room_versions",
    "room_creators",
    "encryption_by_default",
    "retention",
  ],
  federation: ["federation_", "tls_", "trusted_key_servers", "policy_lists"],
  media: ["media_", "file_size_limit", "legacy_media", "url_previews"],
  limits: ["rate_limits", "user_", "device_", "max_"],
  bridges: ["appservices", "turn_", "rtc_"],
  watching: ["log_level", "metrics_listen", "audit_lifetime"],
};

function groupName(key: string): string {
  const names: Record<string, string> = {
    server: msg("The server"),
    storage: msg("Database and data"),
    people: msg("Accounts and signing in"),
    rooms: msg("Rooms and history"),
    federation: msg("Federation"),
    media: msg("Files and previews"),
    limits: msg("Limits"),
    bridges: msg("Bridges and calls"),
    watching: msg("Watching"),
  };
  return names[key] ?? msg("Others");
}

/** The settings by what they are about, in a fixed order; what is not known here comes last. */
export function grouped(settings: readonly SettingInForce[]): Group[] {
  const keys = Object.keys(GROUPS);
  const groupOf = ({ name }: SettingInForce): string =>
    keys.find((key) => GROUPS[key]!.some((start) => name.startsWith(start))) ?? "";
  return [...keys, ""]
    .map((key) => ({
      name: groupName(key),
      settings: settings.filter((setting) => groupOf(setting) === key),
    }))
    .filter((group) => group.settings.length > 0);
}
