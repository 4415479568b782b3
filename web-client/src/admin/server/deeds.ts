import { msg } from "@lit/localize";
import type { AuditEntry } from "../../api/admin/server.ts";

type Parameters = AuditEntry["parameters"];
type Said = (parameters: Readonly<Record<string, unknown>>) => string;

const either =
  (name: string, isSo: () => string, isNot: () => string): Said =>
  (parameters) =>
    parameters[name] === false ? isNot() : isSo();

const MEDIA: Readonly<Record<string, Said>> = {
  quarantineMedia: () => msg("Quarantine a file"),
  unquarantineMedia: () => msg("Take a file out of quarantine"),
  quarantineRoomMedia: () => msg("Quarantine all files of a room"),
  quarantineUserMedia: () => msg("Quarantine all files of a user"),
  protectMedia: () => msg("Protect a file"),
  unprotectMedia: () => msg("Protect a file no longer"),
  deleteMedia: () => msg("Delete a file"),
  deleteOldMedia: () => msg("Delete old files"),
  beginMediaDeletion: () => msg("Delete old files"),
  purgeMediaCache: () => msg("Delete copies of other servers’ files"),
  deleteUserMedia: () => msg("Delete files of a user"),
};

const statusWords: Said = ({ status }) => {
  const words: Record<string, () => string> = {
    open: () => msg("Open a room"),
    archived: () => msg("Archive a room"),
    blocked: () => msg("Block a room"),
    shut_down: () => msg("Shut a room down"),
  };
  return words[String(status)]?.() ?? msg("Change a room’s status");
};

const ROOMS: Readonly<Record<string, Said>> = {
  purgeHistory: () => msg("Delete a room’s old messages"),
  purgeHistoryBefore: () => msg("Delete a room’s old messages"),
  deleteRoomAndWait: () => msg("Delete a room"),
  deleteRoom: ({ purge }) =>
    purge === false ? msg("Put everybody out of a room") : msg("Delete a room"),
  setRoomBlock: either(
    "block",
    () => msg("Block a room"),
    () => msg("Unblock a room"),
  ),
  setRoomStatus: statusWords,
  adminJoinRoom: () => msg("Add a user to a room"),
  makeRoomAdmin: () => msg("Make a user administrator of a room"),
  setRoomMemberPower: () => msg("Change somebody’s role in a room"),
  removeRoomMember: ({ ban }) =>
    ban === true ? msg("Ban somebody from a room") : msg("Remove somebody from a room"),
  deleteForwardExtremities: () => msg("Mend the end of a room’s history"),
};

const suspension = (name: string): Said =>
  either(
    name,
    () => msg("Suspend an account"),
    () => msg("End an account’s suspension"),
  );

const lock = either(
  "locked",
  () => msg("Lock an account"),
  () => msg("Unlock an account"),
);

/** What stands in a list of members is said where one of them stands alone. */
const userChange: Said = (parameters) => {
  const changed = Object.keys(parameters).filter((name) => name !== "userId");
  if (changed.length !== 1) return msg("Create or change a user");
  const words: Record<string, Said> = {
    admin: administrator,
    locked: lock,
    deactivated: either(
      "deactivated",
      () => msg("Close an account"),
      () => msg("Open an account again"),
    ),
    displayname: () => msg("Change a user’s name"),
    avatar_url: () => msg("Change a user’s picture"),
    threepids: () => msg("Change a user’s addresses"),
  };
  return words[changed[0]!]?.(parameters) ?? msg("Create or change a user");
};

const administrator = either(
  "admin",
  () => msg("Make a user administrator"),
  () => msg("Take the administrator’s role from a user"),
);

const USERS: Readonly<Record<string, Said>> = {
  setAdminLockUser: lock,
  setAdminSuspendUser: suspension("suspended"),
  suspendUser: suspension("suspend"),
  putUser: userChange,
  createUsers: () => msg("Create users from a list"),
  setAdministrator: administrator,
  deactivateUser: ({ erase }) =>
    erase === true ? msg("Close an account and erase what it holds") : msg("Close an account"),
  resetUserPassword: () => msg("Give a user another password"),
  loginAsUser: () => msg("Sign in as a user"),
  createUserDevice: () => msg("Add a device to a user"),
  updateUserDevice: () => msg("Rename a user’s device"),
  deleteUserDevice: () => msg("Sign a user’s device out"),
  deleteUserDevices: () => msg("Sign a user’s devices out"),
  setUserRateLimit: () => msg("Set a user’s own rate limit"),
  deleteUserRateLimit: () => msg("Take a user’s own rate limit away"),
  shadowBanUser: () => msg("Shadow-ban a user"),
  endShadowBan: () => msg("End a shadow ban"),
  setUserFeatures: () => msg("Change which features a user has"),
  allowCrossSigningReplacement: () => msg("Let a user replace their keys"),
  redactUser: () => msg("Remove all messages of a user"),
};

const SERVER: Readonly<Record<string, Said>> = {
  createInviteLink: () => msg("Make an invite link"),
  createRegistrationToken: () => msg("Create a registration token"),
  updateRegistrationToken: () => msg("Change a registration token"),
  deleteRegistrationToken: () => msg("Delete a registration token"),
  adminDeleteEventReport: () => msg("Delete a report"),
  adminDeleteUserReport: () => msg("Delete a report"),
  decideReport: () => msg("Decide about a report"),
  sendServerNotice: () => msg("Send a server notice"),
  sendServerNoticeOnce: () => msg("Send a server notice"),
  beginNoticeSending: ({ users }) =>
    users === undefined ? msg("Send everybody a notice") : msg("Send a notice to many"),
  stopNoticeSending: () => msg("Stop a notice"),
  resumeNoticeSending: () => msg("Go on with a notice"),
  blockServer: () => msg("Block a server"),
  unblockServer: () => msg("Unblock a server"),
  resetDestination: () => msg("Try another server again at once"),
  retryApplicationService: () => msg("Try an application service again at once"),
  setBackgroundUpdatesEnabled: either(
    "enabled",
    () => msg("Go on with background work"),
    () => msg("Halt background work"),
  ),
  startBackgroundUpdate: () => msg("Index anew"),
};

const DEEDS: Readonly<Record<string, Said>> = { ...MEDIA, ...ROOMS, ...USERS, ...SERVER };

/** What was done or tried, in words; undefined for what no administrator of this version can do. */
export function deedWords(operation: string, parameters: Parameters): string | undefined {
  if (!Object.hasOwn(DEEDS, operation)) return undefined;
  return DEEDS[operation]!(parameters);
}

/** Operations that there are words for. */
export const saidDeeds: readonly string[] = Object.keys(DEEDS);

const PARAMETERS: Readonly<Record<string, () => string>> = {
  userId: () => msg("User"),
  user_id: () => msg("User"),
  new_room_user_id: () => msg("Who makes the room to go on in"),
  roomId: () => msg("Room"),
  roomIdOrAlias: () => msg("Room"),
  rooms: () => msg("Rooms"),
  room_name: () => msg("Name of the room to go on in"),
  eventId: () => msg("Message"),
  deviceId: () => msg("Device"),
  device_id: () => msg("Device"),
  devices: () => msg("Devices"),
  reportId: () => msg("Report", { id: "Report (what was reported)" }),
  destination: () => msg("Server"),
  serverPattern: () => msg("Server"),
  serverName: () => msg("Server"),
  server_name: () => msg("Through"),
  via: () => msg("Through"),
  serviceId: () => msg("Application service"),
  mediaId: () => msg("File"),
  token: () => msg("Registration token"),
  txnId: () => msg("Number"),
  noticeId: () => msg("Number"),
  users: () => msg("Users"),
  reason: () => msg("Why"),
  message: () => msg("What they are told"),
  display_name: () => msg("Name"),
  displayname: () => msg("Name"),
  avatar_url: () => msg("Picture"),
  threepids: () => msg("Addresses"),
  external_ids: () => msg("Accounts elsewhere"),
  user_type: () => msg("Kind"),
  type: () => msg("Kind"),
  features: () => msg("Features"),
  admin: () => msg("Administrator"),
  deactivated: () => msg("Closed"),
  locked: () => msg("Locked"),
  suspend: () => msg("Suspended"),
  suspended: () => msg("Suspended"),
  erase: () => msg("Erased as well"),
  logout_devices: () => msg("Signed out everywhere"),
  enabled: () => msg("Goes on"),
  job_name: () => msg("Work"),
  valid_until_ms: () => msg("Until"),
  expiry_time: () => msg("Until"),
  uses_allowed: () => msg("Uses"),
  before_ts: () => msg("Before"),
  after_ts: () => msg("After"),
  purge_up_to_ts: () => msg("Before"),
  purge_up_to_event_id: () => msg("Before the message"),
  size_gt: () => msg("Larger than (bytes)"),
  keep_profiles: () => msg("Pictures of people and rooms stay"),
  delete_local_events: () => msg("Also messages of this server"),
  block: () => msg("Blocked"),
  purge: () => msg("Deleted from the database"),
  force_purge: () => msg("Even if somebody cannot be put out"),
  messages_per_second: () => msg("Messages a second"),
  burst_count: () => msg("At once"),
  use_admin: () => msg("In the administrator’s name"),
  status: () => msg("Status"),
  power_level: () => msg("Power level"),
  ban: () => msg("Banned"),
  decision: () => msg("Decision"),
  settle_others: () => msg("Other reports of the same with it"),
  from: () => msg("From the place"),
  limit: () => msg("At most"),
  order_by: () => msg("Order"),
  dir: () => msg("Direction"),
};

/** What a parameter is, in words; what this version does not know keeps its name. */
export function parameterWords(name: string): string {
  return Object.hasOwn(PARAMETERS, name) ? PARAMETERS[name]!() : name;
}

const MOMENTS = new Set([
  "valid_until_ms",
  "expiry_time",
  "before_ts",
  "after_ts",
  "purge_up_to_ts",
]);

/** True for parameters that are moments, in ms since 1970. */
export const isMoment = (name: string): boolean => MOMENTS.has(name);
