/** Who may do what in a room: the authorisation rules of room versions 1 to 12. */
export { checkAuthEvents } from "./auth-events.ts";
export { authTypesFor } from "./auth-types.ts";
export { authorise } from "./authorise.ts";
export { SENDER_IS_OUT } from "./member.ts";
export { checkLevelsFormat } from "./power-levels.ts";
export { requiredSigners } from "../events/event-signatures.ts";
export { keysThatSigned } from "./third-party-invite.ts";
export { type AuthState, authStateOf } from "./state.ts";
