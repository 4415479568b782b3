/** Bounds on what devices and users may store as keys. Honest clients use a small part of them. */

/** Identity keys of a device, bytes of canonical JSON. */
export const MAX_DEVICE_KEYS_BYTES = 4_096;
/** A one-time or fallback key, bytes of canonical JSON. */
export const MAX_ONE_TIME_KEY_BYTES = 1_024;
/** One-time keys of a device that nobody has claimed. Clients keep 50 to 100. */
export const MAX_ONE_TIME_KEYS = 500;
/** One-time keys in one upload. */
export const MAX_UPLOADED_KEYS = 500;
/**
 * Claimed keys of a device that are remembered, so that a repeated upload does not revive them:
 * those of several algorithms share them.
 */
export const REMEMBERED_KEYS = 500;
/** Algorithms of which a device may have a fallback key. */
export const MAX_FALLBACK_KEYS = 10;
/** Algorithms of which a device may have had keys. */
export const MAX_ALGORITHMS = 10;
/** A cross-signing key, bytes of canonical JSON. */
export const MAX_CROSS_SIGNING_KEY_BYTES = 4_096;
/** Other users whose master keys one user has signed. */
export const MAX_SIGNED_USERS = 10_000;
/** Keys in one answer to a query, bytes of JSON; the first users are answered in any case. */
export const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
