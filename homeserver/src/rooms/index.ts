export { createRooms } from "./rooms.ts";
export { createSuccessions } from "./successions.ts";
export type * from "./types.ts";
export type * from "./types-federation.ts";
