import { keptSessions } from "../api/session.ts";

/** The databases of a device: its rooms, the store of its keys in two parts, and what seals them; and what is searched. */
const OURS = /^weft (?:vault |encryption |index )?(@.*)$/;

/** Whose a database is: the user's and the device's id, as their names end, or undefined for what is not ours. */
function ownerOf(name: string): string | undefined {
  return OURS.exec(name)?.[1]?.replace(/::matrix-sdk-crypto(?:-meta)?$/, "");
}

/**
 * Deletes what devices left here that are signed in no longer: a page may be closed before its sign-out has deleted all.
 * Resolves when it is gone.
 */
export async function sweep(): Promise<void> {
  const all = (await indexedDB.databases?.()) ?? [];
  const deletions = all.map(async ({ name = "" }) => {
    const owner = ownerOf(name);
    // Asked each time: somebody may be signing in meanwhile, and is kept under their session first.
    const isKept = keptSessions().some(({ userId, deviceId }) => owner === `${userId} ${deviceId}`);
    if (owner === undefined || isKept) return;
    const request = indexedDB.deleteDatabase(name);
    await new Promise((resolve) => {
      for (const end of ["success", "error", "blocked"]) request.addEventListener(end, resolve);
    });
  });
  await Promise.all(deletions);
}
