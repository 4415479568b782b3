export { createRooms } from "./rooms.ts";
export { createUpgradeSettings } from "./creating/upgrade-settings.ts";
export { leaveAllRooms } from "./membership/leave-all-rooms.ts";
export type * from "./api/index.ts";
export type * from "./api/federation.ts";
