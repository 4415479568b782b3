import type { Clock } from "../platform/clock.ts";
import { createServiceCalls, type ServiceCalls } from "./calls.ts";
import type { Registration } from "./registration.ts";
import type { Services } from "./services.ts";

export interface CallsOfServices {
  /** The requests to a service, with one set of connections for each. */
  of(service: Registration): Pick<ServiceCalls, "ask">;
  close(): Promise<void>;
}

export function createCallsOfServices(services: Services, clock: Clock): CallsOfServices {
  const known = new Map<string, { service: Registration; calls: ServiceCalls }>();
  const unlisten = services.onChange(({ changed, removed }) => {
    for (const { id } of [...changed, ...removed]) {
      void known.get(id)?.calls.close();
      known.delete(id);
    }
  });
  return {
    of(service) {
      let found = known.get(service.id);
      if (found?.service !== service) {
        found = { service, calls: createServiceCalls(service, clock) };
        known.set(service.id, found);
      }
      return found.calls;
    },
    async close() {
      unlisten();
      await Promise.all([...known.values()].map(({ calls }) => calls.close()));
    },
  };
}
