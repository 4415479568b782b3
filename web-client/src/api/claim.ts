/**
 * Makes what takes a name for this page alone, of all pages of this browser. `take` answers false where another has it; and true where
 * a browser cannot tell, since there are no Web Locks (a page without TLS). One name is had at a time: the next lets go of it.
 */
export function createClaim() {
  let held: { name: string; letGo(): void } | undefined;
  let turn = 0;

  function letGo(): void {
    turn += 1;
    held?.letGo();
    held = undefined;
  }

  return {
    async take(name: string): Promise<boolean> {
      if (held?.name === name) return true;
      letGo();
      const locks = globalThis.navigator?.locks as LockManager | undefined;
      if (locks === undefined) return true;
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const mine = turn;
      const hold = (lock: Lock | null): Promise<void> | undefined => {
        resolve(lock !== null);
        // It may have been let go of meanwhile.
        if (lock === null || turn !== mine) return undefined;
        const end = Promise.withResolvers<void>();
        held = { name, letGo: end.resolve };
        return end.promise;
      };
      locks.request(name, { ifAvailable: true }, hold).catch(() => resolve(true));
      return promise;
    },
    letGo,
  };
}
